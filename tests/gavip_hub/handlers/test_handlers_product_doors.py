"""Forms tell of products to whom the API tells of them, and files that are looked at whole are so few at once that others have theirs."""

import asyncio
import itertools
import threading

import pytest

from gavip_hub import rounds
from gavip_hub.backends.comparing import Comparer
from gavip_hub.services.known_inputs import KnownInputs
from tests.gavip_hub.handlers.test_handlers_again_products import product
from tests.gavip_hub.handlers.test_handlers_provenance import crossing, end, run, sent, stars
from tests.support.service import pages_of, person

__all__ = ["crossing", "product", "stars"]
ASKED = {"pipeline": "match", "parameters": {"stars": "stars.csv"}}


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(rounds, "PROVENANCE_SECONDS", 0.05)
    monkeypatch.setattr(rounds, "PRODUCT_SECONDS", 0.05)


@pytest.fixture
async def narrow(service, ann, product):
    """Bob by a token that reads no products, of which one is shared with everyone."""
    await ann.post(f"/products/{product}/shares", json={"kind": "everyone"})
    scopes = ("read:avis", "read:jobs", "submit:jobs", "read:files")
    service.hub.tokens["narrow-token"] = person("bob", scopes=scopes)
    async with pages_of(service, "narrow-token") as pages:
        yield pages


@pytest.mark.acceptance
async def test_who_reads_no_products_gets_no_form_filled_from_one(narrow, product):
    assert (await narrow.get(f"/avis/crossing/pipelines/match?again={product}")).status_code == 403


@pytest.mark.acceptance
async def test_who_reads_no_products_is_offered_none(narrow):
    assert (await sent(narrow)).status_code == 303  # it is run


async def test_who_reads_no_products_gets_no_answers_from_them(service, narrow):
    async with pages_of(service, "dora-token") as dora:
        await dora.post("/projects/crossing/answers", data={"answers": "products"})
    answered = await sent(narrow, **{"p.seed": "2"})
    assert answered.status_code == 403
    assert "seed = 1" not in answered.text


@pytest.fixture
async def hashing(service, monkeypatch):
    """Holds whatever looks at a whole file, until it is let go."""
    go_on = threading.Event()
    real = KnownInputs.hash

    def held(known, owner, path):
        go_on.wait(20)
        return real(known, owner, path)

    monkeypatch.setattr(KnownInputs, "hash", held)
    yield go_on
    go_on.set()


DOORS = {
    "again": lambda client, product: client.get(f"/products/{product}/again"),
    "run": lambda client, product: client.post(f"/products/{product}/again", json={}),
    "crate": lambda client, product: client.get(f"/products/{product}/crate"),
    "answers": lambda client, product: client.post("/avis/crossing/answers", json=ASKED),
}


@pytest.mark.parametrize(
    "door",
    [door if door == "answers" else pytest.param(door, marks=pytest.mark.acceptance) for door in DOORS],
)
async def test_one_person_has_two_files_looked_at_whole_at_once(bob, product, hashing, door):
    asked = [asyncio.create_task(DOORS[door](bob, product)) for _ in range(5)]
    refused = [await one for one in itertools.islice(asyncio.as_completed(asked, timeout=10), 3)]
    assert {answer.json()["error"] for answer in refused} == {"no_room"}
    hashing.set()
    assert sum(answer.is_success for answer in await asyncio.gather(*asked)) == 2


@pytest.mark.acceptance
async def test_what_draws_out_a_comparison_keeps_no_provenance_waiting(
    service, ann, crossing, stars, monkeypatch
):
    go_on = threading.Event()
    monkeypatch.setattr(Comparer, "difference", lambda *_: str(go_on.wait(20)))
    before = await run(service, ann)
    again = (await ann.post(f"/jobs/{before}/again", json={})).json()["id"]
    await end(service, ann, again, content=b"other\n")
    try:
        await asyncio.wait_for(run(service, ann, content=b"third\n"), 10)  # until all is kept of it
        assert (await ann.get(f"/jobs/{again}/comparison")).json()["verdict"] == "waiting"
    finally:
        go_on.set()
