"""Tokens for commands, got from the Hub in their user's name (docs/adr/0047)."""

import base64
import hashlib
import json
import secrets
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, urlencode

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from gavip_hub.exceptions import Forbidden, Unavailable
from gavip_hub.hub.access import COMMAND_CLIENT, command_scopes, command_secret

SECONDS = 90 * 86400
_TIMEOUT = 30.0


def new_challenge() -> tuple[str, str]:
    """Return a verifier, which stays here, and its challenge, which the Hub is shown first."""
    verifier = secrets.token_urlsafe(48)
    hashed = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(hashed).decode().rstrip("=")


class CommandTokens:
    """Asks the Hub for a command's token.

    Parameters
    ----------
    api_url
        Of the Hub behind the proxy, ending in `/hub/api`.
    public_url
        Of the Hub, as browsers reach it.
    callback
        The portal's page to which the Hub sends the browser back.
    """

    def __init__(self, *, api_url: str, public_url: str, callback: str, service_token: str) -> None:
        self._api_url = api_url.rstrip("/")
        self._public_url = public_url
        self._callback = callback
        self._secret = command_secret(service_token)

    def question(self, *, state: str, challenge: str) -> str:
        """Return the address at which a browser asks the Hub in its user's name."""
        asked = {
            "client_id": COMMAND_CLIENT,
            "redirect_uri": self._callback,
            "response_type": "code",
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._public_url}/hub/api/oauth2/authorize?{urlencode(asked)}"

    async def make(self, *, code: str, verifier: str, user: str, held: Iterable[str], note: str) -> str:
        """Return a token of a user for a command, made with a token that lives no longer than this call.

        Parameters
        ----------
        held
            The scopes that the user's session in the portal has: the command gets no other.

        Raises
        ------
        Forbidden
            The Hub's session is another user's than the portal's.
        Unavailable
            The Hub did not confirm it.
        """
        brief = await self._exchanged(code, verifier)
        who = await self._ask("GET", "/user", brief)
        name = str(who.get("name"))
        try:
            if name != user:
                raise Forbidden(
                    f"The portal knows you as {user}, and the Hub as {name}: sign out, and in again."
                )
            body = {"note": note, "expires_in": SECONDS, "scopes": command_scopes(held)}
            made = await self._ask("POST", f"/users/{quote(user, safe='')}/tokens", brief, body)
            return str(made["token"])
        finally:
            await self._ask("DELETE", f"/users/{quote(name, safe='')}/tokens/{who.get('token_id')}", brief)

    async def _exchanged(self, code: str, verifier: str) -> str:
        body = {
            "client_id": COMMAND_CLIENT,
            "client_secret": self._secret,
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "code_verifier": verifier,
        }
        answer = await self._fetch(
            "POST", "/oauth2/token", "", urlencode(body), "application/x-www-form-urlencoded"
        )
        return str(answer["access_token"])

    async def _ask(
        self, method: str, path: str, token: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        text = json.dumps(body) if body is not None else None
        return await self._fetch(method, path, token, text, "application/json")

    async def _fetch(self, method: str, path: str, token: str, body: str | None, kind: str) -> dict[str, Any]:
        headers = {"Content-Type": kind} | ({"Authorization": f"token {token}"} if token else {})
        request = HTTPRequest(
            f"{self._api_url}{path}", method=method, headers=headers, body=body, request_timeout=_TIMEOUT
        )
        try:
            response = await AsyncHTTPClient().fetch(request)
        except (HTTPClientError, OSError) as error:
            raise Unavailable("The Hub did not confirm it: run gavip login --device anew.") from error
        answer: dict[str, Any] = json.loads(response.body) if response.body else {}
        return answer
