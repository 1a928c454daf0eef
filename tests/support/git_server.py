"""A git server of another place, on loopback: git's own program behind a small web server; and some that mean no good."""

import os
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.support.git_client import ALONE, WHO

Answer = Callable[["Handler"], bool]
"""Answers a request itself, or returns False and leaves that to git."""


def run_git(folder: Path, *arguments: str, given: bytes = b"") -> str:
    """Run git in a folder, and return what it prints."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        input=given,
        check=True,
        capture_output=True,
        env={**os.environ, **WHO, **ALONE},
    )
    return done.stdout.decode().strip()


def repository(folder: Path, *, branch: str = "main", files: dict[str, bytes] | None = None) -> Path:
    """Make a bare repository with a commit, a second branch and a tag, to which anybody may push."""
    work = folder.with_suffix(".work")
    work.mkdir(parents=True)
    run_git(work, "init", "-q", "-b", branch)
    for name, content in (files or {"README.md": b"# Bright stars\n"}).items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_bytes(content)
    run_git(work, "add", "-A")
    run_git(work, "commit", "-qm", "First")
    run_git(work, "branch", "other")
    run_git(work, "tag", "-am", "First", "v1.0")
    run_git(folder.parent, "clone", "-q", "--bare", str(work), str(folder))
    run_git(folder, "config", "http.receivepack", "true")
    return folder


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: "Server"
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.place.asked.append(self.path)
        self.server.place.headers.append(dict(self.headers))
        if not self.server.place.answer(self):
            self._by_git()

    do_POST = do_GET  # noqa: N815 - as http.server calls it

    def say(self, status: int, body: bytes = b"", **headers: str) -> bool:
        """Answer."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "Connection": "close", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        return True

    def _by_git(self) -> None:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))) if self.command == "POST" else b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = self._chunks()
        environment = {
            **os.environ,
            **ALONE,
            "GIT_PROJECT_ROOT": str(self.server.place.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "REMOTE_USER": "somebody",
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"], input=body, capture_output=True, check=False, env=environment
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        given = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        status = int(given.pop("Status", "200").split()[0])
        self.say(status, content, Content_Type=given.get("Content-Type", "text/plain"))

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        return body

    def handle(self) -> None:
        """Take who leaves in the middle for granted."""
        with suppress(OSError):
            super().handle()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class Place:
    """Another place's server."""

    root: Path
    answer: Answer = lambda _: False
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    @property
    def address(self) -> str:
        """Return what an operator allows: `host:port`."""
        return f"127.0.0.1:{self.port}"

    def url(self, name: str = "stars.git") -> str:
        """Return a repository's address."""
        return f"http://{self.address}/{name}"


class Server(ThreadingHTTPServer):
    """Serves a place; requests that hang end with the test's process."""

    daemon_threads = True
    block_on_close = False
    place: Place


@contextmanager
def serving(
    root: Path, answer: Answer = lambda _: False, *, certificate: Path | None = None
) -> Iterator[Place]:
    """Serve the repositories below a folder, or answer otherwise; over TLS with a certificate."""
    place = Place(root=root, answer=answer)
    with Server(("127.0.0.1", 0), Handler) as server:
        server.place, place.port = place, server.server_address[1]
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield place
        server.shutdown()
