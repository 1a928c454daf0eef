"""The main job, done by a person in a browser."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import COLOURS, PATIENCE_MS
from tests.support.published import submit

pytestmark = [pytest.mark.browser, pytest.mark.hub, pytest.mark.timeout(300)]

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


async def test_a_job_from_the_form_moves_as_one_watches_and_shows_its_results(scientist):
    page = scientist.page
    await page.get_by_role("link", name="Hertzsprung").click()
    await page.get_by_label("Radius").fill("3")
    await expect(page.locator("[data-proposal]")).to_contain_text("365 MB")
    await page.get_by_role("button", name="Run as a job").click()
    fractions = set()
    bar = page.locator("#job-status progress")
    finished = page.locator("#job-status .phase-COMPLETED")
    while not await finished.count():
        await bar.or_(finished).first.wait_for()
        fractions |= {await value.get_attribute("value") for value in await bar.element_handles()}
        await page.wait_for_timeout(100)
    assert len(fractions) > 2, "the progress did not move"
    picture = page.locator(".result img")
    await picture.scroll_into_view_if_needed()
    await picture.evaluate("image => image.decode()")
    assert await picture.evaluate(COLOURS) > 20, "the diagram is an empty frame"
    await expect(page.locator(".result table tbody tr").first).to_be_visible()
    await page.get_by_text("Show the notebook").click()
    notebook = page.frame_locator("iframe")
    await expect(notebook.get_by_role("heading", name="Hertzsprung").first).to_be_visible()
    await expect(notebook.locator("img").first).to_be_visible()
    await expect(page.locator("[data-log-state]")).to_have_text("Complete")
    assert scientist.seen.errors == []
    assert scientist.seen.hosts() == {scientist.platform.url.removeprefix("http://")}


AS_IF_MANY_RAN = """addEventListener("readystatechange", () => {
    for (const place of document.querySelectorAll("[data-proposal='']")) {
        [place.dataset.proposal, place.textContent] = ["later", "Past runs tell."];
        place.closest("form").elements.memory_mb.placeholder = "";
    }
}, {once: true, capture: true});"""
"""Changes the page before its own scripts run, to what the service sends where many runs are to be learned from."""


async def test_a_proposal_that_takes_a_moment_is_asked_for_once_the_page_is_shown(scientist):
    await scientist.page.add_init_script(AS_IF_MANY_RAN)
    await scientist.go("avis/hr-diagram")
    await expect(scientist.page.locator("[data-proposal=later]")).to_contain_text("MB")
    await expect(scientist.page.get_by_label("Memory", exact=True)).to_have_attribute(
        "placeholder", re.compile(r"\d")
    )


TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


async def test_a_press_is_not_lost_where_the_form_grows_meanwhile(scientist):
    page = scientist.page
    await page.route(
        "**/memory?*", lambda route: route.fulfill(body="Past runs tell. " * 90, content_type="text/plain")
    )
    await scientist.go("avis/hr-diagram")
    run = page.get_by_role("button", name="Run as a job")
    async with page.expect_response("**/memory?*"):
        await page.get_by_label("Radius").fill("3.25")
        await run.hover()
        await page.mouse.down()
    await page.evaluate(TWO_FRAMES)
    await page.mouse.up()
    await page.wait_for_url("**/jobs/**")


async def test_a_press_is_not_lost_where_its_part_of_the_page_is_another_meanwhile(scientist, avis):
    page = scientist.page
    with scientist.platform.client("scientist") as client:
        wanted = submit(client, "works", parameters={"b": 71})
        await scientist.go("jobs")
        await page.locator(f"[data-live] a[href$='/jobs/{wanted}']").first.hover()
        async with page.expect_response(lambda answer: answer.url.endswith("/services/gavip/jobs")):
            await page.mouse.down()
            submit(client, "works", parameters={"b": 72})
    await page.evaluate(TWO_FRAMES)
    await page.mouse.up()
    await page.wait_for_url(f"**/jobs/{wanted}")


async def test_an_interface_opens_at_an_origin_of_its_own(scientist):
    page, platform = scientist.page, scientist.platform
    platform.close_servers("scientist")  # another test may have left it open
    await scientist.go("avis/hr-diagram")
    await page.get_by_role("button", name="Open interface").click()
    await page.wait_for_url(platform.avi_url("hr-diagram", "scientist") + "**", timeout=90_000)
    await expect(page.get_by_role("button").first).to_be_visible(timeout=90_000)
    address = page.url
    await scientist.go("servers")
    await expect(page.locator("#servers")).to_contain_text(re.compile("Hertzsprung.Russell diagram"))
    await page.get_by_role("button", name="Close").click()
    await expect(page.get_by_role("heading", name="Nothing is open")).to_be_visible()
    await page.goto(address)
    await expect(page.get_by_role("heading", name="This interface is closed")).to_be_visible()
    await page.get_by_role("link", name="Open it again").click()
    await expect(page.get_by_role("heading", name="is not open")).to_be_visible()


async def test_a_job_is_cancelled_after_a_question(scientist, avis):
    await scientist.submit("sleeps", seconds="600")
    await scientist.phase("Running")
    await scientist.page.get_by_role("button", name="Cancel this job").click()
    dialog = scientist.page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Keep it").click()
    await expect(dialog).to_have_count(0)
    await scientist.phase("Running")
    await scientist.page.get_by_role("button", name="Cancel this job").click()
    await dialog.get_by_role("button", name="Cancel this job").click()
    await scientist.phase("Cancelled")


async def test_a_job_runs_again_with_another_value(scientist, avis):
    first = await scientist.submit("works", a="7", b="1")
    await scientist.phase("Completed")
    await scientist.page.get_by_role("link", name="Run again with changes").click()
    field = scientist.page.locator("[name='p.a']")
    await expect(field).to_have_value("7")
    await field.fill("8")
    await scientist.page.get_by_role("button", name="Run as a job").click()
    await expect(scientist.page.locator(".lead")).to_contain_text(f"again of {first}")
    await scientist.phase("Completed")
    await scientist.page.locator("[data-preview]").first.wait_for()
    await expect(scientist.page.locator("[data-preview]").first).to_contain_text("9")


async def test_a_wrong_value_is_told_at_its_field_and_kept(scientist, avis):
    page = scientist.page
    await scientist.go("avis/works/pipelines/main")
    await page.locator("[name='p.a']").fill("four")
    await page.locator("[name='p.b']").fill("2")
    await page.get_by_role("button", name="Run as a job").click()
    wrong = page.locator("[name='p.a']")
    await expect(wrong).to_have_attribute("aria-invalid", "true")
    await expect(wrong).to_have_value("four")
    summary = page.get_by_role("alert")
    await expect(summary).to_be_focused()
    await expect(summary).to_contain_text("Not sent: 1 value needs a look.")
    await summary.get_by_role("link").click()
    await expect(wrong).to_be_focused()
    await expect(page.locator("[name='p.b']")).to_have_value("2")
    await expect(page.locator(".problem")).to_contain_text("got 'four'")


async def test_a_failed_job_shows_the_cell_and_what_to_do(scientist, avis):
    await scientist.submit("raises")
    await scientist.phase("Failed")
    status = scientist.page.locator("#job-status")
    await expect(status.get_by_role("heading", name=re.compile("The cell that failed"))).to_be_visible()
    await status.locator("summary").click()
    await expect(status.locator("details pre")).to_contain_text("ValueError")


async def test_another_users_job_is_not_there(scientist, avis, browser, visits):
    job = await scientist.submit("works")
    async with visits.of(browser, "developer") as other:
        assert await other.go(f"jobs/{job}") == 404
        await expect(other.page.get_by_role("heading", name="There is no such page")).to_be_visible()
    assert await scientist.go(f"jobs/{job}") == 200


async def test_a_form_that_no_page_of_ours_made_is_refused(scientist, avis):
    page = scientist.page
    await scientist.go("avis/works/pipelines/main")
    await page.locator("main [name='_xsrf']").evaluate("field => { field.value = 'forged' }")
    await page.get_by_role("button", name="Run as a job").click()
    await expect(page.get_by_role("heading", name="This is not allowed")).to_be_visible()


async def test_all_of_it_can_be_done_with_keys_alone(scientist, avis):
    page = scientist.page
    await reach(page, "Adds two numbers")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/avis/*works")  # another test may have published its like
    await reach(page, "Run as a job")
    await page.keyboard.press("Enter")
    await scientist.insist()
    await page.wait_for_url("**/jobs/*")
    await scientist.phase("Completed")
    await reach(page, "Details")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/results/*")
    await expect(page.locator("dl.facts.wide dt", has_text="SHA-256")).to_be_visible()
    await page.go_back()
    await reach(page, "Run again with changes")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**again=*")


async def reach(page, name):
    """Press Tab until what has this name is focused, which must show."""
    for _ in range(80):
        await page.keyboard.press("Tab")
        if (await page.evaluate("document.activeElement.textContent.trim()")) == name:
            assert await page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            return
    pytest.fail(f"the keyboard does not reach {name!r}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_fits_a_phone(visits, browser, avis, scheme):
    async with visits.of(browser, "scientist", color_scheme=scheme, **PHONE) as person:
        job = await person.submit("works")
        await person.phase("Completed")
        for path in (
            "",
            "avis/hr-diagram",
            "avis/works/pipelines/main",
            "jobs",
            f"jobs/{job}",
            "servers",
            "nowhere",
        ):
            await person.go(path)
            width = await person.page.evaluate("document.documentElement.scrollWidth")
            assert width <= 390, path
            await expect(person.page.get_by_role("navigation", name="Portal")).to_be_visible()


async def test_the_operators_pages_fit_a_phone_with_all_their_entries(visits, browser, avis):
    async with visits.of(browser, "operator", **PHONE) as person:
        for path in ("projects", "platform"):
            await person.go(path)
            assert await person.page.evaluate("document.documentElement.scrollWidth") <= 390, path


async def test_everything_can_be_read_and_sent_without_javascript(visits, browser, avis):
    async with visits.of(browser, "scientist", java_script_enabled=False) as person:
        await person.submit("works", a="3", b="4")
        await expect(person.page.locator(".phase-COMPLETED")).to_be_visible(timeout=PATIENCE_MS)
        await person.page.get_by_role("link", name="Show the beginning").click()
        await expect(person.page.locator("[data-preview]")).to_contain_text("7")


async def test_tabs_share_one_stream_of_events(scientist, avis):
    job = await scientist.submit("works")
    context = scientist.page.context
    asked = []
    context.on("request", lambda request: asked.append(request.url) if "api/events" in request.url else None)
    others = [await context.new_page() for _ in range(3)]
    for tab in others:
        await tab.goto(f"{scientist.platform.url}/services/gavip/jobs")
    second = await scientist.submit("works")
    for tab in others:
        await expect(tab.locator(f"[data-job='{second}'] .phase-COMPLETED")).to_be_visible(timeout=15_000)
    # The first tab's own stream ended with its page; exactly one other took over at a time.
    assert len(asked) <= 2
    assert job != second


async def test_a_chosen_theme_is_kept(scientist):
    page = scientist.page
    await page.get_by_role("button", name="Theme: as the system").click()
    dark = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    await scientist.go("jobs")
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    assert await page.locator("html").get_attribute("data-theme") == "dark"
    await page.get_by_role("button", name="Theme: dark").click()
    await page.get_by_role("button", name="Theme: light").click()
    await expect(page.get_by_role("button", name="Theme: as the system")).to_be_visible()


async def test_a_time_tells_that_of_the_readers_own_zone_to_who_points_at_it(scientist):
    await scientist.go("avis/hr-diagram")
    time = scientist.page.locator("time[datetime]").first
    own = await time.evaluate(
        "time => new Date(time.dateTime).toLocaleString(undefined, {dateStyle: 'medium', timeStyle: 'long'})"
    )
    await expect(time).to_have_attribute("title", own)


async def test_signing_out_ends_the_session(visits, browser):
    async with visits.of(browser, "operator", anew=True) as operator:
        await operator.page.get_by_role("button", name="Sign out").click()
        signed_out = operator.page.get_by_role("heading", name=re.compile("Sign in|signed out"))
        await expect(signed_out).to_be_visible()
        await operator.go("jobs")
        await expect(operator.page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_a_wrong_password_is_told_and_the_name_kept(platform, browser):
    page = await browser.new_page()
    await page.goto(platform.url)
    await page.get_by_label("User name").fill("scientist")
    await page.get_by_label("Password", exact=True).fill("not it")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("Invalid username or password")
    await expect(page.get_by_label("User name")).to_have_value("scientist")
    await page.close()
