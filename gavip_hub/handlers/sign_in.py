"""Who sends a request: Hub tokens, and browsers signed in by the Hub's OAuth (docs/adr/0010)."""

import hashlib
import hmac
from collections import deque
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuth
from tornado.httputil import HTTPServerRequest, url_concat
from tornado.web import HTTPError, RequestHandler, decode_signed_value

from avi_kernel.protocol.api import Profile
from gavip_hub.domain.identity import profile_of
from gavip_hub.exceptions import BadRequest, Forbidden, Unavailable

SESSION_DAYS = 14
LONGEST_RETURN = 2000
"""Characters of an address to which a browser is sent back after signing in; a longer one leads to the start page."""
MOST_BEGUN = 5000
"""Sign-ins that wait for their browsers: anybody can begin one, and each is kept in memory for ten minutes."""
XSRF_FIELD = "_xsrf"
XSRF_HEADER = "X-XSRFToken"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who asks and how they proved it."""

    profile: Profile | None = None
    token: str = ""
    by_cookie: bool = False


NOBODY = Identity()


class SignIn:
    """Identifies people with the Hub.

    Parameters
    ----------
    oauth
        The Hub's own client library, configured as this service's OAuth client.
    secret
        Signs cookies and XSRF tokens.
    origin
        The portal's own origin, the only one that may write with a cookie.
    """

    def __init__(self, *, oauth: HubOAuth, secret: str, origin: str) -> None:
        self._oauth = oauth
        self._secret = secret
        self._origin = origin
        self._begun: deque[str] = deque()

    async def identify(self, request: HTTPServerRequest) -> Identity:
        """Return who sends a request; `NOBODY` without a valid token.

        Raises
        ------
        Unavailable
            The Hub does not answer.
        """
        header = self._oauth.auth_header_pat.match(request.headers.get("Authorization", ""))
        if header:
            return await self.of_token(header.group(1).strip())
        for token in self._cookie_tokens(request):
            identity = await self.of_token(token, session=_cookie(request, "jupyterhub-session-id"))
            if identity.profile:
                return Identity(profile=identity.profile, token=token, by_cookie=True)
        return NOBODY

    def xsrf_token(self, identity: Identity) -> str:
        """Return what a page must send with a write; bound to the session, so that no cookie can set it."""
        return hmac.new(self._secret.encode(), f"xsrf:{identity.token}".encode(), hashlib.sha256).hexdigest()

    def check_write(self, handler: RequestHandler, identity: Identity) -> None:
        """Refuse a write that only a cookie proves and that no page of ours sent.

        Raises
        ------
        Forbidden
            The request comes from another origin, or lacks the page's token.
        """
        request = handler.request
        if request.method in SAFE_METHODS or not identity.by_cookie:
            return
        origin = request.headers.get("Origin")
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        if (origin is not None and origin != self._origin) or site != "same-origin":
            raise Forbidden("This request did not come from a page of the portal.")
        given = request.headers.get(XSRF_HEADER) or handler.get_body_argument(XSRF_FIELD, "")
        if not hmac.compare_digest(given.encode(), self.xsrf_token(identity).encode()):
            raise Forbidden("This page is out of date: reload it and try again.")

    def begin(self, handler: RequestHandler) -> None:
        """Send a browser to the Hub to sign in, and later back to where it wanted to go."""
        verifier, challenge, method = self._oauth.generate_pkce_code_challenge()
        wanted = handler.request.uri or ""
        next_url = wanted if len(wanted) <= LONGEST_RETURN else self._oauth.base_url
        state = self._oauth.set_state_cookie(handler, next_url=next_url, code_verifier=verifier)
        self._bound(state)
        asked = {"code_challenge": challenge, "code_challenge_method": method, "state": state}
        handler.redirect(url_concat(self._oauth.login_url, asked))

    async def complete(self, handler: RequestHandler) -> None:
        """Take a browser back from the Hub."""
        state = handler.get_query_argument("state", "")
        kept = handler.get_signed_cookie(self._oauth.get_state_cookie_name(state)) or b""
        self._oauth.clear_oauth_state_cookies(handler)
        verifier = self._oauth.get_code_verifier(state)
        if not state or not verifier or not hmac.compare_digest(kept, state.encode()):
            # An old page, or the service restarted meanwhile: signing in again is the remedy, and harmless.
            handler.redirect(self._oauth.base_url)
            return
        next_url = self._oauth.get_next_url(state)
        self._oauth.clear_oauth_state(state)
        token = await self._token_for(handler, verifier)
        self._keep(handler, token)
        handler.redirect(next_url if next_url.startswith(self._oauth.base_url) else self._oauth.base_url)

    def forget(self, handler: RequestHandler) -> None:
        """End this browser's session with the portal."""
        self._oauth.clear_cookie(handler)

    def _bound(self, state: str) -> None:
        """Forget the oldest sign-in when there are too many that nobody finished."""
        self._begun.append(state)
        if len(self._begun) > MOST_BEGUN:
            self._oauth.clear_oauth_state(self._begun.popleft())

    async def _token_for(self, handler: RequestHandler, verifier: str) -> str:
        code = handler.get_query_argument("code", "")
        if not code:
            why = handler.get_query_argument("error_description", "the Hub sent no code")
            raise BadRequest(f"Signing in did not work: {why[:200]}")
        try:
            token: str = await self._oauth.token_for_code(code, sync=False, code_verifier=verifier)
        except HTTPError as error:
            raise Unavailable("The Hub did not confirm the sign-in; try again.") from error
        return token

    def _keep(self, handler: RequestHandler, token: str) -> None:
        secure = self._oauth.cookie_host_prefix_enabled or self._origin.startswith("https:")
        handler.set_signed_cookie(
            self._oauth.cookie_name,
            token,
            expires_days=SESSION_DAYS,
            path=self._oauth.cookie_path,
            httponly=True,
            secure=secure,
            samesite="Lax",
        )

    async def of_token(self, token: str, *, session: str = "") -> Identity:
        """Return whose token this is; `NOBODY` where the Hub does not know it.

        Raises
        ------
        Unavailable
            The Hub does not answer.
        """
        try:
            model: dict[str, Any] | None = await self._oauth.user_for_token(
                token, session_id=session, sync=False
            )
        except HTTPError as error:
            raise Unavailable("The Hub does not answer; try again in a minute.") from error
        return Identity(profile=profile_of(model), token=token) if model else NOBODY

    def _cookie_tokens(self, request: HTTPServerRequest) -> list[str]:
        """Return the tokens in session cookies; two valid ones at once are refused.

        A script on a sibling host can set cookies for the whole domain: its own session beside the user's, so
        that the user would work, unawares, in a stranger's account.
        """
        name = self._oauth.cookie_name
        values = _values(request.headers.get("Cookie", ""), name)
        tokens = {
            token.decode("ascii", "replace")
            for value in values
            if (token := decode_signed_value(self._secret, name, value, max_age_days=SESSION_DAYS))
        }
        if len(tokens) > 1:
            raise BadRequest(
                f"Your browser sent two sign-ins for {urlsplit(self._origin).netloc}; one of them was set by "
                "another site. Delete this site's cookies and sign in again."
            )
        return list(tokens)


def _cookie(request: HTTPServerRequest, name: str) -> str:
    return request.cookies[name].value if name in request.cookies else ""


def _values(header: str, name: str) -> list[str]:
    """Return every value that a Cookie header gives a name; the standard parsers keep only one."""
    parsed = []
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            jar: SimpleCookie = SimpleCookie(f"{key}={value}")
            parsed += [morsel.value for morsel in jar.values()]
    return parsed
