"""What a product comes of is run again by its readers: as jobs of theirs, with what they may read, and compared with it."""

import hashlib

import pytest

from avi_kernel.protocol.provenance import AnswerAsk
from gavip_hub.exceptions import BadParameter, Conflict, Forbidden, NotFound
from gavip_hub.services import comparing
from gavip_hub.storage import provenance
from gavip_hub.storage.releases import PRIVATE
from gavip_hub.storage.schema import Avi, Member, Release
from tests.support.products import GROUPS
from tests.support.repeating import STARS, RepeatDesk


@pytest.fixture
def desk(database, tmp_path):
    return RepeatDesk(database, tmp_path)


def again(desk, product, who="bob", **more):
    return desk.repeats.run(viewer=who, groups=GROUPS[who], product=product, **more)


def look(desk, product, who="bob"):
    return desk.repeats.look(viewer=who, groups=GROUPS[who], product=product)


async def repeated(desk, product, *, results=None, meanwhile=None, **more):
    """Let bob run it again to its end; return how it compares."""
    job = again(desk, product, **more).id
    ending = {"results": results} if results else {}
    await desk.end(job, owner="bob", meanwhile=meanwhile, **ending)
    return desk.compared(job)


async def test_a_reader_runs_it_again_as_a_job_of_their_own_and_it_is_reproduced(desk):
    product = await desk.shared(radius=3)
    job = again(desk, product)
    assert (job.avi, job.version, job.parameters) == (
        "maps",
        "1.0",
        {"stars": "stars.csv", "radius": 3.0, "seed": 1},
    )
    assert job.again_of == product
    await desk.end(job.id, owner="bob")
    found = desk.compared(job.id)
    assert (found.verdict, found.before, found.differences, found.changes) == ("reproduced", product, {}, [])


def test_what_is_compared_asks_archives_anew_and_what_is_not_does_not(shared_desk):
    engine = shared_desk.engine
    repeats = again(shared_desk, shared_desk.product).id, shared_desk.submit(owner="bob")
    told = [
        engine.specs().spec_for(engine.lifecycle.claim_one(job)).env.get("GAVIP_ASK_ANEW") for job in repeats
    ]
    assert told == ["1", None]


async def test_what_differs_is_told_by_value_and_by_file(shared_desk):
    desk, product = shared_desk, shared_desk.product
    found = await repeated(desk, product, results={"found.csv": b"a,b\n1,3\n", "more.txt": b"x"})
    assert found.verdict == "differs"
    assert found.differences == {
        "found.csv": "row 1, b: 2 became 3",
        "log.txt": "only the first run made it",
        "more.txt": "only the second run made it",
    }


async def test_once_a_comparison_took_its_time_nothing_more_is_compared_by_value(shared_desk, monkeypatch):
    monkeypatch.setattr(comparing, "MOST_SECONDS", 0.0)
    found = await repeated(shared_desk, shared_desk.product, results={"found.csv": b"a,b\n1,2.0\n"})
    assert found.verdict == "differs"
    assert "took too much time" in found.differences["found.csv"]


@pytest.mark.acceptance
async def test_of_a_part_of_the_results_that_part_is_compared(desk):
    product = desk.product_of(await desk.end(desk.submit()), results=["log.txt"])
    desk.share(product, "user", "bob")
    assert (await repeated(desk, product)).verdict == "reproduced"


QUERY = {
    "url": "https://a/tap",
    "archive": "Gaia",
    "release": "DR3",
    "adql": "SELECT 1",
    "rows": 10,
    "at": "2026-01-01T00:00:00Z",
}


async def test_since_when_it_differs_is_told(desk):
    product = desk.product_of(await desk.end(desk.submit(), queries=[QUERY]))
    desk.share(product, "user", "bob")
    desk.engine.config.archive_release = "Gaia DR4"
    desk.image_digest = "sha256:" + "2" * 64
    desk.lock("e" * 32)
    job = again(desk, product).id
    await desk.end(job, owner="bob", queries=[QUERY | {"rows": 11, "release": "DR4"}])
    words = " ".join(desk.compared(job).changes)
    for told in (
        "the image was sha256:111111111111 and is sha256:222222222222",
        "the packages of the release was not known and is eeeeeeeeeeee",
        "data release was Gaia DR3 and is Gaia DR4",
        "the number of rows of query 1 was 10 and is 11",
        "the data release of query 1 was DR3 and is DR4",
    ):
        assert told in words


async def test_another_release_and_another_value_are_told(shared_desk):
    desk, product = shared_desk, shared_desk.product
    desk.published("2.0", commit="beef")
    job = desk.submit(owner="bob", version="2.0", again_of=product, radius=4)
    await desk.end(job, owner="bob")
    words = desk.compared(job).changes
    assert "the release was maps 1.0 and is maps 2.0" in words
    assert "the commit was c0ffee and is beef" in words
    assert "parameter radius was 2.0 and is 4.0" in words


@pytest.mark.acceptance
async def test_a_file_of_ones_own_with_the_same_content_is_read_whatever_its_name(shared_desk):
    desk, product = shared_desk, shared_desk.product
    desk.write("stars.csv", b"other", owner="bob")
    desk.write("data/copy.csv", STARS, owner="bob")
    await desk.end(desk.submit(owner="bob", stars="data/copy.csv"), owner="bob")
    [one] = look(desk, product).inputs
    assert (one.path, one.yours) == ("stars.csv", "data/copy.csv")


async def test_an_input_that_is_shared_is_read_there(shared_desk):
    desk, product = shared_desk, shared_desk.product
    desk.write("stars.csv", b"other", owner="bob")
    assert look(desk, product).inputs[0].yours == ""
    stars = desk.made("stars.csv")
    desk.share(stars, "user", "bob")
    path = f"shared/me/ann/stars-csv-{stars[-7:]}/stars.csv"
    assert look(desk, product).inputs[0].yours == path
    job = again(desk, product)
    assert job.parameters["stars"] == path
    await desk.end(job.id, owner="bob")
    assert desk.compared(job.id).changes == []


async def test_an_input_that_its_owner_alone_may_read_is_told_before_and_asked_for(shared_desk):
    desk, product = shared_desk, shared_desk.product
    desk.write("stars.csv", b"other", owner="bob")
    [one] = look(desk, product).inputs
    assert (one.sha256, one.yours) == (hashlib.sha256(STARS).hexdigest(), "")
    with pytest.raises(BadParameter, match="not open to you") as refused:
        again(desk, product)
    assert refused.value.field == "inputs.stars"
    with pytest.raises(Conflict, match="does not hold what stars held"):
        again(desk, product, inputs={"stars": "stars.csv"})
    job = again(desk, product, inputs={"stars": "stars.csv"}, even_if_inputs_differ=True)
    await desk.end(job.id, owner="bob")
    assert any(words.startswith("input stars was ") for words in desk.compared(job.id).changes)


async def test_a_file_that_is_named_is_read(shared_desk):
    desk, product = shared_desk, shared_desk.product
    desk.write("stars.csv", b"other", owner="bob")
    desk.write("mine.csv", STARS, owner="bob")
    assert again(desk, product, inputs={"stars": "mine.csv"}).parameters["stars"] == "mine.csv"


@pytest.mark.parametrize(
    "inputs", [{"stars": "../ann/stars.csv"}, {"stars": "none.csv"}, {"radius": "stars.csv"}]
)
async def test_what_is_no_file_of_theirs_or_no_input_is_refused(shared_desk, inputs):
    desk, product = shared_desk, shared_desk.product
    with pytest.raises(BadParameter):
        again(desk, product, inputs=inputs, even_if_inputs_differ=True)


async def test_who_may_not_read_it_is_told_as_if_there_were_none(shared_desk):
    desk, product = shared_desk, shared_desk.product
    for ask in (look, again):
        with pytest.raises(NotFound):
            ask(desk, product, who="carl")
    with pytest.raises(BadParameter, match="open to you"):
        desk.submit(owner="carl", again_of=product)


async def test_who_may_not_use_its_avi_is_told_that(shared_desk):
    desk, product = shared_desk, shared_desk.product
    with desk.engine.database.transaction() as session:
        session.get(Release, "rmaps1.0").visibility = PRIVATE
    assert "no release 1.0 of 'maps' that is open to you" in look(desk, product).reason
    with pytest.raises(NotFound):
        again(desk, product)


@pytest.mark.acceptance
async def test_what_is_made_of_files_or_of_what_was_not_kept_is_not_run(desk):
    files = desk.made("stars.csv")
    unknown = desk.product_of(await desk.end(desk.submit(), meanwhile=lambda: desk.write("stars.csv", b"x")))
    for product, words in ((files, "made of files"), (unknown, "not known")):
        desk.share(product, "user", "bob")
        assert words in look(desk, product).reason
        with pytest.raises(Conflict, match=words):
            again(desk, product)


@pytest.mark.acceptance
async def test_it_outlives_its_job(shared_desk):
    desk, product = shared_desk, shared_desk.product
    desk.jobs.delete(owner="ann", job=desk.get("ann", product).job)
    with desk.engine.database.transaction() as session:
        provenance.forget(session, desk.get("ann", product).job)
    assert (await repeated(desk, product)).verdict == "reproduced"


@pytest.mark.acceptance
async def test_what_was_taken_back_meanwhile_is_not_compared(shared_desk):
    desk, product = shared_desk, shared_desk.product
    job = again(desk, product).id
    await desk.end(job, owner="bob")
    [share] = desk.shares.of(owner="ann", product=product)
    desk.shares.revoke(owner="ann", product=product, share=share.id)
    found = desk.compared(job)
    assert (found.verdict, found.differences) == ("not_compared", {})


async def test_the_chain_leads_to_the_product_while_it_may_be_read(shared_desk):
    desk, product = shared_desk, shared_desk.product
    job = await desk.end(again(desk, product).id, owner="bob")
    view = desk.provenance.of_job(owner="bob", job=job)
    [node] = [node for node in view.nodes if node.kind == "product"]
    assert node.url == f"/services/gavip/products/{product}"
    assert ("wasInfluencedBy", f"job:{job}", node.id) in {
        (e.relation, e.source, e.target) for e in view.edges
    }
    desk.products.remove(owner="ann", product=product)
    after = desk.provenance.of_job(owner="bob", job=job)
    assert "product" not in {node.kind for node in after.nodes}


async def test_a_comparison_is_told_as_waiting_until_it_is_made(shared_desk):
    desk, product = shared_desk, shared_desk.product
    job = again(desk, product).id
    assert desk.provenance.comparison(owner="bob", job=job).verdict == "waiting"
    await desk.end(job, owner="bob")
    assert desk.provenance.comparison(owner="bob", job=job).verdict == "waiting"
    assert desk.compared(job).verdict == "reproduced"


@pytest.fixture
def answering(shared_desk):
    """A desk at which everybody may read the product, of an AVI that answers others from products alone."""
    shared_desk.share(shared_desk.product, "everyone")
    with shared_desk.engine.database.transaction() as session:
        session.get(Avi, "maps").answers = "products"
    return shared_desk


def ask(desk, who="bob", **values):
    asked = AnswerAsk(pipeline="match", parameters={"stars": "stars.csv", **values})
    return desk.answers.ask(viewer=who, groups=GROUPS[who], avi="maps", ask=asked)


def test_an_avi_that_answers_from_products_runs_nothing_for_others(answering):
    with pytest.raises(Forbidden, match="answers from products"):
        answering.submit(owner="bob")
    with pytest.raises(Forbidden, match="answers from products"):
        again(answering, answering.product)
    assert answering.jobs.page(owner="bob").items == []


def test_its_own_people_run_jobs_of_it(answering):
    with answering.engine.database.transaction() as session:
        session.add(Member(avi="maps", user="bob", may="read", added_at=answering.clock.now()))
    assert answering.submit(owner="bob")
    assert not answering.answers.is_only(viewer="bob", avi="maps")
    assert not answering.answers.is_only(viewer="dora", avi="maps")


def test_what_was_computed_is_the_answer(answering):
    assert ask(answering, who="carl", radius=2).answer.product == answering.product


def test_else_what_there_is_is_told(answering):
    found = ask(answering, who="carl", radius=4)
    assert found.answer is None
    [there] = found.computed
    told = f"SHA-256 {hashlib.sha256(STARS).hexdigest()[:12]}…"
    assert there.parameters == {"radius": 2.0, "seed": 1, "stars": told}
    assert (there.offer.product, there.version) == (answering.product, "1.0")


def test_what_is_not_shared_with_the_asker_is_no_answer_and_is_not_told(shared_desk):
    found = ask(shared_desk, who="carl")
    assert (found.answer, found.computed) == (None, [])


@pytest.mark.parametrize("values", [{"radius": "wide"}, {"nothing": 1}])
def test_a_value_that_is_not_acceptable_is_refused(answering, values):
    with pytest.raises(BadParameter):
        ask(answering, **values)


def left(desk):
    """Let bob leave the group, of which his sign-in still tells."""
    desk.showing.know_members({"survey": ["ann"]})


@pytest.fixture
def group_desk(shared_desk):
    """A desk at which ann shares a product with the group alone that bob is in."""
    for share in shared_desk.shares.of(owner="ann", product=shared_desk.product):
        shared_desk.shares.revoke(owner="ann", product=shared_desk.product, share=share.id)
    shared_desk.share(shared_desk.product, "group", "survey")
    shared_desk.know_groups()
    return shared_desk


async def test_whoever_left_a_group_while_their_job_ran_learns_nothing_of_what_it_holds(group_desk):
    desk, product = group_desk, group_desk.product
    job = again(desk, product).id
    await desk.end(job, owner="bob", meanwhile=lambda: left(desk))
    with pytest.raises(NotFound):
        desk.compared(job)
    told = desk.provenance.of_job(owner="bob", job=job)
    assert f"product:{product}" not in {node.id for node in told.nodes}


async def test_whoever_leaves_a_group_before_the_comparison_is_made_gets_none(group_desk):
    desk, product = group_desk, group_desk.product
    job = again(desk, product).id
    await desk.end(job, owner="bob")
    left(desk)
    assert desk.compared(job).verdict == "not_compared"


def test_whoever_left_a_group_is_offered_nothing_of_it_whatever_their_sign_in_tells(group_desk):
    desk, product = group_desk, group_desk.product
    assert desk.offered("bob").product == product
    left(desk)
    assert desk.offered("bob") is None
    assert ask(desk).answer is None
    with pytest.raises(NotFound):
        look(desk, product)
    with pytest.raises(BadParameter):
        desk.submit(owner="bob", again_of=product)


def test_whoever_came_to_a_group_runs_again_what_it_holds_before_their_sign_in_tells(group_desk):
    desk, product = group_desk, group_desk.product
    desk.showing.know_members({"survey": ["ann", "carl"]})
    assert again(desk, product, who="carl").again_of == product
