"""An idle interface gives way to somebody who waits, on a platform with room for one; see docs/adr/0014."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.avis import notebook
from tests.support.platform import Platform, eventually, platform_to_throw_away

pytestmark = pytest.mark.hub

SETTINGS = """
c.Gavip.bundled_avis = False
c.Gavip.platform_memory_mb = 600
c.Gavip.idle_when_short = 4
c.Gavip.notice_when_short = 10
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform with room for one interface."""
    folder: Path = tmp_path_factory.mktemp("hello")
    (folder / "app.ipynb").write_text(notebook("print('hello', 6 * 7)"))
    with platform_to_throw_away("small", settings=SETTINGS) as platform:
        for version in ("1.0", "1.1"):
            platform.publish(folder, "hello", version=version)
            (folder / "app.ipynb").write_text(notebook("print('hello again', 6 * 7)"))
        yield platform


def own(platform: Platform, user: str) -> dict[str, Any]:
    """Return a user's one server; nothing where there is none."""
    with platform.client(user) as person:
        found = person.get("/servers").json()
    return found[0] if found else {}


def asks_for_one(platform: Platform, user: str) -> str:
    """Open an interface as a page that waits does, which asks again and again."""
    with platform.client(user) as person:
        return str(person.post("/servers", json={"avi": "hello"}).json()["state"])


def is_told(platform: Platform) -> bool:
    asks_for_one(platform, "developer")
    return own(platform, "scientist").get("closes_at") is not None


def test_who_is_idle_is_told_and_closed_and_who_waits_opens(small: Platform) -> None:
    url = small.open_avi("hello", "scientist", version="1.0")
    with small.signed_in("scientist") as browser:
        assert "hello 42" in browser.get(url).text
        assert asks_for_one(small, "developer") == "waiting"
        eventually(lambda: is_told(small), "the idle one is told", seconds=90)
        eventually(lambda: notice_of(browser, url) is not None, "its page is told", seconds=5)
        assert "hello 42" in browser.get(url).text  # it is used: its own program says so at once
        eventually(lambda: own(small, "scientist")["closes_at"] is None, "it may stay", seconds=3)
        eventually(lambda: is_told(small), "it is told anew", seconds=60)
        eventually(lambda: asks_for_one(small, "developer") == "ready", "who waits opens", seconds=90)
        assert own(small, "scientist") == {}
        assert "others were waiting for memory" in browser.get("/services/gavip/servers").text
        leads_back(small, browser, url)


def notice_of(browser: Any, url: str) -> float | None:
    """Return in how many seconds an interface closes, as its own page asks its own server."""
    return browser.get(f"{url}api/notice").json()["closes_in"]


def leads_back(platform: Platform, browser: Any, url: str) -> None:
    """Follow an old address: it opens at a click in the portal, as it was, and by nothing less."""
    gone = browser.get(url)
    assert gone.status_code == 404
    assert "Open it again" in gone.text
    opening = browser.get("/services/gavip/avis/hello/open")
    assert "others were waiting for memory" in opening.text
    assert 'name="version" value="1.0"' in opening.text
    form = {"version": "1.0", "_xsrf": opening.text.partition('name="_xsrf" value="')[2].partition('"')[0]}
    foreign = {"Origin": url.partition("/user/")[0], "Sec-Fetch-Site": "same-site"}
    assert browser.post("/services/gavip/avis/hello/open", data=form, headers=foreign).status_code == 403
    assert own(platform, "scientist") == {}
    platform.close_servers("developer")
    browser.post("/services/gavip/avis/hello/open", data=form)
    assert own(platform, "scientist")["version"] == "1.0"
