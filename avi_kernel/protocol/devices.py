"""How a command without a browser is signed in by one (RFC 8628)."""

from avi_kernel.protocol.base import Line, Wire


class DeviceBegin(Wire):
    """A command asks to be signed in."""

    note: Line = ""
    """What its user knows its machine by."""


class DeviceView(Wire):
    """What the command shows, and how it goes on."""

    device_code: str
    """The command's own; shown to nobody."""
    user_code: str
    """To be typed at the page."""
    verification_uri: str
    expires_in: int
    """Seconds."""
    interval: int
    """Seconds between two questions."""


class DeviceCollect(Wire):
    """The command asks whether it was allowed."""

    device_code: Line


class DeviceToken(Wire):
    """It was."""

    user: str
    token: str
