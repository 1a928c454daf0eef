"""Ask a process whether it answers."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tornado.httpclient import AsyncHTTPClient, HTTPClientError

PROBE_SECONDS = 5.0


class Answering(Protocol):
    """What can be asked whether it answers."""

    async def answers(self) -> bool:
        """Tell whether the answer came in time and was a success."""
        ...


@dataclass(frozen=True, kw_only=True)
class SocketProbe:
    """A line on a UNIX socket, to which a healthy process has an answer with a word in it."""

    path: Path
    line: str
    word: str = "ok"

    async def answers(self) -> bool:
        """Tell whether the answer came in time and was a success."""
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                reader, writer = await asyncio.open_unix_connection(str(self.path))
                try:
                    writer.write(f"{self.line}\n".encode())
                    return self.word in (await reader.readline()).decode(errors="replace")
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A request that a healthy process answers with success."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)

    async def answers(self) -> bool:
        """Tell whether the answer came in time and was a success."""
        try:
            response = await AsyncHTTPClient().fetch(
                self.url,
                headers=dict(self.headers),
                follow_redirects=False,
                request_timeout=PROBE_SECONDS,
                connect_timeout=PROBE_SECONDS,
            )
        except (HTTPClientError, OSError):
            return False
        return response.code == 200  # noqa: PLR2004 - HTTP OK
