"""Deprecated and withdrawn releases, from the running service: by the API and on the pages."""

from html import unescape

import pytest

from tests.support.service import pages_of, until

WHY = "Its distances are wrong."
JOB = {"avi": "stars", "pipeline": "count", "parameters": {"radius": 2}}


@pytest.fixture
async def dora(service):
    async with service.client("dora-token") as client:
        yield client


@pytest.fixture
async def ann(service):
    service.publish()
    async with service.client("ann-token") as client:
        yield client


async def withdraw(client, version="1.0", standing="withdrawn"):
    return await client.post(f"/avis/stars/releases/{version}", json={"standing": standing, "reason": WHY})


async def test_a_withdrawn_release_takes_no_job_and_says_why(ann, dora):
    done = (await ann.post("/jobs", json=JOB)).json()["id"]
    pending = (await ann.post("/jobs", json={**JOB, "start": False})).json()["id"]
    assert (await withdraw(dora)).json()["standing"] == "withdrawn"
    for answer in (
        await ann.post("/jobs", json=JOB),
        await ann.post("/jobs", json={**JOB, "version": "1.0", "again_of": done}),
        await ann.post(f"/jobs/{pending}/start"),
        await ann.post("/servers", json={"avi": "stars", "version": "1.0"}),
    ):
        assert (answer.status_code, answer.json()["error"]) == (410, "withdrawn")
        assert (
            "withdrawn by its authors: Its distances are wrong. No other version" in answer.json()["message"]
        )


async def test_a_job_of_it_goes_on_and_keeps_its_page(service, ann, dora):
    job = (await ann.post("/jobs", json=JOB)).json()["id"]
    await withdraw(dora)

    async def runs():
        return (await ann.get(f"/jobs/{job}")).json()["phase"] == "EXECUTING"

    await until(runs)
    async with pages_of(service, "ann-token") as pages:
        page = await pages.get(f"/jobs/{job}")
        assert (page.status_code, "deg" in page.text) == (200, True)
        again = await pages.get("/avis/stars/pipelines/count", params={"again": job})
    assert again.status_code == 410
    assert "was withdrawn by its authors" in unescape(again.text)


async def test_the_address_of_a_withdrawn_release_says_what_to_use_instead(service, ann, dora):
    service.publish(version="2.0")
    await withdraw(dora, "2.0")
    async with pages_of(service, "ann-token") as pages:
        page = await pages.get("/avis/stars?version=2.0")
        assert page.status_code == 410
        assert "Its distances are wrong. Use version 1.0." in unescape(page.text)
        assert "/services/gavip/avis/stars?version=1.0" in page.text
        assert "2.0" not in (await pages.get("/avis/stars")).text
    shown = (await ann.get("/avis/stars/releases/2.0")).json()
    assert (shown["standing"], shown["standing_reason"]) == ("withdrawn", WHY)


async def test_a_deprecated_release_says_so_wherever_it_is_shown(service, ann, dora):
    await withdraw(dora, standing="deprecated")
    async with pages_of(service, "ann-token") as pages:
        assert f"Deprecated: {WHY}" in (await pages.get("/")).text
        assert "is deprecated.</strong> Its distances are wrong." in (await pages.get("/avis/stars")).text
    assert (await ann.get("/avis/stars")).json()["standing_reason"] == WHY
    assert (await ann.post("/jobs", json=JOB)).status_code == 201


async def test_a_project_withdraws_by_its_page_once_that_is_confirmed(service, ann, portal):
    form = {"version": "1.0", "standing": "withdrawn", "reason": WHY}
    refused = await portal.post("/projects/stars/standing", data=form)
    assert (refused.status_code, "Tick that nobody opens it" in refused.text) == (400, True)
    assert (await portal.post("/projects/stars/standing", data={**form, "sure": "yes"})).status_code == 303
    page = (await portal.get("/projects/stars")).text
    assert f"<strong>Withdrawn:</strong> {WHY}" in page
    assert "Offer 1.0 again" in page
    await portal.post("/projects/stars/standing", data={"version": "1.0", "standing": "offered"})
    assert (await ann.get("/avis/stars")).json()["standing"] == "offered"


@pytest.mark.parametrize("form", [{"standing": "deprecated"}, {"standing": "gone", "reason": "x"}])
async def test_a_form_without_a_reason_or_a_standing_is_refused_in_words(ann, portal, form):
    answer = await portal.post("/projects/stars/standing", data={"version": "1.0", **form})
    assert (answer.status_code, "Say why, in a sentence" in answer.text) == (400, True)


async def test_what_an_operator_withdrew_has_no_button_for_its_authors(service, ann, portal):
    async with service.client("olga-token") as olga:
        assert (await withdraw(olga)).json()["withdrawn_by_operator"]
    page = (await portal.get("/projects/stars")).text
    assert "Withdrawn by an operator:" in page
    assert "Offer 1.0 again" not in page
    form = {"version": "1.0", "standing": "offered"}
    assert (await portal.post("/projects/stars/standing", data=form)).status_code == 403


async def test_an_interface_changes_no_release(service, ann):
    async with service.client("ann-stars-token") as interface:
        assert (await withdraw(interface)).status_code == 403
