"""What every handler reaches: settings, services, sign-in, the thread pool of the database, templates."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, TypeVar

from jinja2 import Environment

from avi_kernel.protocol.api import Health
from gavip_hub.config import Gavip
from gavip_hub.handlers.feed import EventFeed
from gavip_hub.handlers.rendering import make_environment
from gavip_hub.handlers.sign_in import SignIn

PREFIX = "/services/gavip"
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Services:
    """The deciding layer, as handlers see it."""

    jobs: Any
    releases: Any
    servers: Any
    opening: Any
    results: Any
    quotas: Any
    events: Any


@dataclass(frozen=True, kw_only=True)
class ServiceContext:
    """One for the whole process."""

    config: Gavip
    services: Services
    sign_in: SignIn
    threads: Executor
    feed: EventFeed
    health: Callable[[], Awaitable[Health]]
    templates: Environment

    async def in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what blocks, a method of a service above all, in the bounded pool."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, partial(function, *args, **kwargs))


def make_templates() -> Environment:
    """Return the environment of the portal's pages; a name that a page misspells is an error."""
    return make_environment(PREFIX)
