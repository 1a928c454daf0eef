"""The browser's way to sign in and out."""

from typing_extensions import override

from gavip_hub.handlers.base import PageHandler
from gavip_hub.handlers.context import PREFIX
from gavip_hub.handlers.openapi import Route
from gavip_hub.handlers.sign_in import NOBODY, Identity


class OAuthCallback(PageHandler):
    """Where the Hub sends a browser back to."""

    needs_sign_in = False

    @override
    async def identify(self) -> Identity:
        return NOBODY

    @override
    async def get(self) -> None:
        """Finish the sign-in."""
        await self.context.sign_in.complete(self)


class SignOut(PageHandler):
    """End the session with portal and Hub."""

    @override
    async def post(self) -> None:
        """Forget this browser here, then at the Hub."""
        self.require()
        self.context.sign_in.forget(self)
        self.redirect("/hub/logout")


ROUTES: list[Route] = [(f"{PREFIX}/oauth_callback", OAuthCallback), (f"{PREFIX}/sign-out", SignOut)]
