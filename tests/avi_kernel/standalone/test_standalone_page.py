"""The page of `gavip dev`: who is let in, what is escaped, forms, jobs, and results that can do nothing."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from avi_kernel.protocol.api import JobView, Phase
from avi_kernel.protocol.runs import LOG_FILE, RESULTS_FOLDER, JobError, ResultEntry
from avi_kernel.standalone.door import Door
from avi_kernel.standalone.server import LocalApi
from tests.support.avis import notebook, write_avi
from tests.support.local_api import TOKEN, local_api

EVIL = "<img src=x onerror=alert(1)>\"'&"
JOB = "abc123"
MANIFEST = f"""
title = '''{EVIL}'''
summary = '''{EVIL}'''

[pipelines.count]
title = '''{EVIL}'''
summary = "Counts `stars`."

[pipelines.count.parameters.radius]
title = "Radius"
unit = "deg"
minimum = 0.5
maximum = 5
help = '''{EVIL}'''

[pipelines.count.parameters.band]
choices = ["g", "bp"]
"""


@dataclass
class Visit:
    """A browser that came in, and what it visits."""

    api: LocalApi
    door: Door
    client: httpx.Client

    @property
    def origin(self) -> str:
        return str(self.client.base_url).rstrip("/")

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(path, headers=headers)

    def post(self, path: str, **data: str) -> httpx.Response:
        return self.client.post(path, data=data, headers={"Origin": self.origin})


@pytest.fixture
def folder(tmp_path) -> Path:
    pipeline = notebook("print(radius)", parameters="radius = 1.0\nband = 'g'\ndeep = False\nn = 3\n")
    return write_avi(tmp_path / "own", {"avi.toml": MANIFEST, "pipelines/count.ipynb": pipeline})


@pytest.fixture
def visit(folder) -> Iterator[Visit]:
    door = Door()
    with local_api(folder, "own", door) as api:
        address = httpx.URL(door.address)
        with httpx.Client(base_url=f"http://{address.host}:{address.port}") as client:
            yield Visit(api=api, door=door, client=client)


@pytest.fixture
def inside(visit) -> Visit:
    visit.client.get(visit.door.address)
    return visit


def view(**changes: object) -> JobView:
    made = JobView(
        id=JOB,
        owner="developer",
        avi="own",
        version="dev",
        pipeline="count",
        title=EVIL,
        parameters={"radius": 2.5, "band": EVIL},
        phase=Phase.COMPLETED,
        state="COMPLETED",
        memory_mb=512,
        memory_source="author",
        cpu=1,
        time_limit=3600,
        created_at=datetime(2026, 11, 27, tzinfo=UTC),
    )
    return made.model_copy(update=changes)


def with_results(visit: Visit, **files: tuple[str, bytes]) -> None:
    """Have a job with these results: name with `_` for the point -> kind and content."""
    place = visit.api.jobs.store.attempt(JOB) / RESULTS_FOLDER
    place.mkdir(parents=True)
    entries = []
    for name, (kind, content) in files.items():
        (place / name.replace("_", ".")).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        entries.append(
            ResultEntry(
                name=name.replace("_", "."), title=EVIL, media_type=kind, size=len(content), sha256=digest
            )
        )
    visit.api.jobs.store.save(view(results=entries))


def test_the_printed_address_lets_a_browser_in_and_gives_a_pass_that_no_script_reads(visit):
    answer = visit.client.get(visit.door.address)
    assert answer.status_code == 200
    given = answer.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(given.split("; "))
    assert "Domain" not in given
    assert visit.get("/").status_code == 200
    assert visit.client.cookies[visit.door.cookie] not in visit.door.address


@pytest.mark.parametrize(
    "path", ["/", "/?token=", "/?token=guessed", f"/jobs/{JOB}", f"/jobs/{JOB}/log", "/nothing"]
)
def test_without_the_token_nothing_is_told(visit, path):
    answer = visit.get(path)
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers
    assert "Use the address that gavip dev printed" in answer.text
    assert "own" not in answer.text.split("<body>")[1]


def test_the_token_in_the_address_is_no_pass_elsewhere(visit):
    key = httpx.URL(visit.door.address).params["token"]
    visit.api.jobs.store.save(view())
    assert visit.get(f"/jobs/{JOB}?token={key}").status_code == 403
    assert (
        visit.client.post(f"/jobs/{JOB}/delete?token={key}", headers={"Origin": visit.origin}).status_code
        == 403
    )


def test_the_token_of_the_interface_opens_no_page(visit):
    assert visit.get("/", Authorization=f"Bearer {TOKEN}").status_code == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "localhost:1", "[::1]:{port}", ""]
)
@pytest.mark.parametrize("path", ["/", "/static/page.css", "/pipelines/count"])
def test_a_name_that_somebody_made_lead_here_is_refused(inside, host, path):
    host = host.format(port=inside.client.base_url.port)
    pass_ = f"{inside.door.cookie}={inside.client.cookies[inside.door.cookie]}"
    answer = httpx.get(inside.origin + path, headers={"Host": host, "Cookie": pass_})
    assert answer.status_code in {400, 403}
    assert "developer" not in answer.text
    assert "Counts" not in answer.text


def test_both_names_of_this_machine_are_its_own(inside):
    pass_ = f"{inside.door.cookie}={inside.client.cookies[inside.door.cookie]}"
    for host in (f"localhost:{inside.client.base_url.port}", f"LOCALHOST:{inside.client.base_url.port}"):
        assert httpx.get(inside.origin, headers={"Host": host, "Cookie": pass_}).status_code == 200


@pytest.mark.parametrize(
    "origin", [None, "null", "http://evil.example", "http://127.0.0.1:1", "https://{host}"]
)
@pytest.mark.parametrize("path", ["/pipelines/count", f"/jobs/{JOB}/cancel", f"/jobs/{JOB}/delete"])
def test_a_form_that_another_page_sends_is_refused(inside, origin, path):
    inside.api.jobs.store.save(view())
    host = inside.origin.removeprefix("http://")
    headers = {"Origin": origin.format(host=host)} if origin else {}
    assert inside.client.post(path, headers=headers).status_code == 403
    assert [job.id for job in inside.api.jobs.store.list()] == [JOB]


@pytest.mark.parametrize("path", ["/", f"/jobs/{JOB}", "/nothing", "/jobs/fff", "/static/page.css"])
def test_every_page_forbids_what_is_inline_or_from_elsewhere(inside, path):
    inside.api.jobs.store.save(view())
    headers = inside.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


def test_pages_have_no_script_style_or_handler_in_them(inside):
    with_results(inside, a_png=("image/png", b"no picture"))
    for path in ("/", f"/jobs/{JOB}", "/nothing"):
        page = inside.get(path).text
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|<[^>&]*\son\w+=|javascript:", page), (
            path
        )


def test_what_an_avi_wrote_is_text(inside):
    with_results(inside, a_png=("image/png", b""))
    error = JobError(
        code="raised", message=EVIL, hint=EVIL, source=EVIL, ename=EVIL, traceback=EVIL, step=EVIL, cell=1
    )
    (inside.api.jobs.store.attempt(JOB) / LOG_FILE).write_text(f"\x1b[31m{EVIL}\x1b[0m\n")
    inside.api.jobs.store.change(JOB, error=error, phase=Phase.ERROR)
    for path in ("/", f"/jobs/{JOB}"):
        page = inside.get(path).text
        assert EVIL not in page
        assert "<img src=x" not in page
        assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "\x1b" not in inside.get(f"/jobs/{JOB}").text


def test_a_form_asks_as_the_author_declared(inside):
    page = inside.get("/").text
    assert 'name="p.radius" aria-describedby="count-radius-help"' in page
    assert '<span class="unit">deg</span>' in page
    assert "Number from 0.5 to 5 deg; default 1 deg." in page
    assert '<option value="bp">bp</option>' in page
    assert 'type="checkbox" id="count-deep"' in page
    assert "Whole number; default 3." in page
    assert "Counts <code>stars</code>." in page


def test_wrong_values_come_back_with_what_would_be_accepted(inside):
    answer = inside.post(
        "/pipelines/count", **{"p.radius": "9", "p.band": "u", "p.deep": "false", "p.n": "3"}
    )
    assert answer.status_code == 422
    assert "2 values need a look" in answer.text
    assert "must be at most 5 deg; got 9" in answer.text
    assert "must be one of g, bp" in answer.text
    assert 'value="9"' in answer.text
    assert inside.api.jobs.store.list() == []


def test_a_form_starts_a_job_with_its_values_and_leads_to_it(inside):
    answer = inside.post(
        "/pipelines/count", **{"p.radius": "2", "p.band": "bp", "p.deep": "true", "p.n": "4"}
    )
    job = inside.api.jobs.store.list()[0]
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/jobs/{job.id}")
    assert job.parameters == {"radius": 2.0, "band": "bp", "deep": True, "n": 4}
    assert "Cancel this job" in inside.get(f"/jobs/{job.id}").text
    assert inside.post(f"/jobs/{job.id}/cancel").status_code == 303
    assert inside.api.jobs.store.get(job.id).phase == Phase.ABORTED


def test_again_begins_with_the_values_of_that_job(inside):
    inside.api.jobs.store.save(view(parameters={"radius": 4.25, "band": "bp"}))
    page = inside.get(f"/?again={JOB}").text
    assert 'value="4.25"' in page
    assert '<option value="bp" selected>' in page


def test_a_pipeline_that_is_gone_is_told(inside):
    answer = inside.post("/pipelines/counts")
    assert answer.status_code == 404
    assert "There is no such pipeline any more" in answer.text


def test_a_manifest_that_cannot_be_read_is_told_on_the_page(inside, folder):
    (folder / "avi.toml").write_text("colour = 1")
    page = inside.get("/").text
    assert "avi.toml, line 1: colour: unknown key" in page


def test_a_failed_job_tells_why_and_shows_its_last_lines(inside):
    attempt = inside.api.jobs.store.attempt(JOB)
    attempt.mkdir(parents=True)
    (attempt / LOG_FILE).write_text("".join(f"line {number}\n" for number in range(1000)))
    error = JobError(code="raised", message="cloudy tonight", hint="wait for a clear night")
    inside.api.jobs.store.save(view(phase=Phase.ERROR, error=error))
    page = inside.get(f"/jobs/{JOB}").text
    assert "cloudy tonight" in page
    assert "wait for a clear night" in page
    assert "line 999" in page
    assert "line 10\n" not in page
    assert inside.get(f"/jobs/{JOB}/log").text.startswith("line 0\nline 1\n")


def test_results_are_downloads_that_can_do_nothing(inside):
    with_results(inside, page_html=("text/html", b"<script>alert(1)</script>"))
    for query in ("", "?view"):
        answer = inside.get(f"/jobs/{JOB}/results/page.html{query}")
        assert answer.content == b"<script>alert(1)</script>"
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''page.html"
        assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert "?view" not in inside.get(f"/jobs/{JOB}").text


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("image/svg+xml", "image/svg+xml"),
        ("image/png", "image/png"),
        ("text/csv", "text/plain; charset=utf-8"),
        ("text/plain; charset=utf-16", "text/plain; charset=utf-8"),
    ],
)
def test_what_is_shown_in_the_browser_is_sandboxed(inside, kind, shown):
    with_results(inside, a_file=(kind, b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"))
    headers = inside.get(f"/jobs/{JOB}/results/a.file?view").headers
    assert headers["Content-Type"] == shown
    assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert headers["Content-Disposition"] == "inline"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["..%2Flog.txt", "..%2F..%2Fabc123.json", "other.png"])
def test_only_listed_results_are_sent(inside, name):
    with_results(inside, a_png=("image/png", b"x"))
    assert inside.get(f"/jobs/{JOB}/results/{name}").status_code == 404


def test_a_result_that_is_a_link_is_not_followed(inside, tmp_path):
    with_results(inside, a_png=("image/png", b"x"))
    (tmp_path / "secret").write_text("secret")
    place = inside.api.jobs.store.attempt(JOB) / RESULTS_FOLDER / "a.png"
    place.unlink()
    place.symlink_to(tmp_path / "secret")
    answer = inside.get(f"/jobs/{JOB}/results/a.png")
    assert (answer.status_code, "secret" in answer.text) == (404, False)


def test_a_deleted_job_is_gone_with_its_files(inside):
    with_results(inside, a_png=("image/png", b"x"))
    assert inside.post(f"/jobs/{JOB}/delete").headers["Location"] == "/"
    assert not inside.api.jobs.store.attempt(JOB).exists()
    assert inside.get(f"/jobs/{JOB}").status_code == 404


def test_a_job_that_ended_is_not_cancelled_again(inside):
    inside.api.jobs.store.save(view())
    answer = inside.post(f"/jobs/{JOB}/cancel")
    assert answer.status_code == 409
    assert "has ended already" in answer.text


def test_the_interface_is_told_where_a_jobs_page_is(inside):
    inside.api.jobs.store.save(view())
    told = httpx.get(
        f"{inside.api.jobs.api_url}/jobs/{JOB}", headers={"Authorization": f"Bearer {TOKEN}"}
    ).json()
    assert inside.client.get(told["url"]).status_code == 200


def test_each_start_has_a_key_of_its_own():
    assert len({Door().address for _ in range(3)}) == 3


def test_without_a_door_there_is_no_page(folder):
    with local_api(folder, "own") as api:
        assert httpx.get(api.jobs.api_url.split("/services")[0]).status_code == 404
