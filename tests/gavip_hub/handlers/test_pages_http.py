"""The portal's pages as a browser gets them, from the running service."""

import asyncio
import hashlib
import json
import re
import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from html import unescape

import nbformat
import pytest

from avi_kernel.protocol.api import Profile
from gavip_hub.backends.base import Liveness
from gavip_hub.backends.sandbox import SandboxReport
from gavip_hub.handlers.at_once import MOST_READS
from gavip_hub.handlers.probe import LOOK_SECONDS
from gavip_hub.handlers.rendering import STATIC
from gavip_hub.handlers.static_files import SHEETS
from gavip_hub.lately import Lately
from gavip_hub.services import proposals
from gavip_hub.services.proposals import MOST_KNOWN
from gavip_hub.storage import servers as rows
from gavip_hub.testing import exit_record
from tests.support.service import pages_of, running_service, until

NOW = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
PIPELINE = "/avis/stars/pipelines/count"

ANN = Profile(name="ann", roles=["scientist"])


@pytest.fixture
def stars(service):
    return service.publish()


@pytest.fixture
async def portal(service):
    """Pages as Ann gets them."""
    async with pages_of(service, "ann-token") as client:
        yield client


async def test_a_hub_that_stands_still_holds_up_no_page(service, portal):
    service.hub.frozen = asyncio.Event()
    async with asyncio.timeout(LOOK_SECONDS - 1):
        page = await portal.get("/")
    service.hub.frozen.set()
    assert page.status_code == 200


async def send(portal, **fields):
    return await portal.post(PIPELINE, data={"version": "1.0", "memory_mb": "", **fields})


async def job_of(answer):
    assert answer.status_code == 303, unescape(answer.text)
    return answer.headers["Location"].rpartition("/")[2]


async def ended(service, portal, job, *, files=None, outcome=None, peak=None):
    """Run a job to its end and return its page."""

    async def look():
        found = service.backend.engine.containers.get(f"gavip-{job}-1")
        return found and found.liveness is Liveness.RUNNING

    await until(look)
    folder = service.root / "attempts" / f"gavip-{job}-1"
    results = []
    for name, (media_type, content) in (files or {}).items():
        (folder / "results" / name).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        results.append({"name": name, "media_type": media_type, "size": len(content), "sha256": digest})
    (folder / "log.txt").write_text("\x1b[32mcounting\x1b[0m <stars>\n")
    told = {"status": "completed", "results": results, "started_at": NOW, "ended_at": NOW, **(outcome or {})}
    (folder / "outcome.json").write_text(json.dumps(told))
    service.backend.engine.end(f"gavip-{job}-1", exit_record(memory_peak_mb=peak))

    async def page():
        found = await portal.get(f"/jobs/{job}")
        return found.text if "ended " in found.text else None

    return await until(page)


async def test_nobody_is_sent_to_sign_in(service):
    async with pages_of(service, None) as nobody:
        answer = await nobody.get("/jobs")
        assert answer.status_code == 302
        assert "/hub/api/oauth2/authorize" in answer.headers["Location"]
        assert (await nobody.post("/avis/stars/open")).status_code == 401


async def test_the_catalogue_shows_what_is_open_and_finds_by_words(service, portal, stars):
    service.publish(avi="secret-stars", visibility="private")
    page = await portal.get("/")
    assert "Star counter" in page.text
    assert "secret-stars" not in page.text
    assert "/avis/stars" in (await portal.get("/", params={"q": "ASTRONOMER counter"})).text
    assert "Nothing matches" in (await portal.get("/", params={"q": "galaxies"})).text


async def test_an_avi_shows_a_form_made_from_its_parameters(portal, stars):
    page = (await portal.get("/avis/stars")).text
    assert 'name="p.radius"' in page
    assert "Number from 0.1 to 10 deg; default 1 deg." in page
    assert "The author proposes 240 MB (200 + 40 * radius)." in unescape(page)
    assert "Open interface" in page


async def test_a_readme_is_rendered_off_the_event_loop(portal, stars, monkeypatch):
    seen = []

    def watched(text, **_):
        seen.append(threading.current_thread().name.rpartition("_")[0])
        return text

    monkeypatch.setattr("gavip_hub.handlers.form_pages.readme_page", watched)
    assert "# Star counter" in (await portal.get("/avis/stars")).text
    assert seen == ["gavip-files"]


async def test_an_avi_that_is_not_open_to_the_asker_does_not_exist(service, portal):
    service.publish(avi="secret-stars", visibility="private")
    for path in ("/avis/secret-stars", "/avis/secret-stars/pipelines/count", "/avis/secret-stars/open"):
        answer = await portal.get(path)
        assert answer.status_code == 404
        assert "<h1>There is no such page</h1>" in answer.text


async def test_a_good_form_becomes_a_job_with_a_page(portal, stars):
    job = await job_of(await send(portal, **{"p.radius": "2.5"}))
    page = (await portal.get(f"/jobs/{job}")).text
    assert "2.5 deg" in page
    assert "Cancel this job" in page
    assert "300 MB" in page


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"p.radius": "wide"}, "must be a number; got 'wide'"),
        ({"p.radius": "50"}, "must be at most 10 deg; got 50"),
        ({"p.radius": "2", "memory_mb": "lots"}, "must be a whole number of MB"),
        ({"p.radius": "2", "memory_mb": "999999"}, "your pool has 4096"),
    ],
)
async def test_a_wrong_value_is_told_at_its_field_and_kept(portal, stars, fields, problem):
    answer = await send(portal, **fields)
    assert answer.status_code == 422
    page = unescape(answer.text)
    assert re.search(r'aria-invalid="true"', page)
    assert problem in page
    assert f'value="{[*fields.values()][-1]}"' in page
    assert "You have run nothing yet" in (await portal.get("/jobs")).text


async def test_names_that_were_not_declared_are_no_parameters(portal, stars):
    job = await job_of(await send(portal, **{"p.radius": "1", "p.x = 1\nimport os": "2", "radius": "9"}))
    assert "import os" not in (await portal.get(f"/jobs/{job}")).text


async def test_the_proposal_of_memory_follows_what_is_typed(portal, stars):
    answer = await portal.get(f"{PIPELINE}/memory", params={"p.radius": "10"})
    assert answer.text == "The author proposes 600 MB (200 + 40 * radius)."
    assert answer.headers["X-Proposed-MB"] == "600"
    assert answer.headers["Content-Type"].startswith("text/plain")


async def test_a_job_again_is_a_form_with_its_values(portal, stars):
    job = await job_of(await send(portal, **{"p.radius": "7.5", "memory_mb": "700"}))
    page = (await portal.get(PIPELINE, params={"again": job})).text
    assert 'value="7.5"' in page
    assert 'value="700"' in page
    again = await job_of(await send(portal, **{"p.radius": "8", "again_of": job}))
    assert "again of" in (await portal.get(f"/jobs/{again}")).text


async def test_another_users_job_does_not_exist(service, portal, stars):
    job = await job_of(await send(portal, **{"p.radius": "1"}))
    async with pages_of(service, "bob-token") as bob:
        answers = [
            await bob.get(f"/jobs/{job}"),
            await bob.get(f"/jobs/{job}/log"),
            await bob.get(f"/jobs/{job}/results/a.png"),
            await bob.get(f"/jobs/{job}/results/a.png/content"),
            await bob.get(PIPELINE, params={"again": job}),
            await bob.post(f"/jobs/{job}/cancel"),
            await bob.post(f"/jobs/{job}/start"),
        ]
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.status_code for answer in [await portal.get(f"/jobs/{job}")]} == {200}


async def test_an_interfaces_token_opens_no_page(service, portal, stars):
    job = await job_of(await send(portal, **{"p.radius": "1"}))
    async with pages_of(service, "ann-stars-token") as interface:
        for path in ("/", "/jobs", f"/jobs/{job}", "/servers", "/avis/stars"):
            assert (await interface.get(path)).status_code == 403


async def test_a_cancelled_job_says_so(portal, stars):
    job = await job_of(await send(portal, **{"p.radius": "1"}))
    answer = await portal.post(f"/jobs/{job}/cancel")
    assert answer.status_code == 303

    async def cancelled():
        return "phase-ABORTED" in (await portal.get(f"/jobs/{job}")).text

    await until(cancelled)
    assert (await portal.post(f"/jobs/{job}/cancel")).status_code == 409


async def test_jobs_are_filtered_by_phase_and_paged(portal, stars):
    jobs = [await job_of(await send(portal, **{"p.radius": "1"})) for _ in range(3)]
    everything = (await portal.get("/jobs")).text
    assert all(job in everything for job in jobs)
    assert "No such jobs" in (await portal.get("/jobs", params={"phase": "ERROR"})).text
    assert (await portal.get("/jobs", params={"phase": "NONSENSE"})).status_code == 400
    older = (await portal.get("/jobs", params={"before": jobs[1]})).text
    assert jobs[0] in older
    assert jobs[2] not in older


async def test_results_are_shown_in_a_box_of_glass(service, portal, stars):
    cell = nbformat.v4.new_markdown_cell("<script>document.title = 'taken'</script>")
    notebook = nbformat.writes(nbformat.v4.new_notebook(cells=[cell])).encode()
    picture = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    files = {
        "a.ipynb": ("application/x-ipynb+json", notebook),
        "a.svg": ("image/svg+xml", picture),
        "a.csv": ("text/csv", b"name,mag\n<b>Sirius</b>,-1.46\n"),
        "a.html": ("text/html", b"<script>alert(1)</script>"),
        "a.js": ("text/JavaScript; charset=utf-8", b"alert(1)"),
        "a.css": ("text/css", b"* {display: none}"),
    }
    job = await job_of(await send(portal, **{"p.radius": "1"}))
    page = await ended(service, portal, job, files=files)
    assert "counting &lt;stars&gt;" in page
    for name in ("a.ipynb", "a.svg"):
        content = await portal.get(f"/jobs/{job}/results/{name}/content")
        assert content.status_code == 200
        assert content.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        assert content.headers["X-Content-Type-Options"] == "nosniff"
    assert (await portal.get(f"/jobs/{job}/results/a.html/content")).status_code == 404
    for name in ("a.js", "a.css"):  # what pages may load from their own origin
        sent = await portal.get(f"/api/jobs/{job}/results/{name}")
        assert sent.headers["Content-Type"] == "application/octet-stream"
    table = (await portal.get(f"/jobs/{job}/results/a.csv")).text
    assert "<td>&lt;b&gt;Sirius&lt;/b&gt;</td>" in table
    assert (await portal.get(f"/jobs/{job}/results/none.csv")).status_code == 404


async def test_what_is_shown_is_kept_by_browsers_and_asked_for_again_by_its_hash(service, portal, stars):
    notebook = nbformat.writes(nbformat.v4.new_notebook()).encode()
    files = {"a.ipynb": ("application/x-ipynb+json", notebook), "a.png": ("image/png", b"picture")}
    job = await job_of(await send(portal, **{"p.radius": "1"}))
    await ended(service, portal, job, files=files)
    for name in files:
        first = await portal.get(f"/jobs/{job}/results/{name}/content")
        assert first.headers["Content-Disposition"] == "inline"
        assert first.headers["Cache-Control"] == "private, max-age=3600"
        known = {"If-None-Match": first.headers["Etag"]}
        assert (await portal.get(first.url, headers=known)).status_code == 304


async def test_a_person_reads_a_few_files_at_once(service, portal, stars):
    job = await job_of(await send(portal, **{"p.radius": "1"}))
    await ended(service, portal, job, files={"a.png": ("image/png", b"picture")})
    paths = [f"/api/jobs/{job}/results/a.png", f"/jobs/{job}/results/a.png/content"]
    with ExitStack() as held:
        for _ in range(MOST_READS):
            held.enter_context(service.service.context.reads.one(ANN))
        refused = [await portal.get(path) for path in paths]
    assert [answer.status_code for answer in refused] == [409, 409]
    assert "12 files at once" in refused[0].json()["message"]
    assert [(await portal.get(path)).content for path in paths] == [b"picture"] * 2


async def test_what_an_avi_reads_takes_nothing_from_its_user(service, portal, stars):
    job = await job_of(await send(portal, **{"p.radius": "1"}))
    await ended(service, portal, job, files={"a.png": ("image/png", b"picture")})
    with ExitStack() as held:
        for _ in range(MOST_READS):
            held.enter_context(service.service.context.reads.one(ANN.model_copy(update={"avi": "stars"})))
        assert (await portal.get(f"/jobs/{job}/results/a.png/content")).content == b"picture"
        async with service.client("ann-stars-token") as interface:
            assert (await interface.get(f"/jobs/{job}/results/a.png")).status_code == 409


async def test_a_failed_job_is_told_well(service, portal, stars):
    error = {
        "code": "raised",
        "message": "The notebook stopped at cell 3.",
        "hint": "Take a larger radius.",
        "cell": 2,
        "source": "1 / 0",
        "ename": "ZeroDivisionError",
        "traceback": "\x1b[31mZeroDivisionError\x1b[0m: division by zero",
    }
    job = await job_of(await send(portal, **{"p.radius": "1"}))
    page = unescape(await ended(service, portal, job, outcome={"status": "error", "error": error}))
    assert "The notebook stopped at cell 3." in page
    assert "Take a larger radius." in page
    assert "The cell that failed, number 3" in page
    assert "1 / 0" in page
    assert "ZeroDivisionError: division by zero" in page
    assert "Last lines of the log" not in page  # a short log stands on the page as it is


async def test_an_interface_is_opened_from_its_page_and_closed_again(service, portal, stars):
    assert "is not open" in (await portal.get("/avis/stars/open")).text
    opened = await portal.post("/avis/stars/open", data={"version": ""})
    for page in (opened, await portal.get("/avis/stars/open")):
        assert page.status_code == 200
        assert 'data-opening="ready"' in page.text
        assert 'data-url="http://stars--ann.gavip.localhost' in page.text
        assert re.search(
            r'<script src="[^"]*go\.js[^"]*" data-url="http://stars--ann\.gavip\.localhost', page.text
        )
    assert "/servers/stars/close" in (await portal.get("/servers")).text
    assert (await portal.post("/servers/stars/close")).status_code == 303

    async def closed():
        return "Nothing is open" in (await portal.get("/servers")).text

    await until(closed)


async def test_a_page_that_waits_for_room_says_why_and_what_would_open_it_sooner(service, portal, stars):
    service.publish(avi="galaxies")
    service.service.core.config.platform_memory_mb = 600
    await portal.post("/avis/galaxies/open", data={"version": ""})
    await portal.post("/avis/stars/open", data={"version": ""})
    page = unescape((await portal.get("/avis/stars/open")).text)
    assert 'data-opening="waiting"' in page
    assert "It waits for 512 MB of memory: 1 open server holds 512 of the platform's 600 MB" in page
    assert "next in the queue" in page
    assert "Close galaxies, which holds 512 MB of memory." in page
    closed = await portal.post("/servers/galaxies/close", data={"back": "stars"})
    assert closed.headers["Location"] == "/services/gavip/avis/stars/open"


async def test_an_interface_that_is_to_close_is_kept_from_the_page_of_servers(service, portal, stars):
    await portal.post("/avis/stars/open", data={"version": ""})
    closes_at = (datetime.now(UTC) + timedelta(seconds=60)).isoformat()
    with service.service.core.database.transaction() as session:
        [row] = rows.open_rows(session, owner="ann")
        row.backend_state = {"closes_at": closes_at, "short_of": "memory"}
    assert "Others are waiting for memory" in (await portal.get("/servers")).text
    kept = await portal.post("/servers/stars/keep")
    assert (kept.status_code, kept.headers["Location"]) == (303, "/services/gavip/servers")
    assert "Others are waiting" not in (await portal.get("/servers")).text


async def test_what_was_closed_for_others_says_why_and_opens_again_as_it_was(service, portal, stars):
    await portal.post("/avis/stars/open", data={"version": "1.0"})

    async def is_open():
        return ("ann", "stars") in service.hub.servers

    await until(is_open)  # the page answers before the Hub has begun it
    service.publish(version="2.0")
    evictions = service.service.context.services.evictions
    evictions.begin_one(owner="ann", name="stars", silence=1860, timeout=1800)
    service.hub.ledger.close(service.hub.servers.pop(("ann", "stars")))
    listed = unescape((await portal.get("/servers")).text)
    opening = unescape((await portal.get("/avis/stars/open")).text)
    for page in (listed, opening):
        assert "It was closed because it had not been used for 31 min." in page
        assert 'name="version" value="1.0"' in page
    async with service.client("ann-token") as ann:
        assert (await ann.get("/servers")).json() == []  # to look opens nothing
    await portal.post("/avis/stars/open", data={"version": "1.0"})
    assert "Closed lately" not in (await portal.get("/servers")).text


async def test_a_form_sends_nobody_to_another_place(service, portal, stars):
    await portal.post("/avis/stars/open", data={"version": ""})
    closed = await portal.post("/servers/stars/close", data={"back": "../../evil"})
    assert closed.headers["Location"] == "/services/gavip/avis/..%2F..%2Fevil/open"


async def test_an_address_that_leads_nowhere_is_told_on_a_page(portal):
    answer = await portal.get("/nowhere")
    assert answer.status_code == 404
    assert "<h1>There is no such page</h1>" in answer.text


async def test_parts_of_pages_are_kept_for_ever_modules_that_they_import_too(portal):
    page = (await portal.get("/")).text
    folder = re.search(r'href="/services/gavip(/static/v-\w+/)portal.css"', page)[1]
    for name in ("portal.css", "tokens.css", "events.js"):
        assert "immutable" in (await portal.get(folder + name)).headers["Cache-Control"]
    assert (await portal.get(folder + "../pages.py")).status_code == 404
    assert (await portal.get("/static/events.js")).headers["Cache-Control"] == "no-cache"
    assert (await portal.get("/static/../pages.py")).status_code == 404
    assert (await portal.get("/static/%00")).status_code == 404


async def test_a_page_waits_for_one_style_sheet_that_comes_packed(portal):
    page = (await portal.get("/")).text
    assert page.count('rel="stylesheet"') == 1
    plain = await portal.get("/static/portal.css", headers={"Accept-Encoding": "identity"})
    packed = await portal.get("/static/portal.css", headers={"Accept-Encoding": "gzip"})
    assert (plain.headers["Content-Type"], packed.headers["Content-Encoding"]) == (
        "text/css; charset=utf-8",
        "gzip",
    )
    assert plain.text == packed.text
    assert all((STATIC / f"{name}.css").read_text() in plain.text for name in SHEETS)
    known = await portal.get("/static/portal.css", headers={"If-None-Match": packed.headers["Etag"]})
    assert known.status_code == 304
    assert (await portal.head("/static/portal.css")).content == b""


async def test_a_platform_that_does_not_sandbox_says_so_on_every_page(tmp_path):
    report = SandboxReport(bwrap=None, enforced=frozenset())
    async with (
        running_service(tmp_path / "root", report=report) as service,
        pages_of(service, "ann-token") as ann,
    ):
        for path in ("/", "/jobs", "/nowhere"):
            assert "NOT ENFORCED on this machine" in (await ann.get(path)).text


async def test_a_job_that_ran_out_of_memory_is_started_again_and_its_page_says_so(service, portal, stars):
    job = await job_of(await send(portal, **{"p.radius": "1", "again_with_more_memory": "true"}))
    containers = service.backend.engine.containers

    async def runs(attempt):
        found = containers.get(f"gavip-{job}-{attempt}")
        return found and found.liveness is Liveness.RUNNING

    await until(lambda: runs(1))
    service.backend.engine.end(f"gavip-{job}-1", exit_record(code=137, reason="out_of_memory"))
    await until(lambda: runs(2))
    page = (await portal.get(f"/jobs/{job}")).text
    assert "It ran out of memory at 240 MB and was started again with 384 MB." in page
    assert "It is started again with more, as you wished" in page
    assert (
        'value="true" checked>If it runs out of memory'
        in (await portal.get(PIPELINE, params={"again": job})).text
    )


async def test_a_form_proposes_what_past_runs_needed_beside_the_authors_figure(service, portal, stars):
    for number in range(5):
        job = await job_of(await send(portal, **{"p.radius": f"{1 + number}", "memory_mb": "500"}))
        await ended(service, portal, job, peak=100.0 + number)
    service.service.context.services.proposals._known = Lately(most=MOST_KNOWN)
    page = unescape((await portal.get("/avis/stars")).text)
    sentence = "Past runs used 104 MB at most: 128 MB is proposed, and more if that runs out. The author's figure is 240 MB (200 + 40 * radius)."
    assert sentence in page
    assert (await portal.get(f"{PIPELINE}/memory", params={"p.radius": "1"})).text == sentence
    answer = await portal.get(f"{PIPELINE}/memory", params={"p.radius": "10"})
    assert answer.text == "The author proposes 600 MB (200 + 40 * radius). Past runs used 104 MB at most."


async def test_a_form_asks_later_for_a_proposal_that_many_runs_are_learned_from(
    service, portal, stars, monkeypatch
):
    monkeypatch.setattr(proposals, "SEEN_AT_A_GLANCE", 1)
    await ended(service, portal, await job_of(await send(portal, **{"p.radius": "1"})))
    service.service.context.services.proposals._known = Lately(most=MOST_KNOWN)
    for address in ("/avis/stars", PIPELINE):
        assert '<span data-proposal="later">Past runs tell' in (await portal.get(address)).text
    told = (await portal.get(f"{PIPELINE}/memory", params={"p.radius": "1"})).text
    for address in ("/avis/stars", PIPELINE):
        assert f"<span data-proposal>{told}" in (await portal.get(address)).text
