"""The WebDAV server's process: people's files, out of the service's way (docs/adr/0095)."""

import logging
import signal
import sys
import threading
from pathlib import Path
from typing import Any, Literal, cast

from cheroot import wsgi
from traitlets import Unicode, default
from traitlets.config import Application
from typing_extensions import override
from wsgidav.lock_man.lock_manager import LockManager

import gavip_hub
from gavip_hub.clock import SystemClock
from gavip_hub.config import Gavip, load_config
from gavip_hub.dav.gate import CLOSE, Gate
from gavip_hub.dav.locks import Locks
from gavip_hub.dav.people import HubPeople, People
from gavip_hub.dav.provider import Space, SpaceProvider
from gavip_hub.exceptions import GavipError, Unavailable
from gavip_hub.hub.access import WEBDAV_MOUNT
from gavip_hub.logs import set_up
from gavip_hub.services.quotas import QuotaService
from gavip_hub.services.space_room import SpaceRoom
from gavip_hub.storage.aside import Aside
from gavip_hub.storage.bin import Bin
from gavip_hub.storage.database import Database
from gavip_hub.storage.disk import DiskSpace
from gavip_hub.storage.file_moves import FileMoves
from gavip_hub.storage.marks import WriteMarks
from gavip_hub.storage.migrate import require_current
from gavip_hub.storage.space_reads import SpaceReader
from gavip_hub.storage.space_writes import SpaceWriter
from gavip_hub.storage.uploads import Uploads
from gavip_hub.storage.userfiles import UserFiles

CONNECTIONS = 4
"""To the database."""
SPARE_THREADS = 4
"""Beyond the requests that are answered at once: to refuse others, and to tell that it lives."""
STALLED_SECONDS = 120
"""After which a client that sends nothing, or takes nothing, is given up."""
WAITING = 64
STOP_SECONDS = 5

log = logging.getLogger("gavip.webdav")


class GavipWebDav(Application):
    """Serves people's files by WebDAV; `gavip up` starts it beside the service."""

    name = "gavip-webdav"
    version = gavip_hub.__version__
    description = __doc__
    root = Unicode(help="Data root.").tag(config=True)
    aliases = {"root": "GavipWebDav.root", "log-level": "Application.log_level"}  # noqa: RUF012 - traitlets' way

    @default("log_level")
    def _default_log_level(self) -> int:
        return logging.INFO

    @override
    def start(self) -> None:
        """Serve until SIGTERM or SIGINT.

        Raises
        ------
        SystemExit
            It could not start; the reason was told.
        """
        config = load_config(self.root)
        set_up(level=cast("int", self.log_level), style=cast("Literal['text', 'json']", config.log_format))
        # What the libraries say names files at length, and is all said in answers.
        logging.getLogger("wsgidav").setLevel(logging.CRITICAL)
        database = Database(url=config.database_url, pool_size=CONNECTIONS)
        try:
            require_current(database.engine)
            serve(config, database)
        except GavipError as error:
            log.critical("%s", error)
            raise SystemExit(1) from None
        finally:
            database.close()


def serve(config: Gavip, database: Database) -> None:
    """Serve until told to end.

    Raises
    ------
    Unavailable
        WebDAV is off.
    """
    if config.ports is None or not config.webdav_url:
        raise Unavailable("WebDAV is off on this platform; `c.Gavip.webdav = True` switches it on.")
    space = make_space(config, database)
    server = make_server(make_gate(config, space), config, port=config.ports.webdav)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    server.prepare()
    threading.Thread(target=_serve, args=(server, ended), daemon=True).start()
    log.info("Serving on %s", config.webdav_url)
    ended.wait()
    server.stop()


def make_space(config: Gavip, database: Database) -> Space:
    """Return what reads and writes people's spaces."""
    room = SpaceRoom(
        database=database,
        quotas=QuotaService(database=database, config=config),
        uploads=Uploads(root=config.root),
        disk=DiskSpace(root=config.root, reserve_mb=config.disk_reserve_mb),
        marks=WriteMarks(root=config.root),
        clock=SystemClock(),
    )
    return Space(reader=SpaceReader(root=config.root), writer=make_writer(config.root), room=room)


def make_writer(root: Path) -> SpaceWriter:
    """Return what writes people's spaces; what an earlier process left on its way when it was killed is removed."""
    files, aside = UserFiles(root=root), Aside(root=root, process="webdav")
    aside.sweep()
    moves = FileMoves(root=root, files=files, aside=aside)
    kept = Bin(root=root, files=files, moves=moves, aside=aside)
    return SpaceWriter(root=root, moves=moves, aside=aside, bin_=kept, now=SystemClock().now)


def make_gate(config: Gavip, space: Space, people: People | None = None) -> Gate:
    """Return the application.

    Parameters
    ----------
    people
        Default: those whom the Hub knows; tests give their own.
    """
    provider = SpaceProvider(space=space, mount=WEBDAV_MOUNT, lock_manager=LockManager(Locks()))
    return Gate(
        provider=provider,
        people=people or People(ask=HubPeople(hub_url=config.hub_url)),
        mount=WEBDAV_MOUNT,
        public_url=config.public_url,
        most=config.webdav_requests,
        most_of_one=config.webdav_requests_of_one,
    )


class _Gateway(wsgi.Gateway_10):
    """Lets the application end a connection."""

    @override
    def get_environ(self) -> Any:
        environ = super().get_environ()  # type: ignore[no-untyped-call]
        environ[CLOSE] = self._close
        return environ

    def _close(self) -> None:
        self.req.close_connection = True


def make_server(gate: Gate, config: Gavip, *, port: int) -> wsgi.Server:
    """Return the web server, with a bounded number of threads."""
    threads = config.webdav_requests + SPARE_THREADS
    server = wsgi.Server(
        (config.listens_at("webdav"), port),
        gate,
        numthreads=threads,
        max=threads,
        server_name="gavip",
        request_queue_size=WAITING,
        timeout=STALLED_SECONDS,
        shutdown_timeout=STOP_SECONDS,
    )
    server.gateway = _Gateway
    server.keep_alive_conn_limit = WAITING
    server.max_request_header_size = 64 * 1024
    return server


def _serve(server: wsgi.Server, ended: threading.Event) -> None:
    try:
        server.serve()
    finally:
        ended.set()


if __name__ == "__main__":
    GavipWebDav.launch_instance(sys.argv[1:])
