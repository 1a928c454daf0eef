"""Who asks, what they may hold, and whether the service is well."""

from http import HTTPStatus

from typing_extensions import override

from avi_kernel.protocol.api import Alive, Health, PoolView, Profile
from gavip_hub.exceptions import Unavailable
from gavip_hub.handlers.operations import ApiHandler, operation
from gavip_hub.handlers.sign_in import NOBODY, Identity


class HealthReport(ApiHandler):
    """Whether the service can do its work."""

    path = "/health"

    @override
    async def identify(self) -> Identity:
        return NOBODY  # must answer while the Hub does not

    @override
    @operation(id="health.get", summary="Tell whether the service is well", public=True, returns=Health)
    async def get(self) -> Health:
        """Look at database, scheduler, Hub, disk and WebDAV; 503 with what is wrong where one of them is not well."""
        health = await self.context.health()
        self.set_header("Cache-Control", "no-store")
        if health.status != "ok":
            self.set_header("Retry-After", str(Unavailable.retry_after))
            self.set_status(HTTPStatus.SERVICE_UNAVAILABLE)
        return health


class Liveness(ApiHandler):
    """Whether the service's process answers; whoever restarts it asks for nothing else."""

    path = "/health/live"

    @override
    async def identify(self) -> Identity:
        return NOBODY

    @override
    @operation(
        id="health.live", summary="Tell whether the service's process answers", public=True, returns=Alive
    )
    async def get(self) -> Alive:
        """Answer: to start the process anew would bring back neither database nor Hub nor disk."""
        self.set_header("Cache-Control", "no-store")
        return Alive()


class Me(ApiHandler):
    """Who asks."""

    path = "/me"

    @override
    @operation(id="me.get", summary="Show who you are", returns=Profile)
    async def get(self) -> Profile:
        """Return the asker's profile."""
        return self.require()


class Pools(ApiHandler):
    """What may be held at once."""

    path = "/pools"

    @override
    @operation(id="pools.list", summary="Show your pool and the platform's", returns=list[PoolView])
    async def get(self) -> list[PoolView]:
        """Return the asker's pool first."""
        profile = self.require()
        mine = await self.in_thread(self.services.quotas.user_pool, owner=profile.name, groups=profile.groups)
        return [mine, await self.in_thread(self.services.quotas.platform_pool)]


HANDLERS: tuple[type[ApiHandler], ...] = (HealthReport, Liveness, Me, Pools)
