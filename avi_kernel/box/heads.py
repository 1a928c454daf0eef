"""The head of one HTTP request, parsed strictly: what is doubtful is refused, for two readers may differ on it."""

import asyncio
import re
from dataclasses import dataclass, field

LARGEST_HEAD = 32 * 1024
PIECE = 64 * 1024
_MOST_HEADERS = 100
_MOST_CHUNK = 16 * 1024 * 1024
_REQUEST = re.compile(rb"([A-Z]{1,20}) ([\x21-\x7e]+) HTTP/1\.([01])")
# One way to match a line and no more: a stranger's blanks must not be shared out among several parts of it.
_HEADER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([^\x00-\x08\x0a-\x1f\x7f]*)")
# What belongs to one connection, and what would tell the next server who asks.
_NOT_PASSED_ON = {
    "connection", "keep-alive", "proxy-connection", "proxy-authorization", "proxy-authenticate", "te", "trailer",
    "upgrade", "host", "forwarded", "x-real-ip", "x-scheme", "x-proxycontextpath",
}  # fmt: skip


class BadRequest(Exception):  # the name of status 400
    """The request is refused."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Head:
    """One request's first lines."""

    method: str
    target: str
    headers: list[tuple[str, str]] = field(default_factory=list)

    def values(self, name: str) -> list[str]:
        """Return what was sent under a name in lower case."""
        return [value for key, value in self.headers if key.lower() == name]

    @property
    def length(self) -> int | None:
        """Bytes of the body; None: in chunks.

        Raises
        ------
        BadRequest
            Where its end is cannot be told for certain.
        """
        lengths, codings = self.values("content-length"), self.values("transfer-encoding")
        if codings:
            if lengths or [coding.lower() for coding in codings] != ["chunked"]:
                raise BadRequest(
                    400, "Transfer-Encoding may be chunked and nothing else, without Content-Length"
                )
            return None
        if len(lengths) > 1 or not all(re.fullmatch(r"[0-9]{1,15}", length) for length in lengths):
            raise BadRequest(400, "Content-Length must be one number")
        return int(lengths[0]) if lengths else 0

    def passed_on(self, *, host: str, target: str) -> bytes:
        """Return the head for the next server: one request a connection."""
        dropped = _NOT_PASSED_ON | {
            name.strip().lower() for value in self.values("connection") for name in value.split(",")
        }
        lines = [f"{self.method} {target} HTTP/1.1", f"Host: {host}", "Connection: close"]
        dropped -= {"content-length", "transfer-encoding"}  # a header cannot make its own body disappear
        lines += [
            f"{name}: {value}"
            for name, value in self.headers
            if name.lower() not in dropped and not name.lower().startswith("x-forwarded-")
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """Read one head; None when the other side said nothing at all.

    Raises
    ------
    BadRequest
        It is not a plain HTTP/1 request.
    """
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise BadRequest(431, "the request's head is too long") from None
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            return None
        raise BadRequest(400, "the request's head is cut short") from None
    first, *lines = raw[:-4].split(b"\r\n")
    request = _REQUEST.fullmatch(first)
    if request is None or len(lines) > _MOST_HEADERS:
        raise BadRequest(400, "this is no HTTP/1 request")
    headers = [_header(line) for line in lines]
    head = Head(method=request[1].decode(), target=request[2].decode(), headers=headers)
    if head.values("upgrade"):
        raise BadRequest(400, "Upgrade is not offered here")
    if request[3] == b"0" and head.values("transfer-encoding"):
        raise BadRequest(400, "HTTP/1.0 has no Transfer-Encoding")
    return head


def _header(line: bytes) -> tuple[str, str]:
    found = _HEADER.fullmatch(line)
    if found is None:
        raise BadRequest(400, "a header is malformed")
    return found[1].decode(), found[2].strip(b" \t").decode("latin-1")


async def copy_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int | None) -> None:
    """Pass on exactly one body, so that nothing behind it is taken for a request of its own.

    Raises
    ------
    BadRequest
        A chunk is malformed.
    """
    if length is not None:
        await _copy_bytes(reader, writer, length)
        return
    size = -1
    while size != 0:
        line = await reader.readuntil(b"\r\n")
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}\r\n", line) or int(line, 16) > _MOST_CHUNK:
            raise BadRequest(400, "a chunk's size is malformed")
        size = int(line, 16)
        writer.write(line)
        await _copy_bytes(reader, writer, size)
        if await reader.readexactly(2) != b"\r\n":
            raise BadRequest(400, "a chunk does not end where it should")
        writer.write(b"\r\n")
    await writer.drain()


async def _copy_bytes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int) -> None:
    while length:
        data = await reader.read(min(PIECE, length))
        if not data:
            raise asyncio.IncompleteReadError(data, length)
        length -= len(data)
        writer.write(data)
        await writer.drain()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    """Copy until one side ends; return the bytes."""
    total = 0
    try:
        while data := await reader.read(PIECE):
            total += len(data)
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    return total
