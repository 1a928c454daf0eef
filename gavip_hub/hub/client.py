"""The Hub's REST interface, as far as the platform uses it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from gavip_hub.exceptions import (
    Conflict,
    Forbidden,
    GavipError,
    NoRoom,
    NotFound,
    SignInRequired,
    Unavailable,
)

ANSWER_SECONDS = 30.0
PAGE = 200


@dataclass(frozen=True, kw_only=True)
class HubServer:
    """A server as the Hub sees it."""

    owner: str
    name: str
    """Empty for the notebook server."""
    ready: bool
    pending: str | None
    """`spawn` or `stop` while that goes on."""
    started: datetime | None
    last_activity: datetime | None
    """When its user last did something in it, as the server itself reported."""


class HubClient:
    """Asks the Hub with a token that the caller names: a person's own, or the service's.

    Parameters
    ----------
    api_url
        Of the Hub behind the proxy, ending in `/hub/api`.
    service_token
        The service's own, good for listing and stopping servers and nothing more.
    """

    def __init__(self, *, api_url: str, service_token: str) -> None:
        self._api_url = api_url.rstrip("/")
        self._service_token = service_token

    async def start_server(self, *, token: str, user: str, name: str, options: Mapping[str, Any]) -> bool:
        """Ask for a start, with the person's own token; return whether it is ready already.

        Raises
        ------
        gavip_hub.exceptions.GavipError
            The Hub refused, in the words of our own hook where it was that.
        """
        status, _ = await self._ask("POST", _server(user, name), token, {"user_options": dict(options)})
        return status == HTTPStatus.CREATED

    async def stop_server(self, *, token: str, user: str, name: str) -> bool:
        """Ask for the end of a server, with the person's own token; return whether it is gone already."""
        try:
            status, _ = await self._ask("DELETE", _server(user, name), token)
        except NotFound:
            return True
        return status == HTTPStatus.NO_CONTENT

    async def evict(self, *, user: str, name: str) -> bool:
        """Stop anybody's server, with the service's own token."""
        return await self.stop_server(token=self._service_token, user=user, name=name)

    async def list_servers(self) -> list[HubServer]:
        """Return everybody's active servers; a request a page of users, so ask seldom."""
        found: list[HubServer] = []
        offset: int | None = 0
        while offset is not None:
            _, page = await self._ask(
                "GET",
                f"/users?state=active&include_stopped_servers=0&offset={offset}&limit={PAGE}",
                self._service_token,
            )
            found += [server for user in page["items"] for server in _servers(user)]
            following = page["_pagination"]["next"]
            offset = following["offset"] if following else None
        return found

    async def is_ready(self, *, token: str, user: str, name: str) -> bool | None:
        """Tell whether a server answers, with the person's own token; None where there is none."""
        _, model = await self._ask("GET", f"/users/{quote(user, safe='')}", token)
        return next((server.ready for server in _servers(model) if server.name == name), None)

    async def knows(self, user: str) -> bool:
        """Tell whether there is a user of that name, with the service's own token."""
        try:
            await self._ask("GET", f"/users/{quote(user, safe='')}", self._service_token)
        except NotFound:
            return False
        return True

    async def members(self, group: str) -> list[str]:
        """Return who is in a group, with the service's own token; nobody where there is none."""
        try:
            _, model = await self._ask("GET", f"/groups/{quote(group, safe='')}", self._service_token)
        except NotFound:
            return []
        return [str(name) for name in model.get("users", [])]

    async def answers(self) -> bool:
        """Tell whether the Hub is up."""
        try:
            await self._ask("GET", "/", "")
        except GavipError:
            return False
        return True

    async def _ask(
        self, method: str, path: str, token: str, body: Mapping[str, Any] | None = None
    ) -> tuple[int, Any]:
        request = HTTPRequest(
            f"{self._api_url}{path}",
            method=method,
            headers={
                # With this media type lists come in pages.
                "Accept": "application/jupyterhub-pagination+json",
                **({"Authorization": f"token {token}"} if token else {}),
            },
            body=json.dumps(body or {}) if method == "POST" else None,
            request_timeout=ANSWER_SECONDS,
        )
        try:
            response = await AsyncHTTPClient().fetch(request)
        except HTTPClientError as error:
            raise _refusal(error) from None
        except OSError as error:
            raise Unavailable(f"The Hub does not answer ({error.strerror}); try again in a minute.") from None
        return response.code, json.loads(response.body) if response.body else None


_REFUSALS: dict[int, type[GavipError]] = {
    HTTPStatus.UNAUTHORIZED: SignInRequired,
    HTTPStatus.FORBIDDEN: Forbidden,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: NoRoom,
    HTTPStatus.BAD_REQUEST: Conflict,  # what the Hub says of a server that is starting or stopping already
}


def _refusal(error: HTTPClientError) -> GavipError:
    """Return the Hub's refusal as ours, with its sentence."""
    try:
        message = json.loads(error.response.body)["message"] if error.response else None
    except (ValueError, KeyError, TypeError):
        message = None
    return _REFUSALS.get(error.code, Unavailable)(message)


def _server(user: str, name: str) -> str:
    return f"/users/{quote(user, safe='')}/server" + (f"s/{quote(name, safe='')}" if name else "")


def _servers(user: Mapping[str, Any]) -> list[HubServer]:
    return [
        HubServer(
            owner=user["name"],
            name=name,
            ready=server["ready"],
            pending=server["pending"],
            started=_time(server["started"]),
            last_activity=_time(server["last_activity"]),
        )
        for name, server in (user.get("servers") or {}).items()
    ]


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
