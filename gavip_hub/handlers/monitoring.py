"""The address that a monitor reads."""

from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST
from typing_extensions import override

from gavip_hub.domain.identity import ADMIN
from gavip_hub.exceptions import DatabaseAway
from gavip_hub.handlers.base import BaseHandler
from gavip_hub.handlers.context import PREFIX
from gavip_hub.handlers.probe import PARTS
from gavip_hub.metrics import Numbers


class MetricsPage(BaseHandler):
    """Prometheus' text format, for whoever holds the operator's scope."""

    @override
    async def get(self) -> None:
        self.require(ADMIN)
        health = await self.context.health()
        disk = {"free": self.context.disk.free_mb(), "reserve": self.context.disk.reserve_mb}
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        healthy = {part: bool(getattr(health, part)) for part in PARTS}
        self.finish(self.context.metrics.page(await self._numbers(), healthy=healthy, disk_mb=disk))

    async def _numbers(self) -> Numbers | None:
        try:
            return await self.in_thread(self.services.numbers.now)
        except DatabaseAway:
            return None


ROUTES: list[tuple[str, type[Any]]] = [(f"{PREFIX}/metrics", MetricsPage)]
