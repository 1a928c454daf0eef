"""Who is about to run what was run is offered it: just that, and nothing that they may not see."""

import pytest

from avi_kernel.protocol.products import ProductMake
from gavip_hub.domain.products import Kind, Reader
from gavip_hub.storage import recipes
from gavip_hub.storage.product_schema import Recipe, Share
from gavip_hub.storage.releases import PRIVATE
from gavip_hub.storage.schema import Job, Release
from tests.support.repeating import OTHER, STARS, RepeatDesk
from tests.support.statements import statements_of


@pytest.fixture
def desk(database, tmp_path):
    return RepeatDesk(database, tmp_path)


def nothing(_desk, _product):
    return {}


def asks(**values):
    return lambda _desk, _product: values


def other_release(desk, _product):
    desk.published("2.0")
    return {"version": "2.0"}


def change_release(**columns):
    def change(desk, _product):
        with desk.engine.database.transaction() as session:
            for name, value in columns.items():
                setattr(session.get(Release, "rmaps1.0"), name, value)
        return {}

    return change


def other_packages(desk, _product):
    desk.lock("e" * 32)
    return {}


def write(path, content, owner="bob"):
    def change(desk, _product):
        desk.write(path, content, owner=owner)
        return {"stars": path} if owner == "bob" else {}

    return change


def revoke(desk, product):
    [share] = desk.shares.of(owner="ann", product=product)
    desk.shares.revoke(owner="ann", product=product, share=share.id)
    return {}


def expire(desk, product):
    with desk.engine.database.transaction() as session:
        [share] = [row for row in session.query(Share) if row.product == product]
        share.expires_at = desk.clock.now()
    return {}


def remove(desk, product):
    desk.products.remove(owner="ann", product=product)
    return {}


def only_a_link(desk, product):
    revoke(desk, product)
    desk.share(product, Kind.LINK)
    return {}


def archive_release(desk, _product):
    desk.engine.config.archive_release = "Gaia DR4"
    return {}


def image(desk, _product):
    desk.image_digest = "sha256:" + "2" * 64
    return {}


def past_retention(desk, product):
    with desk.engine.database.transaction() as session:
        session.get(Job, desk.get("ann", product).job).archived_at = desk.clock.now()
    return {}


def deleted(desk, product):
    desk.jobs.delete(owner="ann", job=desk.get("ann", product).job)
    return {}


# What happens after the run or is asked instead of it, and whether the product is offered to bob.
NEAR_MISSES = {
    "the very same": (nothing, True),
    "a default left out": (asks(), True),
    "a default spelled out": (asks(radius=2.0, seed=1), True),
    "an integer where the type is a number": (asks(radius=2), True),
    "a number as text, as a form sends it": (asks(radius="2.0"), True),
    "a whole float where the type is an integer": (asks(seed=1.0), True),
    "another value": (asks(radius=2.5), False),
    "another seed": (asks(seed=2), False),
    "another pipeline with the same values": (asks(pipeline=OTHER), False),
    "another release": (other_release, False),
    "the same version of another commit": (change_release(commit="beef"), False),
    "other packages of the release": (other_packages, False),
    "another image of the same name": (image, False),
    "another data release of the archive": (archive_release, False),
    "other bytes under the same name": (write("stars.csv", b"ra,dec\n1,3\n"), False),
    "the same bytes under another name": (write("data/copy.csv", STARS), True),
    "a file that is not there": (asks(stars="none.csv"), False),
    "the input replaced after the run": (write("stars.csv", b"other", owner="ann"), True),
    "a share that was revoked": (revoke, False),
    "a share that ended": (expire, False),
    "a product that was removed": (remove, False),
    "a link, which is for who has it": (only_a_link, False),
    "an AVI that is private now": (change_release(visibility=PRIVATE), False),
    "a job past its retention": (past_retention, True),
    "a job that was deleted": (deleted, True),
    "somebody with whom it is not shared": (asks(who="carl"), False),
}


@pytest.mark.parametrize("case", NEAR_MISSES)
def test_what_is_just_the_same_is_offered_and_a_near_miss_is_not(shared_desk, case):
    change, expected = NEAR_MISSES[case]
    product = shared_desk.product
    found = shared_desk.offered(**change(shared_desk, product))
    assert (found.product if found else None) == (product if expected else None)


def test_an_offer_tells_who_made_it_when_and_where_it_is(shared_desk):
    found = shared_desk.offered()
    assert (found.owner, found.job, found.title) == ("ann", None, "match")
    assert found.url == f"/services/gavip/products/{shared_desk.product}"
    assert found.ended_at is not None


async def test_ones_own_job_comes_before_a_product(shared_desk):
    own = await shared_desk.end(shared_desk.submit(owner="bob"), owner="bob")
    assert shared_desk.offered().job == own


async def test_what_is_shared_with_a_group_is_offered_to_its_members_alone(desk):
    product = await desk.shared("group", "survey")
    assert desk.offered().product == product
    assert desk.offered(groups=[]) is None


@pytest.mark.parametrize(
    ("ending", "results"),
    [({"status": "error"}, None), ({}, ["log.txt"]), ({"meanwhile": True}, None)],
    ids=["a job that failed", "a part of the results", "an input that changed while the job ran"],
)
async def test_what_is_not_whole_or_not_known_is_offered_to_nobody(desk, ending, results):
    if ending.pop("meanwhile", False):
        ending["meanwhile"] = lambda: desk.write("stars.csv", b"changed")
    job = await desk.end(desk.submit(), **ending)
    product = desk.product_of(job, results=results)
    desk.write("stars.csv", STARS)
    desk.share(product, "everyone")
    assert desk.offered() is None


async def test_what_is_being_made_is_not_offered(desk):
    job = await desk.end(desk.submit())
    product = desk.products.make(owner="ann", groups=[], asked=ProductMake(job=job)).id
    with desk.engine.database.transaction() as session:
        session.add(Share(id="s", product=product, kind=Kind.EVERYONE, created_at=desk.clock.now()))
    assert desk.offered() is None
    desk.maker.look()
    assert desk.offered().product == product


def test_where_nobody_can_tell_what_jobs_run_in_nothing_is_offered(shared_desk):
    shared_desk.image_digest, shared_desk.engine.config.backend = "", "docker"
    assert shared_desk.offered() is None


async def test_a_product_that_was_ready_before_its_job_was_closed_is_offered_as_well(desk, monkeypatch):
    closing = desk.keeper._finish
    monkeypatch.setattr(desk.keeper, "_finish", lambda *_: None)
    product = await desk.shared()
    assert desk.offered() is None
    monkeypatch.setattr(desk.keeper, "_finish", closing)
    desk.keeper.look()
    assert desk.offered().product == product
    kinds = {node["kind"] for node in desk.get("ann", product).provenance["nodes"]}
    assert {"input", "image", "result"} <= kinds  # its chain is whole as well


def test_what_may_not_be_seen_costs_no_step_more(shared_desk):
    with shared_desk.engine.database.reading() as session:
        key = session.get(Recipe, shared_desk.product).key
        reader = Reader("carl", (), shared_desk.clock.now())
        asked = [
            statements_of(session, lambda session, key=key: recipes.with_key(session, reader, key))
            for key in (key, "none")
        ]
    assert [len(statements) for statements in asked] == [1, 1]


def test_products_from_before_the_platform_kept_recipes_get_theirs_after_a_start(shared_desk):
    with shared_desk.engine.database.transaction() as session:
        recipes.forget(session, shared_desk.product)
    assert shared_desk.offered() is None
    shared_desk.keeper.look()
    assert shared_desk.offered().product == shared_desk.product
