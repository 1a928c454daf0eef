"""The service's own process, which can be killed and started a hundred times: a forked child of one that has all libraries.

`python -m tests.support.forked_service ROOT` starts one for each line that it reads, and says when it has ended.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from tornado.httpserver import HTTPServer

from gavip_hub.app import GavipService
from gavip_hub.config import Gavip, load_config
from gavip_hub.storage import migrate
from gavip_hub.supervise.installation import free_ports
from tests.support.platform import eventually
from tests.support.service import SERVICE_TOKEN, FakeHub, person

SETTINGS = """
c.Gavip.bundled_avis = False
c.Gavip.sandbox = "off"
c.Gavip.webdav = False
c.Gavip.disk_reserve_mb = 0
c.Gavip.platform_memory_mb = 1024
"""


class ForkedService:
    """A service that can be killed; people's tokens are their names with `-token`."""

    def __init__(self, root: Path, config: Gavip, parent: "subprocess.Popen[str]") -> None:
        self.root = root
        self.config = config
        self._parent = parent
        self.pid = 0

    def start(self) -> None:
        """Start it and wait until it answers."""
        assert self._parent.stdin is not None
        self._parent.stdin.write("start\n")
        self._parent.stdin.flush()
        self.pid = int(self._told())
        eventually(self._answers, "the service answers")

    def kill(self) -> None:
        """End it as a crash does, and wait until it is gone."""
        os.kill(self.pid, signal.SIGKILL)
        assert self._told() == "ended"
        self.pid = 0

    def client(self, user: str) -> httpx.Client:
        """Return a person's client; paths are those of the service."""
        headers = {"Authorization": f"Bearer {user}-token"}
        return httpx.Client(base_url=f"{self.config.service_url}/services/gavip", headers=headers, timeout=60)

    def _told(self) -> str:
        assert self._parent.stdout is not None
        return self._parent.stdout.readline().strip()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.config.service_url}/services/gavip/api/health").status_code > 0
        except httpx.TransportError:
            return False


@contextmanager
def forked_service(root: Path, people: list[str]) -> Iterator[ForkedService]:
    """Give a service that runs, beside a Hub that knows these people."""
    (root / "state").mkdir(parents=True)
    (root / "config.py").write_text(SETTINGS)
    public, proxy, hub, service = free_ports(4)
    ports = {"public": public, "proxy_api": proxy, "hub": hub, "service": service}
    (root / "state" / "ports.json").write_text(json.dumps(ports))
    config = load_config(root)
    migrate.upgrade(config.database_url)
    command = [sys.executable, "-m", "tests.support.forked_service", str(root)]
    with (
        _hub(config, people),
        (root / "service.log").open("w") as log,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "JUPYTERHUB_API_TOKEN": SERVICE_TOKEN},
            cwd=Path(__file__).parents[2],
        ) as parent,
    ):
        running = ForkedService(root, config, parent)
        try:
            running.start()
            yield running
        finally:  # it ends with its standard input
            if running.pid:
                running.kill()


@contextmanager
def _hub(config: Gavip, people: list[str]) -> Iterator[None]:
    loop = asyncio.new_event_loop()
    fake = FakeHub(config=config, tokens={f"{name}-token": person(name) for name in people})
    ready = threading.Event()

    async def serve() -> None:
        assert config.ports is not None
        HTTPServer(fake.application()).listen(config.ports.hub, "127.0.0.1")
        ready.set()

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(serve(), loop)
    assert ready.wait(30)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)


def _serve(root: str) -> None:
    """Run one service in this process."""
    devnull = os.open(os.devnull, os.O_RDWR)
    os.dup2(devnull, 0)
    os.dup2(2, 1)
    try:
        GavipService.launch_instance(["--root", root])
    except SystemExit:
        pass
    except BaseException:  # noqa: BLE001 - told, and the process ends here
        traceback.print_exc()
    finally:
        os._exit(1)


def main() -> None:
    """Start a service for each line, one at a time."""
    while sys.stdin.readline():
        child = os.fork()
        if child == 0:
            _serve(sys.argv[1])
        _tell(str(child))
        os.waitpid(child, 0)
        _tell("ended")


def _tell(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
