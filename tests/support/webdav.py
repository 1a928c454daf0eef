"""The WebDAV server alone: a space in a folder, one known token, no Hub and no service."""

import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from avi_kernel.protocol.api import Profile
from gavip_hub.config import Gavip, load_config
from gavip_hub.dav.app import make_gate, make_server, make_space
from gavip_hub.dav.people import People
from gavip_hub.storage.database import Database
from gavip_hub.storage.migrate import upgrade
from gavip_hub.supervise.installation import free_ports, prepare

FILES = ["custom:gavip:read:files", "custom:gavip:write:files"]
TOKENS = {
    "ada-token-12345": Profile(name="ada", roles=["scientist"], groups=[], scopes=FILES),
    "bob-token-12345": Profile(name="bob", roles=["scientist"], groups=[], scopes=FILES),
    "reader-token-12": Profile(name="ada", roles=["scientist"], groups=[], scopes=FILES[:1]),
    "vera-token-1234": Profile(name="vera", roles=["outreach"], groups=[], scopes=[]),
    "avi-token-12345": Profile(name="ada", roles=[], groups=[], scopes=FILES, avi="hello"),
}
MOUNT = "/services/gavip-dav"


def basic(token: str, name: str = "anything") -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{name}:{token}".encode()).decode()}


@dataclass(frozen=True, kw_only=True)
class Dav:
    """A server that runs."""

    config: Gavip
    port: int
    asked: list[str]
    """Tokens that the Hub was asked about."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{MOUNT}"

    @property
    def space(self) -> Path:
        """What belongs to ada."""
        return self.config.root / "users" / "ada"

    def left_aside(self) -> list[str]:
        return [path.name for path in (self.config.root / "aside").glob("*/*")]

    @contextmanager
    def client(self, token: str = "ada-token-12345", **headers: str) -> Iterator[httpx.Client]:
        own = basic(token) if token else {}
        with httpx.Client(base_url=f"{self.url}/", headers={**own, **headers}, timeout=30) as http:
            yield http

    def ask(
        self, method: str, path: str, *, token: str = "ada-token-12345", **options: object
    ) -> httpx.Response:
        """Send one request; the path is sent as it is."""
        with self.client(token) as http:
            return http.request(method, f"{self.url}/{path}", **options)  # type: ignore[arg-type]


@contextmanager
def running_dav(root: Path, **settings: object) -> Iterator[Dav]:
    """Run a server on a folder until the end of the block."""
    config = load_config(root, disk_reserve_mb=0, **settings)
    ports, _ = prepare(config)
    (root / "users" / "ada").mkdir(parents=True, mode=0o700, exist_ok=True)
    upgrade(config.database_url)
    database = Database(url=config.database_url, pool_size=4)
    asked: list[str] = []

    def ask(token: str) -> Profile | None:
        asked.append(token)
        return TOKENS.get(token)

    try:
        with serving(config, database, ask, port=ports.webdav):
            yield Dav(config=config, port=ports.webdav, asked=asked)
    finally:
        database.close()


@contextmanager
def serving(
    config: Gavip, database: Database, ask: Callable[[str], Profile | None], *, port: int | None = None
) -> Iterator[str]:
    """Serve the spaces of a data root, and yield the address.

    Parameters
    ----------
    ask
        Tells whose a token is.
    port
        Default: one that is free.
    """
    port = port or free_ports(1)[0]
    gate = make_gate(config, make_space(config, database), People(ask=ask))
    server = make_server(gate, config, port=port)
    server.shutdown_timeout = 1
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}{MOUNT}"
    finally:
        server.stop()
        thread.join(10)
