"""The platform of `compose/compose.yaml` for tests: built images, a folder of its own, a port of its own."""

import json
import os
import shutil
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from gavip_hub.supervise.installation import free_ports
from scripts import image_smoke
from tests.support.docker import IMAGE, need_engine
from tests.support.needs import missing, need_program
from tests.support.platform import LocalTransport, Platform, eventually

FILE = Path(__file__).parents[2] / "compose" / "compose.yaml"
PARTS = ("database", "doorkeeper", "steward", "proxy", "hub", "service", "webdav", "front")
SETTINGS = f"""
c.Gavip.images = {{"avi-python": "{IMAGE}", "notebook": "{IMAGE}"}}
c.Gavip.platform_memory_mb = 3000
"""
READY_SECONDS = 240
COMMAND_SECONDS = 300


def need_compose() -> None:
    """Say what is missing where the parts cannot be run as containers."""
    need_engine()
    need_program("docker-compose", "apt-get install docker-compose")
    for name in ("service", "database", "front"):
        if not image_smoke.present(name):
            missing(f"the image {image_smoke.tag(name)}", f"scripts/images {name}")


@dataclass
class Composed(Platform):
    """A platform whose parts are containers, reached through its TLS front.

    Parameters
    ----------
    home
        `GAVIP_HOME`.
    """

    home: Path = Path()

    @property
    def url(self) -> str:
        return f"https://gavip.localhost:{self.port}"

    def transport(self) -> httpx.BaseTransport:
        return LocalTransport(verify=self.trust())

    def trust(self) -> ssl.SSLContext:
        """Return what trusts the certificate that the front made, and no other."""
        return ssl.create_default_context(cafile=str(self.home / "front" / "cert.pem"))

    @property
    def project(self) -> str:
        return self.home.name.replace("_", "")

    def compose(self, *arguments: str, check: bool = True) -> str:
        """Run `docker-compose` and return what it printed."""
        prefix, _, name = image_smoke.tag("service").rpartition("/service:")
        settings = {
            "GAVIP_HOME": str(self.home),
            "GAVIP_PORT": str(self.port),
            "GAVIP_BACKUPS": str(self.home / "backups"),
            "GAVIP_IMAGE_PREFIX": prefix,
            "GAVIP_VERSION": name,
        }
        done = subprocess.run(
            ["docker-compose", "--file", str(FILE), "--project-name", self.project, *arguments],
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
        return done.stdout

    def up(self) -> None:
        """Start all of it, with the documented command, and wait until it answers through the front."""
        self.compose("up", "-d")
        try:
            eventually(self.answers, "the platform answers", seconds=READY_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.said_last()}") from None

    def answers(self) -> bool:
        """Tell whether portal and Hub answer through the front."""
        with suppress(OSError, httpx.HTTPError), self.browserless() as http:
            codes = [http.get(path).status_code for path in ("/services/gavip/api/health", "/hub/login")]
            return codes == [200, 200]
        return False

    def said_last(self) -> str:
        return self.compose("logs", "--no-color", "--tail", "15", check=False)

    def inspected(self) -> dict[str, dict]:
        """Return part -> what the engine knows of its container."""
        listed = self.docker(
            "ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={self.project}"
        )
        found = json.loads(self.docker("inspect", *listed.split()))
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in found}

    def docker(self, *arguments: str) -> str:
        done = subprocess.run(
            ["docker", *arguments], capture_output=True, text=True, timeout=COMMAND_SECONDS, check=True
        )
        return done.stdout

    def boxes(self) -> set[str]:
        """Return the names of users' containers."""
        note = self.root / "state" / "platform-id"
        if not note.is_file():
            return set()
        label = f"label=gavip.platform={note.read_text().strip()}"
        return set(self.docker("ps", "--all", "--format", "{{.Names}}", "--filter", label).split())

    def claimed(self) -> set[str]:
        """Return the names of those that are somebody's."""
        return {name for name in self.boxes() if not name.startswith("gavip-spare-")}

    def sweep(self) -> None:
        """End all of it, and users' containers too."""
        self.compose("down", "--volumes", "--remove-orphans", check=False)
        for name in self.boxes():
            self.docker("rm", "--force", name)


@contextmanager
def composed(name: str) -> Iterator[Composed]:
    """Give a home for a platform that was never started; all of it is gone at the end."""
    need_compose()
    home = Path(tempfile.mkdtemp(prefix=f"gavip-{name}-"))
    home.chmod(0o711)
    (home / "backups").mkdir(mode=0o700)
    platform = Composed(
        root=home / "root",
        port=free_ports(1)[0],
        users={},
        process=subprocess.Popen(["true"], text=True),
        home=home,
    )
    platform.process.wait()
    try:
        yield platform
    finally:
        platform.sweep()
        shutil.rmtree(home)


def first_event_seconds(platform: Composed, user: str) -> float:
    """Return how long a person's stream of events takes until something of it has arrived."""
    began = time.monotonic()
    with platform.client(user) as http, http.stream("GET", "/events", timeout=30) as stream:
        next(stream.iter_raw())
    return time.monotonic() - began
