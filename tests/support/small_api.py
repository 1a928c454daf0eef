"""A small application with an API of its own, described by the platform's own generator of OpenAPI documents."""

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from gavip_hub.handlers.openapi import API, document
from gavip_hub.handlers.operations import ApiHandler


@dataclass
class SmallApi:
    """It answers what a test tells it to answer, and keeps what it was asked."""

    handlers: Sequence[type[ApiHandler]]
    version: str = "0.1.0"
    url: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    """Method and path, as `GET /jobs` -> what is answered, or what returns status and answer; nothing: 404."""
    asked: list[str] = field(default_factory=list)
    """Method and address of all requests."""
    statuses: list[int] = field(default_factory=list)
    """Of the answers to them."""
    bodies: list[bytes] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    """What a test lets pass at once."""
    changes: dict[str, Any] = field(default_factory=dict)
    """Of the document, beside what its handlers say."""

    def document(self) -> dict[str, Any]:
        return {**document(self.handlers, version=self.version), **self.changes}


class _Answer(BaseHTTPRequestHandler):
    api: SmallApi

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.api.bodies.append(self.rfile.read(length))
        path = self.path.removeprefix(API)
        self.api.asked.append(f"{self.command} {path}")
        if path == "/openapi.json":
            self._send_document()
            return
        key = f"{self.command} {path.partition('?')[0]}"
        if key in self.api.answers:
            told = self.api.answers[key]
            status, body = told() if callable(told) else (200, told)
            self._send(status, json.dumps(body).encode())
        else:
            self._send(404, json.dumps({"error": "not_found", "message": "There is nothing."}).encode())

    do_POST = do_DELETE = do_PUT = do_GET  # noqa: N815 - names that http.server prescribes

    def _send_document(self) -> None:
        text = json.dumps(self.api.document(), sort_keys=True).encode()
        tag = f'"{hashlib.sha256(text).hexdigest()}"'
        if self.headers.get("If-None-Match") == tag:
            self._send(304, b"", Etag=tag)
        else:
            self._send(200, text, Etag=tag)

    def _send(self, status: int, content: bytes, **headers: str) -> None:
        self.api.statuses.append(status)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def small_api(handlers: Sequence[type[ApiHandler]], **options: Any) -> Iterator[SmallApi]:
    """Run it on loopback."""
    api = SmallApi(handlers=handlers, **options)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Answer", (_Answer,), {"api": api}))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
