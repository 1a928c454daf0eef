"""What a stranger's process is sent to read on a running platform, and what listens there for it."""

import html
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.support.avis import notebook, write_avi
from tests.support.notebooks import run_in_notebook
from tests.support.platform import Platform
from tests.support.published import AVIS, follow, run, submit

SECRET = "what only the machine's own people may read"
METADATA = "169.254.169.254"
"""Where a cloud tells its machines their secrets."""
ENGINE = "/var/run/docker.sock"
"""Who may write to it is root of the machine."""
PRIVATE = "own"
"""An AVI of the other user's, who shows it to nobody."""
SPY = "scientist"
"""Who was talked into running the stranger's AVI."""
OTHER = "developer"
"""Whose things it is after, besides the platform's."""


@dataclass
class Listeners:
    """Sockets of the machine, as a database, a container engine and a message bus have them; each answers `SECRET`."""

    folder: Path
    places: dict[str, list[Any]] = field(default_factory=dict)
    _open: list[socket.socket] = field(default_factory=list)

    def listen(self) -> None:
        """Begin to listen on loopback, under a path, and under a name that no folder holds."""
        for family, kind, where in (
            (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            (socket.AF_UNIX, socket.SOCK_STREAM, str(self.folder / ".s.PGSQL.5432")),
            (socket.AF_UNIX, socket.SOCK_STREAM, f"\0{self.folder.name}"),
        ):
            self._add(socket.socket(family, kind), where)

    def _add(self, listening: socket.socket, where: Any) -> None:
        listening.bind(where)
        self._open.append(listening)
        serve = _answer_lines if listening.type == socket.SOCK_STREAM else _answer_parcels
        if listening.type == socket.SOCK_STREAM:
            listening.listen()
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        name = listening.getsockname()
        told = name.decode() if isinstance(name, bytes) else list(name) if isinstance(name, tuple) else name
        label = (
            f"{listening.family.name} {listening.type.name} {'abstract' if isinstance(name, bytes) else ''}"
        )
        self.places[label.strip()] = [listening.family.name, listening.type.name, told]

    def close(self) -> None:
        """Stop listening."""
        for listening in self._open:
            with suppress(OSError):  # a parcel's socket has nothing to shut down
                listening.shutdown(socket.SHUT_RDWR)
            listening.close()


def _answer_lines(listening: socket.socket) -> None:
    while True:
        try:
            line, _ = listening.accept()
        except OSError:
            return
        with line, suppress(OSError):  # who asked may have gone; others come
            line.recv(10_000)
            line.sendall(f"HTTP/1.0 200 OK\r\n\r\n{SECRET}".encode())


def _answer_parcels(listening: socket.socket) -> None:
    while True:
        try:
            _, sender = listening.recvfrom(100)
        except OSError:
            return
        if sender is None:  # it was shut down
            return
        with suppress(OSError):
            listening.sendto(SECRET.encode(), sender)


@contextmanager
def listeners(folder: Path) -> Iterator[Listeners]:
    """Yield listening sockets."""
    made = Listeners(folder)
    made.listen()
    try:
        yield made
    finally:
        made.close()


@dataclass(frozen=True, kw_only=True)
class Theirs:
    """What is the other user's: a job that runs, and what an earlier one has made, by disk and by address."""

    job: str
    product: Path
    product_address: str


def produced(platform: Platform, client: httpx.Client) -> tuple[Path, str]:
    """Let the other user make something; return where it lies and what it is asked for by."""
    made = run(client, "works")
    assert made["phase"] == "COMPLETED", made
    name = made["results"][0]["name"]
    [file] = (platform.root / "users" / OTHER / "jobs" / made["id"]).glob(f"*/results/{name}")
    return file, f"/services/gavip/api/jobs/{made['id']}/results/{name}"


def plan(platform: Platform, places: Listeners, theirs: Theirs) -> dict[str, Any]:
    """Return what to try: the platform's files, ports and secrets, and another user's."""
    root, ports = platform.root, platform.config.ports
    assert ports is not None
    [attempt] = (root / "attempts").glob(f"*{theirs.job}*")
    diary, notes = root / "users" / OTHER / "diary", attempt / "notes"
    diary.write_text(SECRET)
    notes.write_text(SECRET)
    runtime = Path((root / "state/runtime").read_text().strip())
    own = ["proxy_api", "hub", "service", "public"]
    return {
        "files": {
            "database": str(root / "gavip.sqlite"),
            "Hub's database": str(root / "hub/jupyterhub.sqlite"),
            "cookie secret": str(root / "hub/cookie_secret"),
            "proxy's token": str(root / "secrets/proxy.token"),
            "service's token": str(root / "secrets/service.token"),
            "service's log": str(root / "logs/service.log"),
            "another user's file": str(diary),
            "another user's job": str(notes),
            "another user's product": str(theirs.product),
            "another user's code": str(next((root / "checkouts" / PRIVATE).glob("*/app.ipynb"))),
            "the system's passwords": "/etc/shadow",
        },
        "sockets": {
            **{
                f"{name} port": ["AF_INET", "SOCK_STREAM", ["127.0.0.1", getattr(ports, name)]]
                for name in own
            },
            **places.places,
            "metadata address": ["AF_INET", "SOCK_STREAM", [METADATA, 80]],
            "the engine": ["AF_UNIX", "SOCK_STREAM", ENGINE],
            "another user's server": ["AF_UNIX", "SOCK_STREAM", str(next(runtime.glob("*/s.sock")))],
        },
        "addresses": {
            "metadata address": f"http://{METADATA}/",
            "a port of the machine": "http://127.0.0.1:{}/".format(
                places.places["AF_INET SOCK_STREAM"][2][1]
            ),
            "the Hub": f"http://127.0.0.1:{ports.hub}/hub/api/",
        },
        "words": ["CONFIGPROXY_AUTH_TOKEN=", "JUPYTERHUB_SERVICE_NAME=gavip", "GAVIP_DATA_ROOT="],
        "folders": {
            "sockets of boxes": str(runtime),
            "users": str(root / "users"),
            "boxes": str(root / "boxes"),
        },
        "uses": {
            "jobs": [SPY, "GET", "/services/gavip/api/jobs", None],
            "another user's job": [OTHER, "GET", f"/services/gavip/api/jobs/{theirs.job}", None],
            "another user's product": [OTHER, "GET", theirs.product_address, None],
            "a job of another AVI": [SPY, "POST", "/services/gavip/api/jobs", _JOB],
            "an AVI": [SPY, "POST", "/services/gavip/api/servers", {"avi": "works"}],
            "users of the Hub": ["operator", "GET", "/hub/api/users", None],
            "a token": [SPY, "POST", f"/hub/api/users/{SPY}/tokens", {}],
            "another user's server": [OTHER, "DELETE", f"/hub/api/users/{OTHER}/servers/works", None],
        },
    }


def publish_private(platform: Platform) -> None:
    """Publish an AVI of the other user's that nobody else may open."""
    write_avi(platform.root / "users" / OTHER / PRIVATE, {"app.ipynb": notebook(f"print({SECRET!r})")})
    with platform.client(OTHER) as other:
        request = {"folder": PRIVATE, "avi": PRIVATE, "version": "1.0"}
        other.post(f"/avis/{PRIVATE}/releases", json=request).raise_for_status()


_JOB = {"avi": "works", "pipeline": "main"}


def allowed(platform: Platform, tries: dict[str, Any]) -> dict[str, int]:
    """Return what each use of a token gives where it is the token of who may: the control."""
    statuses = {}
    for name, (who, method, path, body) in tries["uses"].items():
        headers = {"Authorization": f"Bearer {platform.token(who)}"}
        with platform.browserless(headers=headers) as client:
            statuses[name] = client.request(method, path, json=body).status_code
    return statuses


def spied_by_job(platform: Platform, tries: dict[str, Any]) -> dict[str, Any]:
    """Return what a job of the stranger's got."""
    with platform.client(SPY) as client:
        job = follow(client, submit(client, "spy", parameters={"plan": json.dumps(tries)}))
        assert job["phase"] == "COMPLETED", job
        return dict(client.get(f"/jobs/{job['id']}/results/spied.json").json())


def spied_by_interface(platform: Platform, tries: dict[str, Any]) -> dict[str, Any]:
    """Return what a kernel of the stranger's interface got."""
    url = platform.open_avi("spy", SPY)
    with platform.signed_in(SPY) as browser:
        page = browser.get(url, params={"plan": json.dumps(tries)}).text
    return dict(json.loads(html.unescape(page.split("SPIED ")[1].split(" END")[0])))


def spied_by_notebook(platform: Platform, tries: dict[str, Any]) -> dict[str, Any]:
    """Return what the stranger's code got where its user ran it in a notebook of their own."""
    source = (AVIS / "spy" / "spy.py").read_text()
    call = f"print(json.dumps(look(json.loads({json.dumps(tries)!r}))))"
    return dict(json.loads(run_in_notebook(platform, SPY, f"{source}\n\n{call}")))
