"""A stranger's script on an AVI's page reads nothing that is not the AVI's own.

Each attack leaves a mark that it ran, and the same script succeeds where it runs on the target's own origin: the
one measure that holds it off is that each AVI has an origin to itself.
"""

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.support.browser import Seen, open_browser, person, watch
from tests.support.people import open_avi, sign_in
from tests.support.platform import Platform
from tests.support.published import publish
from tests.support.strangers import script

if TYPE_CHECKING:
    from playwright.async_api import Page, Response

pytestmark = [pytest.mark.hub, pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

USER = "scientist"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stranger(platform: Platform) -> "AsyncIterator[Page]":
    """The page of a stranger's AVI, opened by a person who also has another AVI and a notebook server open.

    The page's own content policy would already refuse every attack; it is off here, so that the origin is what holds.
    """
    publish(platform, "works")
    publish(platform, "stranger")
    async with open_browser() as browser:
        context = await browser.new_context(bypass_csp=True)
        page = await context.new_page()
        await sign_in(page, platform, USER)
        await open_avi(page, platform, "works", USER)
        await page.goto(f"{platform.url}/hub/spawn/{USER}")
        await page.wait_for_url(f"http://{USER}.gavip.localhost:{platform.port}/**", timeout=60_000)
        await open_avi(page, platform, "stranger", USER)
        await page.wait_for_selector("#stranger", timeout=60_000)
        yield page


def targets(platform: Platform) -> dict[str, str]:
    notebook = f"http://{USER}.gavip.localhost:{platform.port}/user/{USER}"
    return {
        "hub api": f"{platform.url}/hub/api/user",
        "hub page": f"{platform.url}/hub/token",
        "portal api": f"{platform.url}/services/gavip/api/me",
        "portal page": f"{platform.url}/services/gavip/jobs",
        "notebook files": f"{notebook}/api/contents",
        "another avi": platform.avi_url("works", USER),
    }


async def on_own_origin(page: "Page", url: str, attack: str, target: str = "") -> dict[str, Any]:
    """The control: the same script, on a page of the target's own origin."""
    beside = await page.context.new_page()
    await beside.goto(url.replace("ws:", "http:"))
    await beside.evaluate(script())
    done = dict(await beside.evaluate(f"window.{attack}({json.dumps(target or url)})"))
    await beside.close()
    return done


async def assert_ran(page: "Page", seen: Seen, url: str) -> None:
    assert url in await page.evaluate("window.tries")
    assert any(asked.startswith(url) for asked in seen.requests)


@pytest.mark.parametrize(
    "name", ["hub api", "hub page", "portal api", "portal page", "notebook files", "another avi"]
)
async def test_fetch_reads_nothing(stranger: "Page", platform: Platform, name: str) -> None:
    url = targets(platform)[name]
    seen = watch(stranger)
    attacked = await stranger.evaluate(f"window.readPage({json.dumps(url)})")
    await assert_ran(stranger, seen, url)
    assert not attacked["read"], attacked
    control = await on_own_origin(stranger, url, "readPage")
    assert control["read"]
    assert control["status"] == 200


@pytest.mark.parametrize("name", ["hub page", "portal page", "another avi"])
async def test_a_frame_shows_nothing(stranger: "Page", platform: Platform, name: str) -> None:
    url = targets(platform)[name]
    attacked = await stranger.evaluate(f"window.readFrame({json.dumps(url)})")
    assert url in await stranger.evaluate("window.tries")
    assert not attacked["read"] or not attacked["text"].strip(), attacked


async def test_another_window_shows_nothing(stranger: "Page", platform: Platform) -> None:
    url = targets(platform)["portal page"]
    attacked = await stranger.evaluate(f"window.readWindow({json.dumps(url)})")
    assert url in await stranger.evaluate("window.tries")
    assert not attacked["read"]
    assert (await on_own_origin(stranger, url, "readWindow"))["read"]


async def test_a_stream_of_events_is_not_read(stranger: "Page", platform: Platform) -> None:
    url = f"{platform.url}/services/gavip/api/events"
    seen = watch(stranger)
    attacked = await stranger.evaluate(f"window.readEvents({json.dumps(url)})")
    await assert_ran(stranger, seen, url)
    assert not attacked["read"]
    assert (await on_own_origin(stranger, targets(platform)["portal page"], "readEvents", url))["read"]


async def test_no_worker_is_set_before_the_portal(stranger: "Page", platform: Platform) -> None:
    """A worker would answer in the portal's place, for as long as the browser keeps it."""
    worker = "files/worker.js"
    for url in (f"{platform.url}/services/gavip/{worker}", platform.avi_url("works", USER) + worker):
        attacked = await stranger.evaluate(f"window.registerWorker({json.dumps(url)})")
        assert url in await stranger.evaluate("window.tries")
        assert "does not match the current origin" in attacked["text"]
    own = platform.avi_url("stranger", USER) + worker
    control = await stranger.evaluate(f"window.registerWorker({json.dumps(own)})")
    assert "behind a redirect" in control["text"]  # it was asked for: to sign in, as a worker is no page


def is_of_a_form(answer: "Response") -> bool:
    return answer.request.method == "POST"


async def test_a_form_submits_no_job(stranger: "Page", platform: Platform) -> None:
    url = f"{platform.url}/services/gavip/avis/works/pipelines/main"
    with platform.client(USER) as client:
        before = client.get("/jobs").json()["items"]
        # It listens before the form is sent: the answer may be there before the next line is.
        async with stranger.context.expect_event("response", is_of_a_form) as coming:
            await stranger.evaluate("url => window.postForm(url, {'p.a': '1'})", url)
        assert (await coming.value).status == 403
        assert client.get("/jobs").json()["items"] == before


async def test_a_blind_request_changes_nothing(stranger: "Page", platform: Platform) -> None:
    """CVE-2026-40864: a request without CORS must not pass as the visitor's own."""
    seen = watch(stranger)
    with platform.hub(USER) as hub:
        before = len(hub.get(f"/users/{USER}/tokens").json()["api_tokens"])
        await stranger.evaluate(
            f"window.sendBlind({json.dumps(f'{platform.url}/hub/api/users/{USER}/tokens')}, '{{}}')"
        )
        after = len(hub.get(f"/users/{USER}/tokens").json()["api_tokens"])
    await assert_ran(stranger, seen, f"{platform.url}/hub/api/users/{USER}/tokens")
    assert after == before


async def test_a_blind_request_submits_no_job(stranger: "Page", platform: Platform) -> None:
    body = json.dumps({"avi": "works", "pipeline": "main"})
    url = f"{platform.url}/services/gavip/api/jobs"
    with platform.client(USER) as client:
        before = client.get("/jobs").json()["items"]
        await stranger.evaluate(f"window.sendBlind({json.dumps(url)}, {json.dumps(body)})")
        assert url in await stranger.evaluate("window.tries")
        assert client.get("/jobs").json()["items"] == before


async def test_the_notebooks_kernel_takes_no_socket_from_a_stranger(
    stranger: "Page", platform: Platform
) -> None:
    base = f"{USER}.gavip.localhost:{platform.port}/user/{USER}"
    url = f"ws://{base}/api/events/subscribe"
    attacked = await stranger.evaluate(f"window.openSocket({json.dumps(url)})")
    assert url in await stranger.evaluate("window.tries")
    assert not attacked["read"]
    assert (await on_own_origin(stranger, url, "openSocket"))["read"]


async def test_the_strangers_source_is_not_served(stranger: "Page", platform: Platform) -> None:
    base = platform.avi_url("stranger", USER)
    for path in (
        "api/contents",
        "api/kernels",
        "api/terminals",
        "files/app.ipynb",
        "voila/files/app.ipynb",
        "api/sessions",
    ):
        answer = await stranger.evaluate(f"window.readPage({json.dumps(base + path)})")
        assert not answer["read"] or answer["status"] in {403, 404, 405}, (path, answer)
        assert "stranger's script" not in answer["text"]


async def test_the_pages_own_policy_refuses_every_other_host(stranger: "Page", platform: Platform) -> None:
    async with person(stranger.context.browser) as somebody:
        page = await somebody.new_page()
        await sign_in(page, platform, USER)
        await open_avi(page, platform, "stranger", USER)
        await page.wait_for_selector("#stranger", timeout=60_000)
        seen = watch(page)
        attacked = await page.evaluate(f"window.readPage({json.dumps(targets(platform)['portal api'])})")
    assert not attacked["read"]
    assert any("Content Security Policy" in error for error in seen.errors)
