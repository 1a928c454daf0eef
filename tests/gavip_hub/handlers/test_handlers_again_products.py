"""A product's job once more, offers and answers from products: over the API and on pages, of a service that runs."""

import io
import json
import zipfile

import pytest

from gavip_hub import rounds
from tests.gavip_hub.handlers.test_handlers_provenance import (
    compared,
    crossing,
    end,
    run,
    sent,
    stars,
    submit,
)
from tests.support.service import pages_of, until

FOUND = b"id\n1\n"
__all__ = ["crossing", "stars"]


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(rounds, "PROVENANCE_SECONDS", 0.05)
    monkeypatch.setattr(rounds, "PRODUCT_SECONDS", 0.05)


@pytest.fixture
async def product(service, ann, bob, crossing, stars):
    """A product of ann's that bob may read; he has the same list of stars."""
    folder = service.root / "users" / "bob"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stars.csv").write_bytes(stars.read_bytes())
    made = (
        await ann.post("/products", json={"job": await run(service, ann, content=FOUND), "title": "Matches"})
    ).json()["id"]

    async def ready():
        return (await ann.get(f"/products/{made}")).json()["state"] == "READY"

    await until(ready)
    shared = await ann.post(f"/products/{made}/shares", json={"kind": "user", "subject": "bob"})
    assert shared.status_code == 201
    return made


@pytest.fixture
async def pages(service):
    async with pages_of(service, "bob-token") as client:
        yield client


async def test_a_reader_presses_run_it_again_and_it_is_reproduced(service, bob, pages, product):
    assert (
        f'action="/services/gavip/products/{product}/again"' in (await pages.get(f"/products/{product}")).text
    )
    begun = await pages.post(f"/products/{product}/again")
    assert begun.status_code == 303
    job = begun.headers["Location"].rpartition("/")[2]
    page = (await pages.get(f"/jobs/{job}")).text
    assert f'again of <a class="data" href="/services/gavip/products/{product}">' in page
    await end(service, bob, job, content=FOUND)
    found = await until(lambda: compared(bob, job))
    assert (found["verdict"], found["before"]) == ("reproduced", product)
    assert "byte for byte" in (await pages.get(f"/jobs/{job}")).text
    kinds = [event["kind"] for event in (await bob.get(f"/jobs/{job}/events")).json()]
    assert kinds[-1] == "job.provenance"  # the page hears it, and fetches itself anew


@pytest.mark.acceptance
async def test_what_a_reader_may_not_read_is_asked_for_by_the_page(service, bob, pages, product):
    own = service.root / "users" / "bob" / "stars.csv"
    own.rename(own.with_name("mine.csv"))
    refused = await pages.post(f"/products/{product}/again")
    assert refused.status_code == 422
    assert 'name="input.stars"' in refused.text
    assert "not open to you" in refused.text
    begun = await pages.post(f"/products/{product}/again", data={"input.stars": "mine.csv"})
    assert begun.status_code == 303


@pytest.mark.acceptance
async def test_with_changes_the_form_is_filled_from_the_product(bob, pages, product):
    page = (await pages.get(f"/avis/crossing/pipelines/match?again={product}")).text
    assert f'name="again_of" value="{product}"' in page
    assert 'value="stars.csv"' in page
    made = await sent(pages, again_of=product, **{"p.seed": "5"})
    job = made.headers["Location"].rpartition("/")[2]
    assert (await bob.get(f"/jobs/{job}")).json()["again_of"] == product
    assert (await pages.get("/avis/crossing/pipelines/other?again=p1")).status_code == 404


@pytest.mark.acceptance
async def test_the_form_offers_what_another_shared(pages, product):
    offered = (await sent(pages)).text
    assert f'href="/services/gavip/products/{product}">Look at Matches</a>' in offered
    assert "by ann" in offered


@pytest.mark.acceptance
async def test_of_what_is_not_shared_nothing_is_told(service, product):
    carl = service.hub.tokens["bob-token"] | {"name": "carl"}
    service.hub.tokens["carl-token"] = json.loads(json.dumps(carl).replace("!user=bob", "!user=carl"))
    async with service.client("carl-token") as client:
        for path in ("again", "prov", "crate", "crate/files"):
            answer = await client.get(f"/products/{product}/{path}")
            nowhere = await client.get(f"/products/p0000000000000000/{path}")
            assert answer.status_code == nowhere.status_code == 404
            assert answer.json()["message"].replace(product, "p0000000000000000") == nowhere.json()["message"]
        assert (await client.post(f"/products/{product}/again", json={})).status_code == 404


async def test_a_reader_gets_the_product_as_a_crate_of_a_workflow_with_its_files(ann, bob, product):
    await ann.post(f"/products/{product}", json={"licence": "cc-by-4.0"})
    crate = (await bob.get(f"/products/{product}/crate")).json()
    root = next(entity for entity in crate["@graph"] if entity["@id"] == "./")
    assert (root["name"], root["license"]) == ("Matches", {"@id": "https://spdx.org/licenses/CC-BY-4.0.html"})
    assert "https://w3id.org/ro/wfrun/workflow/0.5" in str(root["conformsTo"])
    whole = (await bob.get(f"/products/{product}/crate/files")).content
    with zipfile.ZipFile(io.BytesIO(whole)) as found:
        assert {"results/found.csv", "workflow/pipelines/match.ipynb"} <= set(found.namelist())
    assert "/jobs/" not in whole.decode("utf-8", "ignore")
    prov = (await bob.get(f"/products/{product}/prov")).json()
    assert "wasGeneratedBy" in prov


async def test_an_avi_answers_from_products_alone_when_its_owner_says_so(service, bob, pages, product):
    async with pages_of(service, "dora-token") as dora:
        page = (await dora.get("/projects/crossing")).text
        assert "Answer others from products only" in page
        await dora.post("/projects/crossing/answers", data={"answers": "products"})
    form = (await pages.get("/avis/crossing/pipelines/match")).text
    assert "Look it up" in form
    assert "memory_mb" not in form
    found = await sent(pages)
    assert (found.status_code, found.headers["Location"]) == (303, f"/services/gavip/products/{product}")
    lacking = (await sent(pages, **{"p.seed": "2"})).text
    assert "Not computed" in lacking
    assert "seed = 1" in lacking
    refused = await submit(bob)
    assert refused.status_code == 403
    assert "/avis/crossing/answers" in refused.json()["message"]
    asked = {"pipeline": "match", "parameters": {"stars": "stars.csv"}}
    answer = (await bob.post("/avis/crossing/answers", json=asked)).json()
    assert answer["answer"]["product"] == product
    assert (await bob.get("/jobs")).json()["items"] == []
