"""Who asks over WebDAV: a token of the Hub, in the place of a password, believed for a minute."""

import binascii
import hashlib
import json
import re
import threading
import time
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from avi_kernel.protocol.api import Profile
from gavip_hub.domain.identity import profile_of
from gavip_hub.exceptions import Forbidden, SignInRequired, TooOften, Unavailable

BELIEVED_SECONDS = 60.0
"""How long the Hub's word on a token is believed, as in the service."""
MOST_KNOWN = 1000
MOST_WRONG = 10
"""Unknown tokens from one address within a minute."""
WRONG_SECONDS = 60.0
MOST_ASKING = 4
"""Questions to the Hub at once."""
ANSWER_SECONDS = 10.0
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{8,512}")

Ask = Callable[[str], Profile | None]


def token_of(header: str) -> str:
    """Return the token in an `Authorization` header; nothing where there is none.

    The name that comes with a password may be anything: a token says whose it is.
    """
    kind, _, value = header.strip().partition(" ")
    if kind.lower() in {"bearer", "token"}:
        token = value.strip()
    elif kind.lower() == "basic":
        try:
            token = b64decode(value.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError):
            return ""
    else:
        return ""
    return token if _TOKEN.fullmatch(token) else ""


class HubPeople:
    """Asks the Hub whose a token is, with that token.

    Parameters
    ----------
    hub_url
        Address of the Hub behind the proxy.
    """

    def __init__(self, *, hub_url: str) -> None:
        self._hub = urlsplit(hub_url)

    def __call__(self, token: str) -> Profile | None:
        """Return whose it is; None where the Hub does not know it.

        Raises
        ------
        Unavailable
            The Hub does not answer.
        """
        connection = HTTPConnection(self._hub.hostname or "", self._hub.port, timeout=ANSWER_SECONDS)
        try:
            connection.request("GET", "/hub/api/user", headers={"Authorization": f"token {token}"})
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, HTTPException) as error:
            raise Unavailable("The Hub does not answer; try again in a minute.") from error
        finally:
            connection.close()
        if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
            return None
        if answer.status != HTTPStatus.OK:
            raise Unavailable("The Hub does not answer; try again in a minute.")
        return profile_of(json.loads(content))


class People:
    """Knows who asks; keeps digests of tokens, and no token.

    Parameters
    ----------
    ask
        Asks the Hub.
    clock
        Seconds that only go on; tests give their own.
    """

    def __init__(self, *, ask: Ask, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._asking = threading.Semaphore(MOST_ASKING)
        self._known: OrderedDict[str, tuple[Profile, float]] = OrderedDict()
        self._wrong: OrderedDict[str, list[float]] = OrderedDict()

    def of(self, token: str, *, address: str) -> Profile:
        """Return whose a token is.

        Parameters
        ----------
        address
            Where the request comes from; who guesses there is refused for a minute, and who is known is not.

        Raises
        ------
        SignInRequired
            The Hub does not know it, or there is none.
        TooOften
            Too many were wrong that came from there.
        Forbidden
            It is an interface's or a service's.
        """
        if not token:
            raise SignInRequired("Sign in with any name, and with a token of the platform as the password.")
        digest = hashlib.sha256(token.encode()).hexdigest()
        return self._of_known(digest) or self._of_unknown(token, digest, address)

    def _of_known(self, digest: str) -> Profile | None:
        with self._lock:
            found = self._known.get(digest)
            return found[0] if found and found[1] > self._clock() else None

    def _of_unknown(self, token: str, digest: str, address: str) -> Profile:
        self._require_few_wrong(address)
        with self._asking:
            profile = self._ask(token)
        if profile is None:
            self._note_wrong(address)
            raise SignInRequired(
                "The platform does not know this token: make a new one, and use it as the password."
            )
        if profile.avi is not None:
            raise Forbidden("Files are read and written by people, and not by an interface.")
        with self._lock:
            self._known[digest] = profile, self._clock() + BELIEVED_SECONDS
            self._known.move_to_end(digest)
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        return profile

    def _require_few_wrong(self, address: str) -> None:
        with self._lock:
            since = self._clock() - WRONG_SECONDS
            recent = [at for at in self._wrong.get(address, []) if at > since]
            if len(recent) >= MOST_WRONG:
                raise TooOften("Too many tokens from your address were wrong: wait a minute.")

    def _note_wrong(self, address: str) -> None:
        with self._lock:
            since = self._clock() - WRONG_SECONDS
            self._wrong[address] = [at for at in self._wrong.get(address, []) if at > since] + [self._clock()]
            self._wrong.move_to_end(address)
            if len(self._wrong) > MOST_KNOWN:
                self._wrong.popitem(last=False)
