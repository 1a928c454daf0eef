"""The address that a monitor reads."""

from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST
from typing_extensions import override

from gavip_hub.domain.identity import ADMIN
from gavip_hub.handlers.base import BaseHandler
from gavip_hub.handlers.context import PREFIX


class MetricsPage(BaseHandler):
    """Prometheus' text format, for whoever holds the operator's scope."""

    @override
    async def get(self) -> None:
        self.require(ADMIN)
        numbers = await self.in_thread(self.services.numbers.now)
        health = await self.context.health()
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.finish(self.context.metrics.page(numbers, scheduler_healthy=health.scheduler))


ROUTES: list[tuple[str, type[Any]]] = [(f"{PREFIX}/metrics", MetricsPage)]
