"""A stranger's script that sets cookies for the whole domain gains nothing, and locks nobody out.

The mark of each attack: the browser would send what the script set to the platform's own host. The control is a
platform whose cookies are not bound to their host; a form is also sent from the Hub's own page.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio

from tests.support.browser import open_browser
from tests.support.platform import Platform, platform_to_throw_away
from tests.support.published import publish
from tests.support.strangers import script, visited

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.hub,
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.asyncio(loop_scope="module"),
]

VICTIM = "scientist"
ATTACKER = "developer"
DOMAIN = "gavip.localhost"
PATHS = ("/", "/hub", "/hub/login", "/hub/api", "/services", "/services/gavip", f"/user/{VICTIM}/works")
LOOSE = 'c.Gavip.host_cookies = "off"\nc.Gavip.bundled_avis = False\nc.Gavip.sandbox = "off"'


@dataclass(frozen=True)
class Attack:
    """A stranger's page on a platform, and what its visitor's browser held before."""

    platform: Platform
    page: "Page"
    held: list[Any]

    async def begin(self, *, without: str = "") -> None:
        """Give the browser the cookies of before, except those whose name holds a word."""
        await self.page.context.clear_cookies()
        kept = [cookie for cookie in self.held if not without or without not in cookie["name"]]
        await self.page.context.add_cookies(kept)

    async def toss(self, cookies: dict[str, str]) -> None:
        """Let the stranger's script set these for the whole domain, under both of their names."""
        written = [
            f"{prefix}{name}={value}; domain={DOMAIN}; path={path}"
            for name, value in cookies.items()
            for prefix in ("", "__Host-")
            for path in PATHS
        ]
        await self.page.evaluate("cookies => window.setCookies(cookies)", written)
        sent = await self.page.context.cookies(f"{self.platform.url}/hub/login")
        assert set(cookies.items()) <= {(cookie["name"], cookie["value"]) for cookie in sent}

    async def status(self, url: str) -> int:
        """Open an address in a tab of its own."""
        tab = await self.page.context.new_page()
        answer = await tab.goto(url)
        await tab.close()
        assert answer is not None
        return answer.status

    async def portal_user(self) -> str | None:
        """Return whom the portal takes the visitor for, after they opened it."""
        tab = await self.page.context.new_page()
        await tab.goto(f"{self.platform.url}/services/gavip/")
        who = await tab.evaluate("() => fetch('/services/gavip/api/me').then(answer => answer.json())")
        await tab.close()
        return str(who["name"]) if "name" in who else None


@pytest.fixture(scope="module")
def loose() -> Iterator[Platform]:
    """The control."""
    with platform_to_throw_away("loose", settings=LOOSE) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def attack(request: pytest.FixtureRequest) -> AsyncIterator[Attack]:
    """Begin on the platform as it is, or on the control."""
    platform: Platform = request.getfixturevalue(request.param)
    publish(platform, "works")
    publish(platform, "stranger")
    async with open_browser() as browser, visited(browser, platform, VICTIM, others=("works",)) as page:
        yield Attack(platform, page, await page.context.cookies())


GUARDED = pytest.mark.parametrize("attack", ["platform"], indirect=True)


def both(*shown: str | None) -> pytest.MarkDecorator:
    """Run a test on the platform and on the control, with whom each shows after the attack."""
    cases = list(zip(["platform", "loose"], shown, strict=True))
    return pytest.mark.parametrize(("attack", "shown"), cases, indirect=["attack"])


def bare(name: str) -> str:
    return name.removeprefix("__Host-")


def held_by(client: httpx.Client, word: str) -> dict[str, str]:
    """Return the attacker's own cookies whose name holds a word."""
    return {bare(one.name): one.value or "" for one in client.cookies.jar if word in one.name}


@both(VICTIM, ATTACKER)
async def test_the_attackers_sign_in_at_the_hub(attack: Attack, shown: str) -> None:
    with attack.platform.signed_in(ATTACKER) as browser:
        theirs = held_by(browser, "hub-login")
    await attack.begin(without="service-gavip")
    await attack.toss(theirs)
    assert await attack.portal_user() == shown


@both(VICTIM, ATTACKER)
async def test_the_attackers_session_at_the_portal(attack: Attack, shown: str) -> None:
    with attack.platform.signed_in(ATTACKER) as browser:
        browser.get("/services/gavip/").raise_for_status()
        theirs = held_by(browser, "service-gavip")
    await attack.begin(without="service-gavip")
    await attack.toss(theirs)
    assert await attack.portal_user() == shown


def begun_sign_in(platform: Platform) -> tuple[str, dict[str, str]]:
    """Begin a sign-in at the portal as the attacker; return its last address, not yet visited, and its cookies."""
    with platform.signed_in(ATTACKER) as browser:
        for name in [cookie.name for cookie in browser.cookies.jar if "service-gavip" in cookie.name]:
            browser.cookies.delete(name)
        answer = browser.get("/services/gavip/", follow_redirects=False)
        while "/oauth_callback" not in (place := answer.headers["location"]):
            answer = browser.get(place, follow_redirects=False)
        states = held_by(browser, "oauth-state")
    assert parse_qs(urlsplit(place).query)["code"]
    return str(httpx.URL(platform.url).join(place)), states


@both(VICTIM, ATTACKER)
async def test_a_sign_in_that_the_attacker_began(attack: Attack, shown: str) -> None:
    callback, states = begun_sign_in(attack.platform)
    await attack.begin()
    await attack.toss(states)
    await attack.status(callback)
    assert await attack.portal_user() == shown


@both(VICTIM, None)
async def test_two_sessions_at_once_lock_nobody_out(attack: Attack, shown: str | None) -> None:
    with attack.platform.signed_in(ATTACKER) as browser:
        browser.get("/services/gavip/").raise_for_status()
        theirs = held_by(browser, "service-gavip")
    await attack.begin()
    await attack.toss(theirs)
    assert await attack.portal_user() == shown


@GUARDED
async def test_junk_locks_nobody_out(attack: Attack) -> None:
    names = {bare(cookie["name"]) for cookie in attack.held} | {"jupyterhub-session-id"}
    await attack.begin()
    await attack.toss(dict.fromkeys(names, 'ju"nk'))
    assert await attack.portal_user() == VICTIM
    assert await attack.status(attack.platform.avi_url("works", VICTIM)) == 200
    assert await attack.status(f"{attack.platform.url}/hub/home") == 200


@GUARDED
async def test_as_many_cookies_as_a_browser_keeps_lock_nobody_out(attack: Attack) -> None:
    await attack.begin()
    bomb = [f"b{number}={'x' * 4000}; domain={DOMAIN}; path=/" for number in range(120)]
    await attack.page.evaluate("cookies => window.setCookies(cookies)", bomb)
    sent = await attack.page.context.cookies(f"{attack.platform.url}/hub/home")
    assert sum(len(cookie["value"]) for cookie in sent) > 400_000
    assert await attack.portal_user() == VICTIM
    assert await attack.status(attack.platform.avi_url("works", VICTIM)) == 200
    assert await attack.status(f"{attack.platform.url}/hub/home") == 200


async def form_of(attack: Attack) -> tuple[dict[str, str], dict[str, str]]:
    """Return the attacker's name and password with the token of a form that they fetched, and the cookie to that."""
    agent = await attack.page.evaluate("() => navigator.userAgent")
    with attack.platform.browserless(headers={"User-Agent": agent}) as browser:
        browser.get("/hub/login").raise_for_status()
        token = held_by(browser, "_xsrf")
    password = attack.platform.password(ATTACKER)
    return {"username": ATTACKER, "password": password, **token}, token


async def submitted(page: "Page", fields: dict[str, str], url: str) -> int:
    """Let a page send a form as its script would; return the answer's status."""
    async with page.context.expect_event(
        "response", lambda answer: answer.request.method == "POST"
    ) as coming:
        await page.evaluate("([url, fields]) => window.postForm(url, fields)", [url, fields])
    return int((await coming.value).status)


@GUARDED
@pytest.mark.parametrize(("own_page", "shown"), [(False, None), (True, ATTACKER)])
async def test_a_sign_in_form_that_the_stranger_sends(
    attack: Attack, own_page: bool, shown: str | None
) -> None:
    fields, token = await form_of(attack)
    url = f"{attack.platform.url}/hub/login"
    await attack.page.context.clear_cookies()
    tab = await attack.page.context.new_page()
    await tab.goto(url)
    await tab.evaluate(script())
    await attack.toss(token)
    status = await submitted(tab if own_page else attack.page, fields, url)
    assert (status < 400) == own_page
    assert await attack.portal_user() == shown
    await tab.close()
