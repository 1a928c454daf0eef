"""Ask a process over HTTP whether it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tornado.httpclient import AsyncHTTPClient, HTTPClientError

PROBE_SECONDS = 5.0


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
