"""Keeps proxy, Hub, service and who stands beside containers running; any of them, and this one too, may be killed at any moment."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from gavip_hub.backends.choice import make_launcher
from gavip_hub.backends.sandbox import SandboxReport
from gavip_hub.backends.walls import walls_of
from gavip_hub.config import Gavip
from gavip_hub.exceptions import Conflict, Unavailable
from gavip_hub.supervise import accounts, proxy
from gavip_hub.supervise.boxes import stop_boxes
from gavip_hub.supervise.installation import prepare
from gavip_hub.supervise.keeper import START_SECONDS, WATCH_SECONDS, Keeper
from gavip_hub.supervise.preparation import upgrade_database
from gavip_hub.supervise.probe import Probe
from gavip_hub.supervise.programs import programs
from gavip_hub.supervise.routes import Routes
from gavip_hub.supervise.sibling import Sibling

_NO_WALLS = SandboxReport(bwrap=None, enforced=frozenset())  # they matter at a container's start only


class Supervisor:
    """Starts or adopts the siblings, restarts each, and ends them.

    Parameters
    ----------
    config
        The platform's settings.
    tell
        Called with one line for a person at each step of the start.
    warn
        Called with what a person must not overlook.
    """

    def __init__(self, *, config: Gavip, tell: Callable[[str], None], warn: Callable[[str], None]) -> None:
        self.config = config
        self.tell = tell
        self.warn = warn
        self.siblings: list[Sibling] = []
        self._watchers: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Bring the platform to the point where it answers through the proxy.

        Raises
        ------
        gavip_hub.exceptions.GavipError
            Something is missing or in the way; the message says what to do.
        """
        ports, secrets = prepare(self.config)
        routes = Routes(config=self.config, secrets=secrets)
        await asyncio.to_thread(self._prepare_machine)
        self.siblings = [
            Sibling(program=program, root=self.config.root)
            for program in programs(
                self.config, ports=ports, secrets=secrets, proxy_script=self._proxy_script()
            )
        ]
        for user in accounts.seed_passwords(self.config.root, list(self.config.users)):
            self.tell(f"made a password for {user}")
        for sibling in self.siblings:
            await self._bring_up(sibling)
        keepers = [
            Keeper(
                sibling=sibling,
                tell=self.tell,
                # A new proxy is empty, and filled by the Hub only when it is asked to.
                once_back=routes.restore if sibling.program.name == "proxy" else None,
            )
            for sibling in self.siblings
        ]
        await asyncio.gather(*(keeper.wait_healthy() for keeper in keepers))
        await routes.restore()
        await self._wait_public()
        self._watchers = [asyncio.create_task(keeper.keep()) for keeper in keepers]
        self._watchers.append(asyncio.create_task(routes.keep()))

    async def stop(self, *, keep_boxes: bool) -> None:
        """End proxy, service and Hub, and unless told otherwise what runs for users."""
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        # These first, so that nothing new comes in; they do not wait for one another.
        await asyncio.gather(*(one.stop() for one in self.siblings if not one.program.beside_containers))
        try:
            if self.siblings and not keep_boxes:
                await stop_boxes(make_launcher(self.config, _NO_WALLS))
        except Unavailable as error:
            self.warn(f"What runs for users could not be ended: {error.message}")
        finally:
            await asyncio.gather(*(one.stop() for one in self.siblings))

    def _prepare_machine(self) -> None:
        """Bring the service's database to this program's schema, and say what boxes cannot be kept from."""
        upgrade_database(self.config)
        if self.config.backend == "docker":
            # Its client library is an extra of the installation.
            from gavip_hub.backends.docker.launcher import require_engine  # noqa: PLC0415 - only where there is an engine

            version = require_engine(self.config)
            self.tell(f"containers by Docker {version}: own files, no network but through the platform")
        elif notice := walls_of(self.config).notice:
            self.warn(notice)
        else:
            self.tell("boxes are sandboxed: own files, own processes, no network but through the platform")

    def _proxy_script(self) -> Path:
        script = proxy.installed(self.config.root)
        if script is None:
            self.tell("installing the proxy (once; from the npm registry)")
            script = proxy.install(self.config.root)
        return script

    async def _bring_up(self, sibling: Sibling) -> None:
        if await sibling.adopt():
            self.tell(f"{sibling.program.title} runs already")
            return
        if sibling.program.name == "proxy":
            await _refuse_taken_port(self.config.port)
        self.tell(f"starting {sibling.program.title}")
        sibling.start()

    async def _wait_public(self) -> None:
        through = Probe(
            url=f"http://127.0.0.1:{self.config.port}/services/gavip/api/health/live",
            headers={"Host": self.config.public_url.partition("://")[2]},
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await through.answers():  # noqa: ASYNC110 - the Hub tells nobody of its routes
                    await asyncio.sleep(WATCH_SECONDS)
        except TimeoutError:
            raise Unavailable(
                f"The portal cannot be reached through the proxy; see {self.config.root / 'logs'}."
            ) from None


async def _refuse_taken_port(port: int) -> None:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return
    writer.close()
    await writer.wait_closed()
    raise Conflict(
        f"Port {port} is in use by another program. Stop it, or choose another: gavip up --port {port + 1}"
    )
