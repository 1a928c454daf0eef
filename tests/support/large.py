"""Large files for tests: made quickly, and never held in memory; and what a process takes while they move."""

import hashlib
import secrets
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

MB = 1024**2
GB = 1024**3
PIECE = 4 * MB
TUS = {"Tus-Resumable": "1.0.0"}
_BLOCK = secrets.token_bytes(PIECE)


def piece(number: int) -> bytes:
    """Return the piece of a large content with this number: no two are alike."""
    return number.to_bytes(16, "big") + _BLOCK[16:]


def write_large(path: Path, size: int) -> None:
    """Write a file of real bytes."""
    with path.open("wb") as file:
        for number in range(size // PIECE):
            file.write(piece(number))


def digest_of_large(size: int) -> str:
    """Return the digest of such a content, which lies nowhere."""
    digest = hashlib.sha256()
    for number in range(size // PIECE):
        digest.update(piece(number))
    return digest.hexdigest()


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_csv(path: Path, size: int) -> None:
    """Write a table of real rows."""
    with path.open("wb") as file:
        file.write(b"id,ra,dec\n")
        rows = b"".join(b"%09d,%.6f,%.6f\n" % (row, row / 7, row / 11) for row in range(100_000))
        while file.tell() < size:
            file.write(rows)


MOST_CONFLICTS = 500


class Tus:
    """An upload by tus, as a browser's library does it.

    Parameters
    ----------
    address
        Of the portal's host.
    """

    def __init__(self, http: httpx.Client, address: str, path: str, size: int) -> None:
        self._http = http
        self._size = size
        told = f"path {b64encode(path.encode()).decode()}"
        headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": told}
        begun = http.post(f"{address}/services/gavip/files/uploads", headers=headers)
        begun.raise_for_status()
        self.url = f"{address}{begun.headers['Location']}"

    def offset(self) -> int:
        """Return how much has come, as the platform says."""
        answer = self._http.head(self.url, headers=TUS)
        answer.raise_for_status()
        return int(answer.headers["Upload-Offset"])

    def send(self, until: int) -> None:
        """Send pieces until so much has come.

        A piece whose line broke may still be written: then the offset is asked for anew.
        """
        offset, asked_anew = self.offset(), 0
        while offset < until:
            headers = self.headers(offset)
            answer = self._http.patch(self.url, headers=headers, content=piece(offset // PIECE))
            if answer.status_code == httpx.codes.CONFLICT and asked_anew < MOST_CONFLICTS:
                offset, asked_anew = self.offset(), asked_anew + 1
                continue
            answer.raise_for_status()
            offset = int(answer.headers["Upload-Offset"])

    def headers(self, offset: int) -> dict[str, str]:
        """Return what a piece is sent with."""
        return {**TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}


@contextmanager
def highest_memory(pid: int) -> Iterator[list[int]]:
    """Give the memory of a process at first and at its highest, looked at a hundred times a second."""
    process, ended = psutil.Process(pid), threading.Event()
    found = [process.memory_info().rss] * 2

    def look() -> None:
        while not ended.wait(0.01):
            found[1] = max(found[1], process.memory_info().rss)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join(30)


FRAMES = """() => {
    window.frames_ = [];
    let last = performance.now();
    const look = (now) => { window.frames_.push(now - last); last = now; requestAnimationFrame(look); };
    requestAnimationFrame((now) => { last = now; requestAnimationFrame(look); });
}"""
"""Notes the milliseconds between each two frames of a page."""
