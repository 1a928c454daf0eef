"""Who may see an interface: behind the Hub by OAuth, standalone by the token in the address."""

from typing import Any

from jupyter_server.auth.identity import IdentityProvider
from jupyterhub.singleuser.extension import JupyterHubIdentityProvider
from tornado.web import RequestHandler

Route = tuple[str, type[RequestHandler], dict[str, Any]]
from typing_extensions import override


class HubIdentity(JupyterHubIdentityProvider):
    """Sign-in by the Hub."""

    @property
    def token(self) -> str:
        """The server's own token at the Hub."""
        return str(self.hub_auth.api_token)

    @token.setter
    def token(self, _value: str) -> None:
        """Ignore it: Voilà passes a token of its own making, and the Hub's is the only one that counts."""

    def routes(self, base_url: str) -> list[Route]:
        """Return the sign-in pages below our own path.

        Voilà registers them without it: the call-back would fall through to the page itself, which asks to
        sign in again, for ever.
        """
        return [
            (base_url.rstrip("/") + path, handler, *rest)  # type: ignore[misc]  # two or three items, as tornado takes
            for path, handler, *rest in self.get_handlers()
        ]


class LocalIdentity(IdentityProvider):
    """A developer on their own machine: whoever knows the token."""

    @override
    def get_handlers(self) -> list[Any]:
        """Offer no sign-in page: the address that was printed is the way in."""
        return []

    def routes(self, base_url: str) -> list[Route]:
        """Return nothing: see `get_handlers`."""
        del base_url
        return []
