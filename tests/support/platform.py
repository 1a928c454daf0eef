"""A whole platform for tests: proxy, Hub, service, in a folder of its own, on ports of its own.

    def test_something(platform): platform.client("scientist").get("/avis")

One platform serves a whole test session. A test that kills parts of it, or needs other settings, starts its own
with `running_platform`.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from http.cookiejar import Cookie, CookieJar
from pathlib import Path
from typing import Any

import httpx
import pytest

from gavip_hub.backends.boxes import BoxLauncher
from gavip_hub.backends.sandbox import SandboxReport
from gavip_hub.config import Gavip, load_config
from gavip_hub.supervise.accounts import read_passwords
from gavip_hub.supervise.boxes import stop_boxes
from gavip_hub.supervise.installation import free_ports

READY_SECONDS = 300
END_SECONDS = 60


class LocalTransport(httpx.HTTPTransport):
    """Leads every `*.localhost` to this machine, as browsers do, and keeps the Host header."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        # A request of its own: cookies are kept by the address of the one that was asked for.
        local = httpx.Request(
            request.method,
            request.url.copy_with(host="127.0.0.1"),
            headers=request.headers,
            stream=request.stream,
            extensions={"sni_hostname": request.url.host, **request.extensions},
        )
        return super().handle_request(local)


class LocalJar(CookieJar):
    """Sends `Secure` cookies of `*.localhost` without TLS, as browsers do."""

    def set_cookie(self, cookie: Cookie) -> None:
        cookie.secure = False
        super().set_cookie(cookie)


@dataclass
class Platform:
    """A running platform."""

    root: Path
    port: int
    users: dict[str, str]
    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)
    """Lines of `gavip up` so far."""
    _tokens: dict[str, str] = field(default_factory=dict)

    @cached_property
    def config(self) -> Gavip:
        return load_config(self.root)

    @property
    def url(self) -> str:
        """Address of the portal's and Hub's host, with no slash at the end."""
        return f"http://{self.config.domain}:{self.port}"

    @property
    def api(self) -> str:
        return f"{self.url}/services/gavip/api"

    def avi_url(self, avi: str, user: str) -> str:
        """Address of an open AVI, at its own origin."""
        scheme = self.url.partition("://")[0]
        return f"{scheme}://{avi}--{user}.gavip.localhost:{self.port}/user/{user}/{avi}/"

    def transport(self) -> httpx.BaseTransport:
        """Return what leads requests to this platform."""
        return LocalTransport()

    def password(self, user: str) -> str:
        return read_passwords(self.root)[user]

    def token(self, user: str) -> str:
        """Return the user's own Hub token, made once by name and password."""
        if user not in self._tokens:
            auth = {"username": user, "password": self.password(user)}
            with self.browserless() as http:
                made = http.post(f"/hub/api/users/{user}/tokens", json={"auth": auth, "note": "tests"})
            made.raise_for_status()
            self._tokens[user] = made.json()["token"]
        return self._tokens[user]

    def browserless(self, **options: Any) -> httpx.Client:
        """Return a client of nobody; paths are below the platform's host."""
        return httpx.Client(
            base_url=self.url, transport=self.transport(), timeout=60, cookies=LocalJar(), **options
        )

    def client(self, user: str) -> httpx.Client:
        """Return a client with the user's token; paths are below the REST interface."""
        headers = {"Authorization": f"Bearer {self.token(user)}"}
        return httpx.Client(base_url=self.api, transport=self.transport(), timeout=60, headers=headers)

    def hub(self, user: str) -> httpx.Client:
        """Return a client with the user's token; paths are below the Hub's own API."""
        headers = {"Authorization": f"token {self.token(user)}"}
        return httpx.Client(
            base_url=f"{self.url}/hub/api", transport=self.transport(), timeout=60, headers=headers
        )

    @contextmanager
    def signed_in(self, user: str) -> Iterator[httpx.Client]:
        """Yield a client with a browser's session, got through the sign-in page; it follows redirects."""
        with self.browserless(follow_redirects=True) as http:
            http.get("/hub/login")
            form = {
                "username": user,
                "password": self.password(user),
                "_xsrf": http.cookies.get("_xsrf", path="/hub/"),
            }
            http.post("/hub/login", data=form).raise_for_status()
            yield http

    def publish(self, folder: Path, avi: str, *, version: str = "1.0", visibility: str = "public") -> None:
        """Publish a folder as a release, as the operator."""
        body = {"folder": str(folder), "avi": avi, "version": version, "visibility": visibility}
        with self.client("operator") as operator:
            answer = operator.post(f"/avis/{avi}/releases", json=body)
        assert answer.status_code == 201, answer.text

    def open_avi(self, avi: str, user: str, *, version: str | None = None) -> str:
        """Open an AVI through the API, wait until it answers, and return its address."""
        with self.client(user) as person:
            answer = person.post("/servers", json={"avi": avi, "version": version})
            assert answer.status_code == 202, answer.text
            eventually(lambda: self.server_state(avi, user) == "ready", f"{avi} of {user} is ready")
        return self.avi_url(avi, user)

    def server_state(self, name: str, user: str) -> str | None:
        """Return the state of a user's server; None where there is none."""
        with self.client(user) as person:
            servers = person.get("/servers").json()
        return next((server["state"] for server in servers if server["name"] == name), None)

    def close_servers(self, user: str) -> None:
        """Close all servers of a user and wait until they are gone."""
        with self.client(user) as person:
            for server in person.get("/servers").json():
                person.delete(f"/servers/{server['name']}")
            eventually(lambda: person.get("/servers").json() == [], f"no server of {user} is left")

    def pid(self, sibling: str) -> int | None:
        """Return the pid of `proxy`, `hub` or `service`; None while there is none."""
        try:
            return int(json.loads((self.root / "state" / f"{sibling}.json").read_text())["pid"])
        except FileNotFoundError:
            return None

    def log(self, sibling: str) -> str:
        return (self.root / "logs" / f"{sibling}.log").read_text(errors="replace")

    def end(self) -> None:
        """End it as Ctrl-C does, and wait until all of it is gone."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(END_SECONDS)

    def sweep(self) -> None:
        """End all of it, in whatever state a test left it, and remove its sockets."""
        if self.process.poll() is None:
            self.end()
        for sibling in ("proxy", "hub", "service", "webdav", "doorkeeper", "steward"):
            with suppress(ProcessLookupError):
                if pid := self.pid(sibling):
                    os.kill(pid, signal.SIGKILL)
        self._sweep_containers()
        note = self.root / "state" / "runtime"
        if note.exists():
            shutil.rmtree(note.read_text().strip(), ignore_errors=True)

    def _sweep_containers(self) -> None:
        upstreams: dict[str, str] = {}
        walls = SandboxReport(bwrap=None, enforced=frozenset())
        asyncio.run(stop_boxes(BoxLauncher(root=self.root, sandbox=walls, upstreams=upstreams)))
        if "--docker" in self.process.args:
            from gavip_hub.backends.docker.launcher import docker_launcher

            launcher = docker_launcher(self.config)
            for name in launcher.names():
                launcher.remove(name)


def eventually(holds: Callable[[], bool], what: str, *, seconds: float = 60) -> None:
    """Wait, with a bound, for something that nothing announces to a test."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.05)


@contextmanager
def running_platform(
    root: Path, *, port: int | None = None, settings: str = "", options: tuple[str, ...] = ()
) -> Iterator[Platform]:
    """Start `gavip up` on a folder and wait until it is ready; end all of it afterwards.

    Parameters
    ----------
    settings
        Lines of `config.py`, such as `c.Gavip.sandbox = "off"`.
    """
    root.mkdir(parents=True, exist_ok=True)
    if settings:
        (root / "config.py").write_text(settings + "\n")
    platform = start_platform(root, port=port or free_ports(1)[0], options=options)
    try:
        yield platform
    finally:
        platform.sweep()


@contextmanager
def platform_to_throw_away(
    name: str, *, settings: str = "", options: tuple[str, ...] = ()
) -> Iterator[Platform]:
    """Run a platform in a new folder of its own, in which `root` has room for other things beside it."""
    # Not below pytest's own folder: that is closed to the users that boxes run as.
    with tempfile.TemporaryDirectory(prefix=f"gavip-{name}-") as folder:
        Path(folder).chmod(0o711)
        with running_platform(Path(folder) / "root", settings=settings, options=options) as platform:
            yield platform


def start_platform(root: Path, *, port: int, options: tuple[str, ...] = ()) -> Platform:
    """Start `gavip up` and wait until it says that it is ready."""
    process = subprocess.Popen(
        [
            str(Path(sys.executable).with_name("gavip")),
            "up",
            "--root",
            str(root),
            "--port",
            str(port),
            *options,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    platform = Platform(root=root, port=port, users={}, process=process)
    ready = threading.Event()
    threading.Thread(target=_listen, args=(platform, ready), daemon=True).start()
    ready.wait(READY_SECONDS)
    if not any("GAVIP is ready" in line for line in platform.said):
        platform.sweep()
        pytest.fail("the platform did not start:\n" + "\n".join(platform.said), pytrace=False)
    platform.users = dict(platform.config.users)
    return platform


def _listen(platform: Platform, ready: threading.Event) -> None:
    assert platform.process.stdout is not None
    with platform.process.stdout as lines:
        for line in lines:
            platform.said.append(line.rstrip())
            if "GAVIP is ready" in line:
                ready.set()
    ready.set()


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    """The platform that the tests of a session share."""
    # Checks take minutes of a processor: who tests them has a platform for it.
    with platform_to_throw_away("platform", settings="c.Gavip.check_releases = False") as running:
        yield running
