"""Who may see an interface: behind the Hub by OAuth, standalone by the token in the address."""

from typing import Any

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.identity import IdentityProvider
from jupyter_server.base.handlers import JupyterHandler
from jupyterhub.singleuser.extension import JupyterHubIdentityProvider
from tornado.web import HTTPError, RequestHandler
from typing_extensions import override

Route = tuple[str, type[RequestHandler], dict[str, Any]]


class HubIdentity(JupyterHubIdentityProvider):  # type: ignore[misc]  # JupyterHub has no types
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
        return [(base_url.rstrip("/") + path, handler, *rest) for path, handler, *rest in self.get_handlers()]


class LocalIdentity(IdentityProvider):
    """A developer on their own machine: whoever knows the token."""

    def routes(self, base_url: str) -> list[Route]:
        """Return the page where a stranger ends up: it tells the way in, and is none itself."""
        return [(base_url.rstrip("/") + "/login", NoEntryHandler, {})]


class NoEntryHandler(JupyterHandler):
    """Refuse whoever came without the token."""

    @allow_unauthenticated
    @override
    def get(self) -> None:
        """Say how to get in."""
        raise HTTPError(
            403, "Use the address that was printed when this interface was started: it holds a token."
        )
