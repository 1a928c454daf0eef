"""Whether the service can do its work, looked at now and then rather than at every page."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from avi_kernel.protocol.api import Health

Sandbox = Literal["enforced", "partial", "none"]
BELIEVED_SECONDS = {"ok": 5.0, "degraded": 0.5}


class HealthProbe:
    """Looks at database, scheduler and Hub.

    Parameters
    ----------
    sandbox, notices
        What was found at the start; it does not change while the machine runs.
    """

    def __init__(
        self,
        *,
        database: Callable[[], Awaitable[bool]],
        scheduler: Callable[[], bool],
        hub: Callable[[], Awaitable[bool]],
        sandbox: Sandbox,
        notices: Sequence[str],
    ) -> None:
        self._database = database
        self._scheduler = scheduler
        self._hub = hub
        self._sandbox = sandbox
        self._notices = list(notices)
        self._seen: Health | None = None
        self._seen_at = 0.0

    async def __call__(self) -> Health:
        """Return what was seen a few seconds ago at most."""
        seen = self._seen
        if seen is None or time.monotonic() - self._seen_at > BELIEVED_SECONDS[seen.status]:
            seen = self._seen = await self._look()
            self._seen_at = time.monotonic()
        return seen

    async def _look(self) -> Health:
        database, hub, scheduler = await self._database(), await self._hub(), self._scheduler()
        return Health(
            status="ok" if database and hub and scheduler else "degraded",
            database=database,
            scheduler=scheduler,
            hub=hub,
            sandbox=self._sandbox,
            notices=self._notices,
        )
