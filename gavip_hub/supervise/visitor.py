"""A person's view of the running platform, for `gavip demo`: the public REST interface and nothing else."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError

from gavip_hub.config import Gavip
from gavip_hub.exceptions import GavipError, NotFound, Unavailable

TRY_SECONDS = 30.0
PAUSE_SECONDS = 0.5


class Visitor:
    """Somebody who signs in with name and password.

    Parameters
    ----------
    name
        Of a user of the embedded sign-in.
    """

    def __init__(self, *, config: Gavip, name: str, password: str) -> None:
        self._base = f"http://127.0.0.1:{config.port}"
        # Resolvers of commands may not know `*.localhost`; the proxy goes by this header.
        self._headers = {"Host": config.public_url.partition("://")[2]}
        self._name = name
        self._password = password

    async def sign_in(self) -> None:
        """Get a token of one's own, as any program may."""
        auth = {"username": self._name, "password": self._password}
        made = await self._ask(
            "POST",
            f"/hub/api/users/{self._name}/tokens",
            {"auth": auth, "note": "gavip demo", "expires_in": 86400},
        )
        self._headers["Authorization"] = f"token {made['token']}"

    async def get(self, path: str) -> Any:
        """Return what is at a path of the REST interface."""
        return await self._patiently("GET", path)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a request to a path of the REST interface."""
        return await self._ask("POST", f"/services/gavip/api{path}", body)

    async def _patiently(self, method: str, path: str) -> Any:
        """Wait out a restart of the service."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + TRY_SECONDS
        while True:
            try:
                return await self._ask(method, f"/services/gavip/api{path}")
            except Unavailable:
                if loop.time() > deadline:
                    raise
                await asyncio.sleep(PAUSE_SECONDS)

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        try:
            response = await AsyncHTTPClient().fetch(
                f"{self._base}{path}",
                method=method,
                headers={**self._headers, "Content-Type": "application/json"},
                body=None if body is None else json.dumps(body),
            )
        except HTTPClientError as error:
            raise _refusal(error) from None
        except OSError as error:
            raise Unavailable(f"the platform does not answer: {error.strerror}") from None
        return json.loads(response.body)


def _refusal(error: HTTPClientError) -> GavipError:
    """Return the platform's own sentence."""
    if error.code >= 500:  # noqa: PLR2004 - HTTP's server errors
        return Unavailable(f"the platform answered {error.code}")
    kind = NotFound if error.code == 404 else GavipError  # noqa: PLR2004 - HTTP Not Found
    try:
        return kind(json.loads(error.response.body)["message"] if error.response else None)
    except (ValueError, KeyError, TypeError):
        return kind(f"the platform answered {error.code} {error.message}")
