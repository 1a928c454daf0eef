"""The chain of a job that reads a product of somebody else leads on to what that came of."""

import hashlib

import pytest

from avi_kernel.protocol.products import ProductChange, ProductMake
from avi_kernel.protocol.provenance import ProvenanceView
from gavip_hub.services import chain
from gavip_hub.services.provenance import ProvenanceService
from gavip_hub.services.provenance_export import CrateOf, crate_json, facts_of, prov_json
from gavip_hub.storage.provenance_schema import Input
from tests.support.products import ProductDesk

CONTENT = b"ra,dec\n1,2\n"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def desk(database, tmp_path):
    return ProductDesk(database, tmp_path)


@pytest.fixture
def provenance(desk):
    found = ProvenanceService(database=desk.engine.database, clock=desk.clock, reader=desk.showing.reader)
    desk.products._drafts._snapshot = found.snapshot
    return found


async def completed(desk, owner):
    job = desk.engine.submit(owner=owner).id
    async with desk.engine.loop():
        await desk.engine.until_state(job, "RUNNING")
        desk.engine.complete(job, results={"m45.csv": CONTENT, "other.csv": b"other"})
        await desk.engine.until_state(job, "COMPLETED")
    return job


def reads(desk, job, path, product):
    """Note that a job read a file of a product, as its submission does."""
    row = Input(
        job=job, parameter="stars", path=path, size=len(CONTENT), sha256=DIGEST, product=product, state="same"
    )
    with desk.engine.database.transaction() as session:
        session.add(row)


@pytest.fixture
async def read(desk, provenance):
    """A product of a job of ann's, and a job of bob's that read a file of it."""
    made = await completed(desk, "ann")
    product = desk.products.make(owner="ann", groups=[], asked=ProductMake(job=made, title="M45")).id
    desk.maker.look()
    desk.share(product, "user", "bob")
    job = desk.engine.submit(owner="bob").id
    reads(desk, job, f"{desk.get('bob', product).container_path}/m45.csv", product)
    return job, product, made


def edges(view: ProvenanceView):
    return {(edge.source, edge.target, edge.relation) for edge in view.edges}


async def test_it_leads_from_the_input_over_the_product_to_the_job_and_person_that_made_it(provenance, read):
    job, product, made = read
    view = provenance.of_job(owner="bob", job=job)
    assert edges(view) >= {
        (f"job:{job}", f"input:{DIGEST}", "used"),
        (f"input:{DIGEST}", f"product:{product}", "wasDerivedFrom"),
        (f"product:{product}", f"result:{made}:m45.csv", "wasDerivedFrom"),
        (f"result:{made}:m45.csv", f"job:{made}", "wasGeneratedBy"),
        (f"job:{made}", "person:ann", "wasAssociatedWith"),
        (f"job:{made}", "release:stars:1.0", "used"),
    }
    nodes = {node.id: node for node in view.nodes}
    assert facts_of(nodes[f"input:{DIGEST}"])["SHA-256"] == DIGEST
    assert facts_of(nodes[f"product:{product}"])["made by"] == "ann"
    assert f"result:{made}:other.csv" not in nodes


async def test_it_leads_nobody_to_pages_that_are_another_s(provenance, read):
    job, product, made = read
    urls = {node.id: node.url for node in provenance.of_job(owner="bob", job=job).nodes}
    assert (urls[f"job:{made}"], urls[f"result:{made}:m45.csv"]) == ("", "")
    assert urls[f"product:{product}"] == f"/services/gavip/products/{product}"
    assert urls["release:stars:1.0"]


async def test_what_it_was_read_from_stays_known_and_nothing_new_is_told(desk, provenance, read):
    job, product, made = read
    change = ProductChange(title="A secret title")
    desk.products.describe(owner="ann", product=product, change=change)
    desk.products.remove(owner="ann", product=product)
    view = provenance.of_job(owner="bob", job=job)
    assert f"job:{made}" in {node.id for node in view.nodes}
    assert "secret" not in view.model_dump_json()
    assert next(node.url for node in view.nodes if node.kind == "product") == ""


async def test_prov_and_crate_tell_it_too(provenance, read):
    job, product, made = read
    view = provenance.of_job(owner="bob", job=job)
    crate = crate_json(CrateOf(view=view, base="https://g"))
    for text in (prov_json(view, base="https://g"), crate):
        for word in (product, made, "ann", DIGEST):
            assert word in text
    assert "isBasedOn" in crate


async def test_a_chain_that_is_too_long_says_so(monkeypatch, provenance, read):
    monkeypatch.setattr(chain, "MOST_NODES", 8)
    view = provenance.of_job(owner="bob", job=read[0])
    assert any("too much for one chain" in words for words in view.notes)


async def test_a_product_of_a_product_keeps_the_whole_way(desk, provenance, read):
    job, product, made = read
    async with desk.engine.loop():
        await desk.engine.until_state(job, "RUNNING", owner="bob")
        desk.engine.complete(job, results={"found.csv": b"found"})
        await desk.engine.until_state(job, "COMPLETED", owner="bob")
    further = desk.products.make(owner="bob", groups=[], asked=ProductMake(job=job, title="Counted")).id
    desk.maker.look()
    last = desk.engine.submit(owner="carl").id
    leaf = f"counted-{further[-7:]}"
    reads(desk, last, f"shared/me/bob/{leaf}/found.csv", further)
    view = provenance.of_job(owner="carl", job=last)
    ids = {node.id for node in view.nodes}
    assert ids >= {f"product:{further}", f"job:{job}", f"product:{product}", f"job:{made}"}


@pytest.mark.parametrize("is_shared", [True, False])
async def test_a_copy_tells_the_product_that_it_is_the_same_as_to_who_may_read_that(
    desk, provenance, is_shared
):
    desk.write("data/m45.csv", CONTENT)
    product = desk.made(title="M45")
    share = desk.share(product, "user", "bob")
    job = desk.engine.submit(owner="bob").id
    reads(desk, job, "data/copy.csv", None)
    if not is_shared:
        desk.shares.revoke(owner="ann", product=product, share=share.id)
    view = provenance.of_job(owner="bob", job=job)
    [told] = [facts_of(node) for node in view.nodes if node.kind == "input"]
    words = f"m45.csv of the product {product} by ann"
    assert told.get("the same bytes as") == (words if is_shared else None)
