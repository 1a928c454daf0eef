"""A package index on loopback: small packages, made where a test needs them, and an end to it."""

import base64
import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from textwrap import dedent
from typing import ClassVar

BACKEND = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


def wheel(
    name: str, version: str, files: dict[str, str], *, needs: tuple[str, ...] = ()
) -> tuple[str, bytes]:
    """Return name and content of a package's wheel."""
    about = f"{name}-{version}.dist-info"
    metadata = "".join(f"{line}\n" for line in _metadata(name, version, needs))
    kind = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    whole = {**files, f"{about}/METADATA": metadata, f"{about}/WHEEL": kind}
    record = "".join(f"{path},{_hash(text.encode())},{len(text.encode())}\n" for path, text in whole.items())
    whole[f"{about}/RECORD"] = f"{record}{about}/RECORD,,\n"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in whole.items():
            archive.writestr(zipfile.ZipInfo(path), text)  # of one time, so that the same is the same
    return f"{name}-{version}-py3-none-any.whl", content.getvalue()


def source(name: str, version: str, backend: str) -> tuple[str, bytes]:
    """Return name and content of a package's source, which is built by the Python code of `backend`."""
    files = {
        "PKG-INFO": "".join(f"{line}\n" for line in _metadata(name, version, ())),
        "pyproject.toml": BACKEND,
        "backend.py": dedent(backend),
    }
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(f"{name}-{version}/{path}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return f"{name}-{version}.tar.gz", content.getvalue()


def _metadata(name: str, version: str, needs: tuple[str, ...]) -> list[str]:
    return [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        *(f"Requires-Dist: {n}" for n in needs),
    ]


def _hash(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


@dataclass
class PackageIndex:
    """An index that runs."""

    port: int
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """Paths of all requests so far."""

    @property
    def settings(self) -> str:
        """Lines of the settings of a platform that fetches packages from here."""
        return (
            f"c.Gavip.package_index = 'http://127.0.0.1:{self.port}/simple'\n"
            f"c.Gavip.package_hosts = ['inner:127.0.0.1:{self.port}']\n"
        )

    def add(self, package: tuple[str, bytes]) -> None:
        """Offer a package."""
        name, content = package
        self.files[name] = content

    def page(self, path: str) -> bytes | None:
        """Return what lies at a path."""
        self.asked.append(path)
        kind, _, name = path.strip("/").partition("/")
        if kind == "files":
            return self.files.get(name)
        found = [one for one in self.files if one.replace("_", "-").startswith(f"{name}-")]
        links = [
            f'<a href="/files/{one}#sha256={hashlib.sha256(self.files[one]).hexdigest()}">{one}</a>'
            for one in found
        ]
        return f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode() if found else None


@contextmanager
def package_index() -> Iterator[PackageIndex]:
    """Run an index on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        index: ClassVar[PackageIndex]

        def do_GET(self) -> None:
            content = self.index.page(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header(
                "Content-Type", "text/html" if "/simple/" in self.path else "application/octet-stream"
            )
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Handler.index = PackageIndex(port=server.server_address[1])
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Handler.index
        finally:
            server.shutdown()
