"""Where tokens are kept, and how a command without a browser gets one."""

import stat
import sys
from pathlib import Path
from types import ModuleType

import pytest

from avi_kernel.cli import device_login, settings
from avi_kernel.cli.settings import Platform
from tests.support.small_api import SmallApi, small_api
from tests.support.star_api import STAR_HANDLERS

URL = "http://gavip.localhost:9"
SIGNED_IN = Platform(url=URL, token="secret", user="ann")


class Keyring:
    """The system's, or one that keeps nothing well."""

    def __init__(self, *, priority: float = 5, broken: bool = False) -> None:
        self.priority = priority
        self.broken = broken
        self.kept: dict[tuple[str, str], str] = {}

    def set_password(self, service: str, user: str, password: str) -> None:
        if self.broken:
            raise RuntimeError("it is locked")
        self.kept[service, user] = password

    def get_password(self, service: str, user: str) -> str | None:
        if self.broken:
            raise RuntimeError("it is locked")
        return self.kept.get((service, user))

    def delete_password(self, service: str, user: str) -> None:
        del self.kept[service, user]


@pytest.fixture
def installed(home, monkeypatch):
    """Install a keyring."""

    def install(backend: Keyring) -> Keyring:
        module = ModuleType("keyring")
        module.get_keyring = lambda: backend
        monkeypatch.setitem(sys.modules, "keyring", module)
        return backend

    return install


def test_a_keyring_keeps_the_token_and_the_file_does_not(installed):
    backend = installed(Keyring())
    assert settings.remember(SIGNED_IN)
    assert "secret" not in Path(settings.config_file()).read_text()
    assert settings.current(URL) == SIGNED_IN
    assert settings.current("http://elsewhere.example").token is None
    settings.forget(URL)
    assert backend.kept == {}
    assert settings.current(URL).token is None


@pytest.mark.parametrize("backend", [Keyring(priority=0), Keyring(priority=0.5), Keyring(broken=True)])
def test_one_that_is_none_or_closed_leaves_it_to_the_file(installed, backend):
    installed(backend)
    assert not settings.remember(SIGNED_IN)
    assert stat.S_IMODE(Path(settings.config_file()).stat().st_mode) == 0o600
    assert settings.current(URL) == SIGNED_IN


def test_without_the_package_the_file_keeps_it(home, monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert not settings.remember(SIGNED_IN)
    assert settings.current(URL) == SIGNED_IN


def test_a_keyring_that_is_gone_is_as_being_signed_out(installed, monkeypatch):
    installed(Keyring())
    settings.remember(SIGNED_IN)
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert settings.current(URL).token is None
    assert settings.current(URL).user == "ann"


def test_help_opens_no_keyring(installed, types):
    backend = installed(Keyring())
    settings.remember(SIGNED_IN)
    backend.broken = True
    backend.get_password = lambda *_: pytest.fail("it was asked")
    assert types("--help").exit_code == 0


@pytest.fixture
def platform(home, monkeypatch):
    """A platform that has begun to sign a command in; time passes at once."""
    waits: list[float] = []
    monkeypatch.setattr(device_login.time, "sleep", waits.append)
    with small_api(STAR_HANDLERS) as api:
        api.waits = waits
        api.answers = {
            "POST /device": {
                "device_code": "d" * 43,
                "user_code": "BCDF-GHJK",
                "verification_uri": "http://portal.example/device",
                "expires_in": 600,
                "interval": 5,
            },
            "GET /me": {"name": "ann"},
        }
        yield api


def answers(api: SmallApi, *codes: str) -> None:
    """Refuse the token with these codes, then give it."""
    left = [*codes]

    def next_answer():
        if left:
            return 400, {"error": left.pop(0), "message": "It is so."}
        return 200, {"user": "ann", "token": "of the device"}

    api.answers["POST /device/token"] = next_answer


def test_a_command_is_signed_in_by_a_browser_elsewhere(types, platform):
    answers(platform, "authorization_pending", "authorization_pending")
    ran = types("login", platform.url, "--device")
    assert ran.exit_code == 0, ran.output
    assert "http://portal.example/device" in ran.stdout
    assert "BCDF-GHJK" in ran.stdout
    assert "d" * 43 not in ran.output
    assert "of the device" not in ran.output
    assert "Signed in" in ran.stdout
    assert platform.waits == [5, 5, 5]
    assert settings.current(platform.url).token == "of the device"


def test_it_asks_more_slowly_when_told(types, platform):
    answers(platform, "slow_down", "authorization_pending")
    types("login", platform.url, "--device")
    assert platform.waits == [5, 10, 10]


@pytest.mark.parametrize(
    ("code", "words"), [("access_denied", "You refused it"), ("expired_token", "login --device again")]
)
def test_a_refusal_ends_it(types, platform, code, words):
    answers(platform, code)
    ran = types("login", platform.url, "--device")
    assert (ran.exit_code, words in ran.stderr) == (3, True)
    assert settings.current(platform.url).token is None


def test_it_does_not_wait_for_ever(types, platform):
    platform.answers["POST /device"]["expires_in"] = 10**9
    answers(platform, *["authorization_pending"] * 1000)
    ran = types("login", platform.url, "--device")
    assert (ran.exit_code, "Nobody allowed it" in ran.stderr) == (3, True)
    assert sum(platform.waits) == 1800


def test_an_older_platform_is_told_and_the_other_ways_named(types, platform):
    platform.answers = {}
    ran = types("login", platform.url, "--device")
    assert ran.exit_code == 3
    assert "--token" in ran.stderr


@pytest.mark.parametrize("code", ["\x1b[2J", "x" * 99, "", "a b"])
def test_what_a_terminal_would_obey_is_not_shown(types, platform, code):
    platform.answers["POST /device"]["user_code"] = code
    assert types("login", platform.url, "--device").exit_code == 6


def test_device_goes_with_no_other_way(types, platform):
    assert types("login", platform.url, "--device", "--token", "x").exit_code == 2
