"""Commands that wait for their user's word in a browser: short-lived, single use, told apart by what was shown."""

import hmac
import logging
import secrets
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Literal

from gavip_hub.clock import Clock
from gavip_hub.domain.device import as_typed, digest, new_device_code, new_user_code, plain_note
from gavip_hub.exceptions import (
    DeviceExpired,
    DevicePending,
    DeviceRefused,
    DeviceTooSoon,
    Forbidden,
    NoRoom,
    NotFound,
    TooOften,
)

log = logging.getLogger(__name__)
SECONDS = 600.0
"""From the first code to the token in the command's hands."""
INTERVAL = 5.0
"""Between two questions of one command."""
MOST_WAITING = 1000
MOST_BEGUN = 60
"""From one address within ten minutes; many people may share one."""
MOST_GUESSES = 5
"""Codes that nobody waits with, typed by one person within ten minutes."""


@dataclass(kw_only=True)
class Device:
    """One command that waits."""

    key: str
    """Digest of its device code."""
    user_code: str
    note: str
    address: str
    begun: float
    asked_at: float
    state: Literal["waiting", "allowing", "allowed", "refused"] = "waiting"
    user: str = ""
    """Who allows it."""
    oauth_state: str = ""
    verifier: str = ""
    token: str = field(default="", repr=False)


class DeviceService:
    """Keeps them in memory: after a restart of the service, a command begins again.

    Its methods do not block, and are called by one thread alone.
    """

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._devices: dict[str, Device] = {}
        self._begun: defaultdict[str, deque[float]] = defaultdict(deque)
        self._guessed: defaultdict[str, deque[float]] = defaultdict(deque)

    def begin(self, *, note: str, address: str) -> tuple[str, Device]:
        """Let a command wait; return its device code, which is kept nowhere else, and what it shows.

        Raises
        ------
        NoRoom
            Too many wait.
        TooOften
            Too many came from one address.
        """
        now = self._forget_old()
        if len(self._devices) >= MOST_WAITING:
            raise NoRoom(
                "Too many commands wait to be signed in; try again in ten minutes, or sign in by password."
            )
        self._count(self._begun[address], MOST_BEGUN, "Too many commands began to sign in from your address.")
        code = new_device_code()
        device = Device(
            key=digest(code),
            user_code=self._free_code(),
            note=plain_note(note),
            address=address,
            begun=now,
            asked_at=now - INTERVAL,
        )
        self._devices[device.key] = device
        return code, device

    def collect(self, device_code: str) -> tuple[str, str]:
        """Return user and token, once.

        Raises
        ------
        DevicePending
            The user has not allowed it yet.
        DeviceTooSoon
            It asks more often than it was told to.
        DeviceRefused
            The user said no.
        DeviceExpired
            It is not known, any more or at all.
        """
        now = self._forget_old()
        device = self._devices.get(digest(device_code))
        if device is None:
            raise DeviceExpired
        too_soon, device.asked_at = now - device.asked_at < INTERVAL - 0.5, now
        if too_soon:
            raise DeviceTooSoon
        if device.state in {"waiting", "allowing"}:
            raise DevicePending
        del self._devices[device.key]
        if device.state == "refused":
            raise DeviceRefused
        return device.user, device.token

    def find(self, *, user: str, typed: str) -> Device:
        """Return the command that shows a code.

        Raises
        ------
        NotFound
            None that waits shows it.
        TooOften
            Too many wrong ones were typed.
        """
        self._forget_old()
        recent = self._guessed[user]
        if len(recent) >= MOST_GUESSES:
            raise TooOften("You typed too many codes that no command shows: wait ten minutes.")
        code = as_typed(typed)
        for device in self._devices.values():
            if device.state == "waiting" and hmac.compare_digest(device.user_code, code):
                return device
        recent.append(self._clock.monotonic())
        raise NotFound(
            "No command waits with this code. It is good for ten minutes: look at it again, or run gavip login --device anew.",
            field="code",
        )

    def refuse(self, *, user: str, typed: str) -> None:
        """Let a command know that its user said no."""
        device = self.find(user=user, typed=typed)
        device.state = "refused"
        log.info("%s refused the command %s at %s", user, device.note, device.address)

    def allow(self, *, user: str, typed: str, verifier: str) -> str:
        """Note who allows a command, before the Hub is asked for a token; return the state of that question."""
        device = self.find(user=user, typed=typed)
        device.state, device.user, device.verifier = "allowing", user, verifier
        device.oauth_state = secrets.token_urlsafe(32)
        return device.oauth_state

    def allowing(self, *, user: str, oauth_state: str) -> Device:
        """Return the command that somebody allows, once: the Hub's answer is good for one token.

        Raises
        ------
        Forbidden
            They allow none with this state.
        """
        self._forget_old()
        for device in self._devices.values():
            theirs = device.state == "allowing" and device.user == user and device.oauth_state
            if theirs and hmac.compare_digest(device.oauth_state.encode(), oauth_state.encode()):
                device.oauth_state = ""
                return device
        raise Forbidden("Nothing of yours waits for this answer: run gavip login --device anew.")

    def allowed(self, device: Device, *, token: str) -> None:
        """Keep the token until the command fetches it."""
        device.token, device.state = token, "allowed"
        log.info("%s signed in the command %s at %s", device.user, device.note, device.address)

    def not_allowed(self, device: Device) -> None:
        """Let a command wait on, whose token the Hub did not give: its user may type the code again."""
        device.state, device.user, device.verifier = "waiting", "", ""

    def _free_code(self) -> str:
        taken = {device.user_code for device in self._devices.values()}
        while (code := new_user_code()) in taken:
            pass
        return code

    def _forget_old(self) -> float:
        """Forget what took too long, with all that is known of it; return the time."""
        now = self._clock.monotonic()
        for key in [key for key, device in self._devices.items() if now - device.begun > SECONDS]:
            del self._devices[key]
        for known in (self._begun, self._guessed):
            for name in list(known):
                while known[name] and now - known[name][0] > SECONDS:
                    known[name].popleft()
                if not known[name]:
                    del known[name]
        return now

    def _count(self, recent: deque[float], most: int, refusal: str) -> None:
        if len(recent) >= most:
            raise TooOften(f"{refusal} Wait ten minutes, or sign in by password.")
        recent.append(self._clock.monotonic())
