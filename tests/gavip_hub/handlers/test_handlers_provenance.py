"""Where results are from, over the API and on pages: a job with an input file, from its submission to its repetition."""

import hashlib
import io
import json
import zipfile

import pytest

from avi_kernel.protocol.releases import ReleaseSubmit
from gavip_hub import rounds
from gavip_hub.testing import exit_record
from tests.gavip_hub.handlers.test_handlers_jobs import NOW, running
from tests.support.avis import notebook, write_avi
from tests.support.service import pages_of, until

QUERY = {
    "url": "https://a/tap",
    "archive": "Gaia",
    "release": "DR3",
    "adql": "SELECT 1",
    "rows": 0,
    "at": NOW,
}


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(rounds, "PROVENANCE_SECONDS", 0.05)


@pytest.fixture
def crossing(service):
    """An AVI whose pipeline reads a file."""
    write_avi(
        service.root / "users" / "dora" / "crossing",
        {
            "avi.toml": 'title = "Cross-match"\nsummary = "Of a list."\n[pipelines.match]\n',
            "app.ipynb": notebook("1"),
            "pipelines/match.ipynb": notebook("1", parameters="stars: Path\nseed: int = 1"),
        },
    )
    return service.service.core.releases.submit(
        submitter="dora",
        request=ReleaseSubmit(folder="crossing", avi="crossing", version="1.0", visibility="public"),
    )


@pytest.fixture
def stars(service):
    folder = service.root / "users" / "ann"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stars.csv").write_text("ra,dec\n1,2\n")
    return folder / "stars.csv"


async def submit(client, **parameters):
    body = {"avi": "crossing", "pipeline": "match", "parameters": {"stars": "stars.csv", **parameters}}
    return await client.post("/jobs", json=body)


async def end(service, client, job, content=b"ra,dec\n1,2\n", queries=(QUERY,)):
    """Let a job complete with one result; return when all is kept that is to be kept."""
    _, folder = await running(service, client, job)
    (folder / "results" / "found.csv").write_bytes(content)
    entry = {
        "name": "found.csv",
        "title": "Found",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "media_type": "text/csv",
    }
    outcome = {
        "status": "completed",
        "results": [entry],
        "queries": list(queries),
        "started_at": NOW,
        "ended_at": NOW,
    }
    (folder / "outcome.json").write_text(json.dumps(outcome))
    await until(lambda: hashed(client, job))
    service.backend.engine.end(f"gavip-{job}-1", exit_record())
    return await until(lambda: closed(client, job))


async def hashed(client, job):
    [found] = (await client.get(f"/jobs/{job}/inputs")).json()
    return found if found["state"] != "waiting" else None


async def closed(client, job):
    [found] = (await client.get(f"/jobs/{job}/inputs")).json()
    view = (await client.get(f"/jobs/{job}/provenance")).json()
    queries = [node for node in view["nodes"] if node["kind"] == "query"]
    return view if found["state"] not in {"waiting", "hashed"} and queries else None


async def run(service, client, **options):
    job = (await submit(client)).json()["id"]
    await end(service, client, job, **options)
    return job


async def test_a_file_that_is_not_there_is_refused_at_submission(ann, crossing):
    refused = await submit(ann)
    assert refused.status_code == 422
    assert refused.json()["field"] == "stars"
    assert "pick one that is there" in refused.json()["message"]


async def test_an_input_is_hashed_and_the_chain_leads_to_the_archive(service, ann, crossing, stars):
    job = await run(service, ann)
    [found] = (await ann.get(f"/jobs/{job}/inputs")).json()
    assert (found["state"], found["sha256"]) == ("same", hashlib.sha256(stars.read_bytes()).hexdigest())
    view = (await ann.get(f"/jobs/{job}/provenance")).json()
    assert {node["kind"] for node in view["nodes"]} == {
        *("job", "person", "release", "parameters", "image", "input", "result", "query", "archive")
    }
    kinds = {node["id"]: node["kind"] for node in view["nodes"]}
    assert ("query", "archive") in {(kinds[e["source"]], kinds[e["target"]]) for e in view["edges"]}
    rows = [
        f["value"]
        for node in view["nodes"]
        if node["kind"] == "query"
        for f in node["facts"]
        if f["name"] == "rows"
    ]
    assert rows == ["0"]
    assert any("own code reported" in words for words in view["notes"])


@pytest.mark.acceptance
async def test_an_input_that_changes_while_the_job_runs_is_told(service, ann, crossing, stars):
    job = (await submit(ann)).json()["id"]
    await running(service, ann, job)
    await until(lambda: hashed(ann, job))
    stars.write_text("other\n")
    await end(service, ann, job)
    [found] = (await ann.get(f"/jobs/{job}/inputs")).json()
    assert found["state"] == "changed"
    view = (await ann.get(f"/jobs/{job}/provenance")).json()
    assert any("changed while the job ran" in words for words in view["notes"])


async def test_a_job_of_somebody_else_has_no_provenance(service, ann, bob, crossing, stars):
    job = (await submit(ann)).json()["id"]
    for path in ("provenance", "prov", "crate", "inputs", "again", "comparison"):
        assert (await bob.get(f"/jobs/{job}/{path}")).status_code == 404
    assert (await bob.post(f"/jobs/{job}/again", json={})).status_code == 404


async def compared(client, job):
    answer = await client.get(f"/jobs/{job}/comparison")
    found = answer.json()
    return found if answer.status_code == 200 and found["verdict"] != "waiting" else None


async def again(service, client, job, **options):
    made = await client.post(f"/jobs/{job}/again", json={})
    assert made.status_code == 201, made.text
    new = made.json()["id"]
    await end(service, client, new, **options)
    return await until(lambda: compared(client, new))


@pytest.mark.acceptance
async def test_the_same_once_more_is_reproduced(service, ann, crossing, stars):
    job = await run(service, ann)
    found = await again(service, ann, job)
    assert (found["verdict"], found["before"], found["changes"]) == ("reproduced", job, [])


async def test_what_differs_is_told_by_value(service, ann, crossing, stars):
    job = await run(service, ann)
    found = await again(service, ann, job, content=b"ra,dec\n1,3\n")
    assert found["verdict"] == "differs"
    assert found["differences"] == {"found.csv": "row 1, dec: 2 became 3"}


@pytest.mark.acceptance
async def test_other_bytes_that_mean_the_same_are_reproduced(service, ann, crossing, stars):
    job = await run(service, ann)
    found = await again(service, ann, job, content=b"ra,dec\n1.0,2.00\n")
    assert (found["verdict"], found["alike"]) == ("reproduced", ["found.csv"])


async def test_a_changed_input_is_told_before_a_job_is_run_again(service, ann, crossing, stars):
    job = await run(service, ann)
    stars.write_text("other\n")
    told = (await ann.get(f"/jobs/{job}/again")).json()
    assert [one["words"] for one in told["differing"]] == ["has another content now"]
    assert (await ann.post(f"/jobs/{job}/again", json={})).status_code == 409
    made = await ann.post(f"/jobs/{job}/again", json={"even_if_inputs_differ": True})
    assert made.json()["again_of"] == job


@pytest.mark.acceptance
async def test_an_input_that_is_gone_is_told_and_its_job_not_run_again(service, ann, crossing, stars):
    job = await run(service, ann)
    stars.unlink()
    told = (await ann.get(f"/jobs/{job}/again")).json()
    assert [one["words"] for one in told["differing"]] == ["is gone"]
    assert (await ann.post(f"/jobs/{job}/again", json={"even_if_inputs_differ": True})).status_code == 422


@pytest.mark.acceptance
async def test_a_result_that_is_an_input_leads_on_to_the_job_that_made_it(service, ann, crossing, stars):
    first = await run(service, ann)
    body = {"avi": "crossing", "pipeline": "match"}
    body["parameters"] = {"stars": f"jobs/{first}/1/results/found.csv"}
    second = (await ann.post("/jobs", json=body)).json()["id"]
    await end(service, ann, second)
    view = (await ann.get(f"/jobs/{second}/provenance")).json()
    edges = {(edge["source"], edge["target"]) for edge in view["edges"]}
    assert (f"job:{second}", f"result:{first}:found.csv") in edges
    assert (f"result:{first}:found.csv", f"job:{first}") in edges


@pytest.mark.acceptance
async def test_what_a_product_keeps_of_a_job_is_its_chain(service, ann, crossing, stars):
    job = await run(service, ann)
    core, provenance = service.service.core, service.service.context.services.provenance
    with core.database.reading() as session:
        kept = provenance.snapshot(session, job)
        assert provenance.snapshot(session, "j-none") is None
    assert json.loads(json.dumps(kept))["of"] == job


async def test_prov_and_crate_are_made_of_the_same_chain(service, ann, crossing, stars):
    job = await run(service, ann)
    prov = (await ann.get(f"/jobs/{job}/prov")).json()
    assert prov["prefix"]["voprov"].startswith("http://www.ivoa.net/documents/ProvenanceDM")
    assert {"entity", "activity", "agent", "used", "wasGeneratedBy", "wasAssociatedWith"} <= prov.keys()
    crate = (await ann.get(f"/jobs/{job}/crate")).json()
    assert any(entity["@type"] == "CreateAction" for entity in crate["@graph"])


@pytest.mark.acceptance
async def test_a_crate_holds_the_results_themselves(service, ann, crossing, stars, tmp_path):
    job = await run(service, ann)
    with zipfile.ZipFile(io.BytesIO((await ann.get(f"/jobs/{job}/crate/files")).content)) as crate:
        assert crate.testzip() is None
        crate.extractall(tmp_path / "crate")
    assert (tmp_path / "crate" / "results" / "found.csv").read_bytes() == stars.read_bytes()


@pytest.fixture
async def pages(service):
    async with pages_of(service, "ann-token") as client:
        yield client


async def test_the_page_of_a_job_draws_the_chain_with_links(service, ann, pages, crossing, stars):
    job = await run(service, ann)
    page = (await pages.get(f"/jobs/{job}")).text
    assert "Where is this from?" in page
    assert f'href="/services/gavip/jobs/{job}/results/found.csv" class="of-result"' in page
    assert "All of it as a list" in page
    assert "Where is this from?" in (await pages.get(f"/jobs/{job}/results/found.csv")).text


async def sent(pages, **fields):
    form = {"version": "1.0", "p.stars": "stars.csv", "p.seed": "1", "memory_mb": "", **fields}
    return await pages.post("/avis/crossing/pipelines/match", data=form)


async def test_who_is_about_to_run_what_was_run_is_shown_it(service, ann, pages, crossing, stars):
    job = await run(service, ann)
    offered = await sent(pages)
    assert f'href="/services/gavip/jobs/{job}"' in offered.text
    assert "Run anyway" in offered.text
    assert (await sent(pages, anyway="true")).status_code == 303


@pytest.mark.acceptance
async def test_another_seed_is_not_offered(service, ann, pages, crossing, stars):
    await run(service, ann)
    assert (await sent(pages, **{"p.seed": "2"})).status_code == 303


@pytest.mark.acceptance
async def test_other_bytes_are_not_offered(service, ann, pages, crossing, stars):
    await run(service, ann)
    stars.write_text("ra,dec\n1,3\n")
    assert (await sent(pages)).status_code == 303


@pytest.mark.acceptance
async def test_the_same_bytes_elsewhere_are_offered(service, ann, pages, crossing, stars):
    await run(service, ann)
    (stars.parent / "copy.csv").write_bytes(stars.read_bytes())
    assert "Run anyway" in (await sent(pages, **{"p.stars": "copy.csv"})).text


@pytest.mark.acceptance
async def test_a_deleted_job_is_not_offered(service, ann, pages, crossing, stars):
    job = await run(service, ann)
    await ann.delete(f"/jobs/{job}")
    assert (await sent(pages)).status_code == 303


@pytest.mark.acceptance
async def test_a_job_of_somebody_else_is_not_offered(service, ann, crossing, stars):
    await run(service, ann)
    folder = service.root / "users" / "bob"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stars.csv").write_bytes(stars.read_bytes())
    async with pages_of(service, "bob-token") as pages:
        assert (await sent(pages)).status_code == 303


async def test_a_form_lists_files_to_pick_from(service, ann, pages, crossing, stars):
    page = (await pages.get("/avis/crossing/pipelines/match")).text
    assert '<option value="stars.csv">' in page
    assert 'list="match-files"' in page


@pytest.mark.acceptance
async def test_a_page_runs_a_job_again_and_tells_a_changed_input_before(service, ann, pages, crossing, stars):
    job = await run(service, ann)
    stars.write_text("other\n")
    told = await pages.post(f"/jobs/{job}/again")
    assert told.status_code == 409
    assert "has another content now" in told.text
    assert (await pages.post(f"/jobs/{job}/again", data={"anyway": "true"})).status_code == 303
