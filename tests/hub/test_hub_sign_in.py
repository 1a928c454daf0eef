"""Who signs in, and what the service then knows of them."""

import time

import httpx
import pytest

from tests.support.platform import Platform, eventually

pytestmark = pytest.mark.hub


def log_in(browser: httpx.Client, user: str, password: str) -> httpx.Response:
    browser.get("/hub/login")
    form = {"username": user, "password": password, "_xsrf": browser.cookies.get("_xsrf", path="/hub/")}
    return browser.post("/hub/login", data=form)


def test_the_right_password_leads_to_the_portal(platform: Platform) -> None:
    with platform.signed_in("scientist") as browser:
        page = browser.get("/")
    assert str(page.url) == f"{platform.url}/services/gavip/"
    assert page.status_code == 200


@pytest.mark.parametrize("user", ["scientist", "nobody", "hello--scientist", ""])
def test_a_wrong_password_or_name_does_not(platform: Platform, user: str) -> None:
    with platform.browserless() as browser:
        assert log_in(browser, user, "a-password-of-my-own").status_code in (400, 403)
        assert browser.get("/hub/home").status_code == 302


def test_one_users_password_is_not_anothers(platform: Platform) -> None:
    with platform.browserless() as browser:
        assert log_in(browser, "operator", platform.password("scientist")).status_code == 403


@pytest.mark.parametrize("user", ["operator", "developer", "scientist"])
def test_the_service_sees_who_asks_and_their_roles(platform: Platform, user: str) -> None:
    with platform.client(user) as person:
        profile = person.get("/me").json()
    assert profile["name"] == user
    assert platform.users[user] in profile["roles"]
    assert profile["avi"] is None


def test_only_the_operator_administers(platform: Platform) -> None:
    with platform.client("operator") as operator, platform.client("scientist") as scientist:
        assert "custom:gavip:admin:platform" in operator.get("/me").json()["scopes"]
        assert "custom:gavip:admin:platform" not in scientist.get("/me").json()["scopes"]


def test_the_portals_browser_token_starts_servers_but_cannot_make_tokens(platform: Platform) -> None:
    with platform.signed_in("scientist") as browser:
        browser.get("/services/gavip/")
        me = browser.get("/services/gavip/api/me").json()
    assert me["name"] == "scientist"
    assert {"custom:gavip:submit:jobs", "custom:gavip:open:servers"} <= set(me["scopes"])


def test_the_services_own_token_reads_no_files_and_starts_nothing(platform: Platform) -> None:
    token = (platform.root / "secrets" / "service.token").read_text()
    with platform.browserless(headers={"Authorization": f"token {token}"}) as service:
        assert service.get("/hub/api/users?include_stopped_servers=1").status_code == 200
        options = {"user_options": {"release": "hello/1.0"}}
        assert service.post("/hub/api/users/scientist/servers/hello", json=options).status_code in (403, 404)
        assert service.post("/hub/api/users/scientist/tokens", json={}).status_code in (403, 404)


def test_the_hub_answers_on_no_host_but_its_own(platform: Platform) -> None:
    for host in ("hello--scientist.gavip.localhost", "scientist.gavip.localhost", "127.0.0.1"):
        with httpx.Client(base_url=f"http://127.0.0.1:{platform.port}") as browser:
            headers = {"Host": f"{host}:{platform.port}"}
            assert browser.get("/hub/login", headers=headers).status_code == 404
            assert browser.get("/hub/api/", headers=headers).status_code == 404
            assert browser.get("/services/gavip/", headers=headers).status_code == 404


def foreign_form_token(platform: Platform) -> str:
    """Return a token of the sign-in form that the Hub signed for another browser."""
    with platform.browserless(headers={"User-Agent": "a stranger's"}) as stranger:
        stranger.get("/hub/login")
        return str(stranger.cookies["_xsrf"])


@pytest.mark.parametrize(("past_the_proxy", "signed_in"), [(False, True), (True, False)])
def test_a_form_token_set_for_the_whole_domain_locks_nobody_out(
    platform: Platform, past_the_proxy: bool, signed_in: bool
) -> None:
    """Past the proxy is the control: there nothing removes it."""
    assert platform.config.ports is not None
    port = platform.config.ports.hub if past_the_proxy else platform.port
    with platform.browserless(headers={"Sec-Fetch-Mode": "navigate"}) as browser:
        browser.base_url = f"http://gavip.localhost:{port}"
        browser.cookies.set("_xsrf", foreign_form_token(platform), ".gavip.localhost", "/hub/login")
        page = browser.get("/hub/login")
        token = page.text.split('name="_xsrf" value="')[1].split('"')[0]
        form = {"username": "scientist", "password": platform.password("scientist"), "_xsrf": token}
        fetched = int(time.time())
        eventually(lambda: time.time() >= fetched + 1, "a token made anew would differ: it tells the second")
        browser.post("/hub/login", data=form)
        assert (browser.get("/hub/home").status_code == 200) == signed_in


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://stranger--scientist.gavip.localhost"},
        {"Origin": "null"},
    ],
)
def test_a_sign_in_that_another_page_sent_is_refused(platform: Platform, headers: dict[str, str]) -> None:
    with platform.browserless(headers=headers) as browser:
        assert log_in(browser, "scientist", platform.password("scientist")).status_code == 403
        assert browser.get("/hub/home").status_code == 302


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "same-origin", "Origin": "null"}])
def test_a_sign_in_that_our_own_page_sent_is_not(platform: Platform, headers: dict[str, str]) -> None:
    with platform.browserless(headers=headers) as browser:
        assert log_in(browser, "scientist", platform.password("scientist")).status_code == 302
