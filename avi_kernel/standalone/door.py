"""Who is let into the page of `gavip dev`: this machine's browser, with the key that its developer's terminal shows."""

import secrets

from tornado.httputil import HTTPServerRequest

NAMES = ("127.0.0.1", "localhost")
"""What a browser on this machine calls it; a page of elsewhere that has its own name lead here is told nothing."""


class Door:
    """The way into one page.

    A key in an address stays in histories: it is good for nothing but to be given a pass, and that is no script's.
    """

    def __init__(self) -> None:
        self._key = secrets.token_urlsafe(24)
        self._pass = secrets.token_urlsafe(24)
        self._port = 0

    def stand_at(self, port: int) -> None:
        """Be the door of what listens there."""
        self._port = port

    @property
    def address(self) -> str:
        """Where the page is, with the key."""
        return f"{self.origin}/?token={self._key}"

    @property
    def origin(self) -> str:
        """Where the page is, for who has the pass."""
        return f"http://{NAMES[0]}:{self._port}"

    @property
    def cookie(self) -> str:
        """Name of the pass; all ports of a machine share their cookies."""
        return f"gavip-dev-{self._port}"

    def knows_host(self, request: HTTPServerRequest) -> bool:
        """Tell whether it was asked for by a name of this machine, and not by one that somebody made lead here."""
        return request.host.lower() in {f"{name}:{self._port}" for name in NAMES}

    def is_own_page(self, request: HTTPServerRequest) -> bool:
        """Tell whether the page itself sends this, and not another site or the AVI's interface at another port."""
        return request.headers.get("Origin", "") == f"http://{request.host}"

    def opens(self, key: str) -> bool:
        """Tell whether this is the key."""
        return secrets.compare_digest(key.encode(), self._key.encode())

    def has_pass(self, value: str) -> bool:
        """Tell whether this is the pass."""
        return secrets.compare_digest(value.encode(), self._pass.encode())

    @property
    def pass_(self) -> str:
        """What a browser is given that came with the key."""
        return self._pass
