"""A command is signed in by a browser elsewhere, through a whole platform."""

import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support.devices import PAGE, say_yes

pytestmark = pytest.mark.hub
COMMAND = str(Path(sys.executable).with_name("gavip"))


@pytest.fixture
def environ(tmp_path, monkeypatch):
    for name in ("CONFIG", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    for name in ("GAVIP_URL", "GAVIP_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_a_command_is_signed_in_with_no_password_typed_on_its_machine(platform, environ):
    login = subprocess.Popen(
        [COMMAND, "login", platform.url, "--device"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=None,
    )
    ending = threading.Timer(120, login.kill)
    ending.start()
    try:
        code = next(line.strip() for line in login.stdout if re.fullmatch(r"\s*[A-Z]{4}-[A-Z]{4}\s*", line))
        with platform.signed_in("scientist") as browser:
            assert "signed in as scientist" in say_yes(browser, code)
            tokens = browser.get("/hub/token").text
        rest = login.stdout.read()
        assert login.wait() == 0, rest
    finally:
        ending.cancel()
        login.stdout.close()
    assert "Signed in to" in rest
    assert "gavip on" in tokens
    assert "gavip-command" not in tokens  # what made it was given back
    listed = subprocess.run([COMMAND, "data", "list"], capture_output=True, text=True, check=False)
    assert (listed.returncode, listed.stderr) == (0, "")


def test_the_commands_token_makes_no_tokens_and_opens_no_notebook(platform):
    with platform.browserless() as http:
        begun = http.post("/services/gavip/api/device", json={"note": "a test"}).json()
        with platform.signed_in("operator") as browser:
            say_yes(browser, begun["user_code"])
        got = http.post("/services/gavip/api/device/token", json={"device_code": begun["device_code"]}).json()
        own = {"Authorization": f"token {got['token']}"}
        scopes = http.get("/hub/api/user", headers=own).json()["scopes"]
        assert http.post("/hub/api/users/operator/tokens", headers=own, json={}).status_code == 403
        assert http.get("/services/gavip/api/me", headers=own).json()["name"] == "operator"
    assert not any(word in scope for scope in scopes for word in ("admin", "tokens", "access:servers"))


def test_a_link_to_the_hubs_own_question_signs_nothing_in(platform):
    with platform.signed_in("scientist") as browser:
        asked = {
            "client_id": "service-gavip-command",
            "response_type": "code",
            "state": "guessed",
            "redirect_uri": f"{platform.url}{PAGE}/callback",
        }
        assert browser.get("/hub/api/oauth2/authorize", params=asked).status_code == 403
        elsewhere = {**asked, "redirect_uri": "http://evil.example/"}
        assert browser.get("/hub/api/oauth2/authorize", params=elsewhere).status_code == 400
