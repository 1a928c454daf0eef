"""Keeps proxy, Hub, service and who stands beside containers running; any of them, and this one too, may be killed at any moment."""

import asyncio
import fcntl
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError
from tornado.httpclient import AsyncHTTPClient, HTTPClientError

from gavip_hub.backends.choice import make_launcher
from gavip_hub.backends.sandbox import SandboxReport
from gavip_hub.backends.walls import walls_of
from gavip_hub.config import Gavip, Ports
from gavip_hub.exceptions import Conflict, Unavailable
from gavip_hub.storage import migrate
from gavip_hub.supervise import accounts, proxy
from gavip_hub.supervise.boxes import stop_boxes
from gavip_hub.supervise.installation import Secrets, prepare
from gavip_hub.supervise.probe import Probe
from gavip_hub.supervise.programs import programs
from gavip_hub.supervise.sibling import Sibling

START_SECONDS = 90.0
WATCH_SECONDS = 0.25
PROBE_EVERY = 15.0
SILENT_PROBES = 4
FIRST_BACK_OFF = 0.25
LONGEST_BACK_OFF = 30.0
SETTLED_SECONDS = 60.0
ROUTES_EVERY = 300.0

_NO_WALLS = SandboxReport(bwrap=None, enforced=frozenset())  # they matter at a container's start only

log = logging.getLogger("gavip.supervisor")


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
        self._ports: Ports | None = None
        self._secrets: Secrets | None = None

    async def start(self) -> None:
        """Bring the platform to the point where it answers through the proxy.

        Raises
        ------
        gavip_hub.exceptions.GavipError
            Something is missing or in the way; the message says what to do.
        """
        self._ports, self._secrets = prepare(self.config)
        await asyncio.to_thread(self._prepare_machine)
        self.siblings = [
            Sibling(program=program, root=self.config.root)
            for program in programs(
                self.config, ports=self._ports, secrets=self._secrets, proxy_script=self._proxy_script()
            )
        ]
        for user in accounts.seed_passwords(self.config.root, list(self.config.users)):
            self.tell(f"made a password for {user}")
        for sibling in self.siblings:
            await self._bring_up(sibling)
        await asyncio.gather(*(self._wait_healthy(sibling) for sibling in self.siblings))
        await self._restore_routes()
        await self._wait_public()
        self._watchers = [asyncio.create_task(self._keep(sibling)) for sibling in self.siblings]
        self._watchers.append(asyncio.create_task(self._keep_routes()))

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
            from gavip_hub.backends.docker.launcher import require_engine  # noqa: PLC0415

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

    async def _wait_healthy(self, sibling: Sibling) -> None:
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await sibling.program.probe.answers():
                    if not sibling.alive():
                        raise Unavailable(_ended(sibling))
                    await asyncio.sleep(WATCH_SECONDS)
        except TimeoutError:
            raise Unavailable(
                f"The {sibling.program.title} did not answer within {START_SECONDS:.0f} s; "
                f"see {sibling.log_file}:\n{sibling.last_words()}"
            ) from None
        self.tell(f"{sibling.program.title} answers")

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

    async def _keep(self, sibling: Sibling) -> None:
        """Restart a sibling whenever it ended or has gone silent, ever more slowly while that does not help."""
        clock = asyncio.get_running_loop().time
        back_off, since = FIRST_BACK_OFF, clock()
        while True:
            await self._until_ended_or_silent(sibling)
            if clock() - since > SETTLED_SECONDS:
                back_off = FIRST_BACK_OFF
            title, log_file = sibling.program.title, sibling.log_file
            self.tell(f"{title} ended; starting it again in {back_off:g} s (see {log_file})")
            await asyncio.sleep(back_off)
            back_off, since = min(2 * back_off, LONGEST_BACK_OFF), clock()
            sibling.start()
            await self._after_restart(sibling)

    async def _until_ended_or_silent(self, sibling: Sibling) -> None:
        clock = asyncio.get_running_loop().time
        silent, next_probe = 0, clock() + PROBE_EVERY
        while sibling.alive():
            await asyncio.sleep(WATCH_SECONDS)
            if clock() < next_probe:
                continue
            silent = 0 if await sibling.program.probe.answers() else silent + 1
            next_probe = clock() + PROBE_EVERY
            if silent >= SILENT_PROBES:
                log.error("%s does not answer any more; it is ended", sibling.program.title)
                break
        await sibling.stop()

    async def _after_restart(self, sibling: Sibling) -> None:
        """Wait for the answer; an empty new proxy is filled by the Hub, but only when it is asked to."""
        try:
            await self._wait_healthy(sibling)
        except Unavailable:
            log.exception("%s did not come back", sibling.program.title)
            return
        if sibling.program.name == "proxy":
            await self._restore_routes()

    async def _keep_routes(self) -> None:
        """Have the routes checked now and then: the Hub does so only with its activity poll, which is off."""
        while True:
            await asyncio.sleep(ROUTES_EVERY)
            await self._restore_routes()

    async def _restore_routes(self) -> None:
        if self._secrets is None or self._ports is None:
            return
        try:
            await AsyncHTTPClient().fetch(
                f"http://127.0.0.1:{self._ports.hub}/hub/api/proxy",
                method="POST",
                body="",
                headers={"Authorization": f"token {self._secrets.supervisor_token}"},
            )
        except (HTTPClientError, OSError) as error:
            # The Hub is down as well: it fills the proxy by itself when it starts.
            log.warning("the Hub could not fill the proxy: %s", error)


def upgrade_database(config: Gavip) -> None:
    """Create the service's tables, or bring them to this program's schema.

    Raises
    ------
    gavip_hub.exceptions.Unavailable
        The database cannot be reached, or is of a newer GAVIP.
    """
    try:
        migrate.upgrade(config.database_url)
    except (CommandError, SQLAlchemyError) as error:
        raise Unavailable(
            f"The service's database cannot be brought to this version's schema: {error}\n"
            "Was it made by a newer GAVIP? Install that one, or start with another --root."
        ) from None


def _ended(sibling: Sibling) -> str:
    return (
        f"The {sibling.program.title} ended at once; the end of {sibling.log_file}:\n{sibling.last_words()}"
    )


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


@contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Hold the data root for one supervisor; the lock ends with the process, however that ends.

    Raises
    ------
    gavip_hub.exceptions.Conflict
        Another supervisor runs on this data root.
    """
    (root / "state").mkdir(parents=True, exist_ok=True, mode=0o700)
    with (root / "state" / "supervisor.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"`gavip up` runs already on {root}.") from None
        yield
