"""Signing in a command that has no browser: its two questions, and the pages on which its user answers."""

from typing import ClassVar

from typing_extensions import override

from avi_kernel.protocol.devices import DeviceBegin, DeviceCollect, DeviceToken, DeviceView
from gavip_hub.exceptions import (
    DeviceExpired,
    DevicePending,
    DeviceRefused,
    DeviceTooSoon,
    GavipError,
    NoRoom,
    TooOften,
)
from gavip_hub.handlers.context import PREFIX
from gavip_hub.handlers.operations import ApiHandler, operation
from gavip_hub.handlers.page_base import PortalPage
from gavip_hub.handlers.sign_in import NOBODY, Identity
from gavip_hub.hub.access import command_scopes
from gavip_hub.hub.commands import new_challenge
from gavip_hub.services.devices import INTERVAL, SECONDS

PAGE = f"{PREFIX}/device"
CALLBACK = f"{PAGE}/callback"


class DeviceApi(ApiHandler):
    """What a command asks before it has a token."""

    @override
    async def identify(self) -> Identity:
        return NOBODY


class Begin(DeviceApi):
    """The first question."""

    path = "/device"

    @override
    @operation(
        id="device.begin",
        summary="Ask to be signed in by a browser elsewhere",
        public=True,
        body=DeviceBegin,
        returns=DeviceView,
        errors=(NoRoom, TooOften),
    )
    async def post(self, body: DeviceBegin) -> DeviceView:
        """Return two codes: one to be shown, one to be kept."""
        self.set_header("Cache-Control", "no-store")
        code, device = self.services.devices.begin(note=body.note, address=self._address())
        return DeviceView(
            device_code=code,
            user_code=device.user_code,
            verification_uri=f"{self.context.config.public_url}{PAGE}",
            expires_in=int(SECONDS),
            interval=int(INTERVAL),
        )

    def _address(self) -> str:
        """Return who asked our proxy: the last that is named, since those before it may be made up."""
        forwarded = self.request.headers.get_list("X-Forwarded-For")
        return (forwarded[-1] if forwarded else "").rpartition(",")[2].strip()[:45] or "an unknown address"


class Collect(DeviceApi):
    """The question that is asked again and again."""

    path = "/device/token"

    @override
    @operation(
        id="device.collect",
        summary="Fetch the token once its user has allowed it",
        public=True,
        body=DeviceCollect,
        returns=DeviceToken,
        errors=(DevicePending, DeviceTooSoon, DeviceRefused, DeviceExpired),
    )
    async def post(self, body: DeviceCollect) -> DeviceToken:
        """Return the token, once."""
        self.set_header("Cache-Control", "no-store")
        user, token = self.services.devices.collect(body.device_code)
        return DeviceToken(user=user, token=token)


class DevicePage(PortalPage):
    """Where a code is typed. No address fills it in: whoever sends somebody such a link would be signed in by them."""

    nav: ClassVar[str] = ""

    @override
    async def get(self) -> None:
        self._show("ask")

    @override
    async def post(self) -> None:
        """Show what waits with the code."""
        typed = self.sent().get("code", "")
        try:
            device = self.services.devices.find(user=self.owner, typed=typed)
        except GavipError as error:
            self.set_status(error.status_code)
            self._show("ask", problem=error.message)
            return
        self._show("decide", device=device)

    def _show(self, step: str, **told: object) -> None:
        self.set_header("Cache-Control", "no-store")
        may = command_scopes(self.require().scopes)
        self.render_page("device.html", step=step, may=may, **{"device": None, "problem": "", **told})


class Decide(DevicePage):
    """Yes or no."""

    @override
    async def get(self) -> None:
        self.go("device")

    @override
    async def post(self) -> None:
        """Ask the Hub for a token in the user's name, or tell the command that they said no."""
        sent, devices = self.sent(), self.services.devices
        if sent.get("decision") != "allow":
            devices.refuse(user=self.owner, typed=sent.get("code", ""))
            self._show("refused")
            return
        verifier, challenge = new_challenge()
        state = devices.allow(user=self.owner, typed=sent.get("code", ""), verifier=verifier)
        self.redirect(self.context.command_tokens.question(state=state, challenge=challenge), status=303)


class Callback(DevicePage):
    """Where the Hub sends the browser back."""

    @override
    async def get(self) -> None:
        profile = self.require()
        device = self.services.devices.allowing(
            user=profile.name, oauth_state=self.get_query_argument("state", "")
        )
        try:
            token = await self.context.command_tokens.make(
                code=self.get_query_argument("code", ""),
                verifier=device.verifier,
                user=profile.name,
                held=profile.scopes,
                note=f"gavip on {device.note}",
            )
        except GavipError:
            self.services.devices.not_allowed(device)
            raise
        self.services.devices.allowed(device, token=token)
        self._show("done", device=device)

    @override
    async def post(self) -> None:
        self.go("device")


HANDLERS: tuple[type[ApiHandler], ...] = (Begin, Collect)
ROUTES: list[tuple[str, type[PortalPage], dict[str, object]]] = [
    (PAGE, DevicePage, {}),
    (f"{PAGE}/decide", Decide, {}),
    (CALLBACK, Callback, {}),
]
