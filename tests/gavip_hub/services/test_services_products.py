"""Products never change once they are made, and are read by whom their owner says, for as long as they say."""

import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from unittest.mock import patch

import pytest

from avi_kernel.protocol.products import ProductChange, ProductMake, ShareMake
from gavip_hub.config import MB
from gavip_hub.exceptions import BadParameter, Conflict, Forbidden, NotFound, SpaceFull
from gavip_hub.services.shared_files import SharedFiles
from gavip_hub.services.shares import Followed
from gavip_hub.services.spaces import SpaceMeasurer
from gavip_hub.storage import blobs
from gavip_hub.storage.userfiles import LARGEST_HOLE
from tests.support.products import GROUPS, Killed, ProductDesk, dies_at


@pytest.fixture
def desk(database, tmp_path):
    return ProductDesk(database, tmp_path)


@pytest.fixture
def product(desk):
    desk.write("data/maps/a.csv", b"a")
    desk.write("data/b.csv", b"b")
    return desk.made(title="Maps of M45")


def leaf(desk, product):
    return f"maps-of-m45-{product[-7:]}"


def test_a_product_holds_what_lay_there(desk, product):
    view = desk.get("ann", product)
    assert (view.state, view.files, view.bytes) == ("READY", 2, 2)
    assert desk.read("ann", product, "maps/a.csv") == b"a"


def test_what_its_owner_writes_later_never_reaches_it(desk, product):
    desk.write("data/b.csv", b"changed")
    assert desk.read("ann", product, "b.csv") == b"b"


def test_a_file_by_itself_is_a_product(desk):
    desk.write("data/b.csv", b"b")
    assert desk.read("ann", desk.made("data/b.csv"), "b.csv") == b"b"


def test_equal_files_are_kept_once(desk, product):
    desk.write("again/b.csv", b"b")
    desk.made("again")
    assert desk.kept() == {hashlib.sha256(content).hexdigest() for content in (b"a", b"b")}


def test_hidden_files_and_links_are_left_out(desk, tmp_path):
    (tmp_path / "secret").write_text("not theirs")
    desk.write("data/b.csv", b"b")
    desk.write("data/.ssh/key")
    (tmp_path / "users/ann/data/way").symlink_to(tmp_path / "secret")
    (tmp_path / "users/ann/data/out").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "users/ann/data/pipe")
    assert desk.get("ann", desk.made()).files == 1


@pytest.mark.parametrize("path", ["../bob", ".ssh", "shared/me/bob", "", "nothing", "way", "way/b.csv"])
def test_what_is_no_path_of_ones_own_is_refused(desk, tmp_path, path):
    desk.write("b.csv", owner="bob")
    desk.write("data/b.csv")
    (tmp_path / "users/ann/way").symlink_to(tmp_path / "users/bob")
    with pytest.raises((BadParameter, NotFound)):
        desk.begin(path)


def test_a_file_of_holes_is_refused(desk, tmp_path):
    with desk.write("data/hole.bin").open("r+b") as file:
        file.truncate(LARGEST_HOLE + 1)
    view = desk.get("ann", desk.made())
    assert (view.state, "holes" in view.reason) == ("FAILED", True)


def test_a_file_that_is_always_written_is_refused(desk, monkeypatch):
    written = desk.write("data/b.csv", b"b")
    real = blobs._Aside.fill

    def fill(self, *given):
        real(self, *given)
        written.write_bytes(b"c")
        os.utime(written, ns=(1, time.monotonic_ns()))

    monkeypatch.setattr(blobs._Aside, "fill", fill)
    view = desk.get("ann", desk.made())
    assert (view.state, "while it was copied" in view.reason) == ("FAILED", True)
    assert desk.left_over() == []


def test_a_file_that_was_written_once_is_copied_again(desk, monkeypatch):
    written = desk.write("data/b.csv", b"b")
    real, calls = blobs._Aside.fill, []

    def fill(self, *given):
        real(self, *given)
        calls.append(1)
        if len(calls) == 1:
            written.write_bytes(b"c")
            os.utime(written, ns=(1, 1))

    monkeypatch.setattr(blobs._Aside, "fill", fill)
    assert desk.read("ann", desk.made(), "b.csv") == b"c"


def test_what_does_not_fit_the_quota_is_refused(desk):
    desk.engine.config.quota = {**desk.engine.config.quota, "space_mb": 1}
    desk.write("data/large.bin", b"\0" * 3_000_000)
    with pytest.raises(SpaceFull):
        desk.begin()


def of_job(desk, job, **more):
    asked = ProductMake(job=job, **more)
    product = desk.products.make(owner="ann", groups=[], asked=asked).id
    desk.maker.look()
    return product


async def completed(desk, **results):
    job = desk.engine.submit().id
    async with desk.engine.loop():
        await desk.engine.until_state(job, "RUNNING")
        desk.engine.complete(job, results={f"{name}.txt": content for name, content in results.items()})
        await desk.engine.until_state(job, "COMPLETED")
    return job


async def test_results_of_a_job_are_a_product_with_its_software(desk):
    job = await completed(desk, one=b"1", two=b"2")
    view = desk.get("ann", of_job(desk, job))
    assert (view.state, view.files, view.job, view.avi, view.avi_title) == ("READY", 2, job, "stars", "Stars")
    assert "Made with Stars 1.0 by ann" in view.citation


async def test_some_results_of_a_job_are_a_product(desk):
    product = of_job(desk, await completed(desk, one=b"1", two=b"2"), results=["two.txt"])
    assert desk.read("ann", product, "two.txt") == b"2"
    assert desk.get("ann", product).files == 1


async def test_a_result_that_is_not_what_the_job_made_is_refused(desk):
    job = await completed(desk, one=b"1")
    file = desk.root / f"users/ann/jobs/{job}/1/results/one.txt"
    file.chmod(0o644)
    file.write_bytes(b"2")
    view = desk.get("ann", of_job(desk, job))
    assert (view.state, "not what its job made" in view.reason) == ("FAILED", True)


@pytest.mark.parametrize("asked", [{}, {"results": ["none.txt"]}])
def test_a_job_without_such_results_is_refused(desk, asked):
    with pytest.raises(BadParameter, match=r"no result"):
        of_job(desk, desk.engine.submit().id, **asked)


def test_a_job_of_somebody_else_is_none(desk):
    job = desk.engine.submit(owner="bob").id
    with pytest.raises(NotFound):
        of_job(desk, job)


# Who reads what: roles x acts. Of each share, who may read by it.
READERS = {
    ("user", "bob"): {"ann", "bob"},
    ("group", "survey"): {"ann", "bob"},
    ("everyone", ""): {"ann", "bob", "carl", "eve"},
    ("link", ""): {"ann"},
}
PEOPLE = ("ann", "bob", "carl", "eve")


def may(act, *given, **more):
    try:
        act(*given, **more)
    except NotFound:
        return False
    return True


def readers(desk, product):
    """Return who reads it, by API and list alike."""
    found = {who for who in PEOPLE if may(desk.get, who, product)}
    assert {who for who in PEOPLE if may(desk.read, who, product, "b.csv")} == found
    listed = {
        who
        for who in PEOPLE
        for which in ("mine", "shared")
        if product
        in {one.id for one in desk.products.page(viewer=who, groups=GROUPS[who], which=which).items}
    }
    assert listed == found
    return found


@pytest.mark.parametrize(("kind", "subject"), READERS)
def test_whom_it_is_shared_with_reads_it_and_nobody_else(desk, product, kind, subject):
    desk.share(product, kind, subject)
    assert readers(desk, product) == READERS[kind, subject]


@pytest.mark.parametrize(("kind", "subject"), READERS)
def test_nobody_reads_it_any_more_once_it_is_revoked(desk, product, kind, subject):
    share = desk.share(product, kind, subject)
    desk.shares.revoke(owner="ann", product=product, share=share.id)
    assert (readers(desk, product), desk.shown()) == ({"ann"}, {})


@pytest.mark.parametrize(("kind", "subject"), READERS)
def test_nobody_reads_it_any_more_once_it_has_ended(desk, product, kind, subject):
    desk.know_groups()
    desk.share(product, kind, subject, days=7)
    desk.clock.advance(timedelta(days=8).total_seconds())
    desk.maker.look()
    assert (readers(desk, product), desk.shown()) == ({"ann"}, {})


@pytest.mark.parametrize("who", ["bob", "carl"])
def test_readers_and_strangers_neither_share_nor_change_nor_remove(desk, product, who):
    desk.share(product, "user", "bob")
    acts = [
        lambda: desk.shares.of(owner=who, product=product),
        lambda: desk.shares.make(owner=who, groups=[], product=product, asked=ShareMake(kind="everyone")),
        lambda: desk.products.describe(owner=who, product=product, change=ProductChange(title="mine")),
        lambda: desk.products.remove(owner=who, product=product),
    ]
    for act in acts:
        with pytest.raises(Forbidden if who == "bob" else NotFound):
            act()


def test_users_find_it_in_their_own_folder_alone(desk, product):
    desk.share(product, "user", "bob")
    assert set(desk.shown()) == {
        f"me/{who}/ann/{leaf(desk, product)}/{path}"
        for who in ("ann", "bob")
        for path in ("b.csv", "maps/a.csv")
    }
    for who in ("ann", "bob"):
        assert desk.get(who, product).container_path == f"shared/me/ann/{leaf(desk, product)}"


def test_members_find_it_in_folders_of_their_own_and_strangers_do_not(desk, product):
    desk.share(product, "group", "survey")
    desk.know_groups()
    assert {path.split("/")[1] for path in desk.shown()} == {"ann", "bob"}
    assert desk.get("bob", product).container_path == f"shared/groups/survey/ann/{leaf(desk, product)}"


def test_who_leaves_the_group_finds_it_no_more(desk, product):
    desk.share(product, "group", "survey")
    desk.know_groups()
    desk.showing.know_members({"survey": ["ann"]})
    assert {path.split("/")[1] for path in desk.shown()} == {"ann"}


def test_what_readers_find_cannot_be_written_through(desk, product):
    desk.share(product, "everyone")
    for path in (desk.root / "shared/everyone/ann").rglob("*"):
        assert path.stat().st_mode & 0o222 == (0o200 if path.is_dir() else 0)


def test_a_link_lets_who_has_it_read_until_it_is_revoked(desk, product):
    share = desk.share(product, "link")
    secret = share.url.rpartition("/")[2]
    assert desk.shares.linked(secret) == Followed(product=product, ends_at=None)
    desk.shares.revoke(owner="ann", product=product, share=share.id)
    for tried in (secret, "", "x" * 43):
        with pytest.raises(NotFound):
            desk.shares.linked(tried)


def test_the_secret_of_a_link_is_kept_nowhere(desk, product):
    desk.share(product, "link")
    [told] = desk.shares.of(owner="ann", product=product)
    assert told.url == ""


def test_one_is_not_shared_with_the_same_reader_twice(desk, product):
    desk.share(product, "user", "bob")
    with pytest.raises(Conflict, match="already"):
        desk.share(product, "user", " Bob ")


@pytest.mark.parametrize(
    ("kind", "subject"),
    [("user", "ann"), ("user", ""), ("user", "../eve"), ("group", "others"), ("group", "")],
)
def test_whom_it_cannot_be_shared_with_is_said(desk, product, kind, subject):
    with pytest.raises(BadParameter):
        desk.share(product, kind, subject)


def test_a_removed_product_is_gone_for_everybody_and_from_the_disk(desk, product):
    desk.share(product, "everyone")
    desk.products.remove(owner="ann", product=product)
    desk.maker.collect()
    assert (desk.shown(), desk.kept()) == ({}, set())
    assert not may(desk.get, "ann", product)


def test_a_content_that_another_product_holds_stays(desk, product):
    desk.write("again/b.csv", b"b")
    other = desk.made("again")
    desk.products.remove(owner="ann", product=product)
    desk.maker.collect()
    assert desk.read("ann", other, "b.csv") == b"b"


def test_it_is_cited_by_its_title_and_number(desk, product):
    view = desk.get("ann", product)
    assert f"Maps of M45. GAVIP product {product}, https://g/products/{product}" in view.citation
    assert view.bibtex.startswith(f"@misc{{gavip-{product},")


def test_pages_of_products_follow_one_another(desk):
    desk.write("data/b.csv")
    made = [desk.begin().id for _ in range(3)]
    desk.clock.advance(1)
    first = desk.products.page(viewer="ann", groups=[], limit=2)
    rest = desk.products.page(viewer="ann", groups=[], limit=2, before=first.next)
    assert sorted(one.id for one in [*first.items, *rest.items]) == sorted(made)
    assert rest.next is None


# Whatever step the process ends at: after the next start disk and database agree.
STEPS = [
    ("blobs", "keep", False),
    ("blobs", "keep", True),
    ("blobs", "_put", False),
    ("maker", "_end", False),
    ("maker", "_end", True),
    ("trees", "put", False),
    ("trees", "_fill", True),
    ("trees", "put", True),
]


@pytest.mark.parametrize(("part", "name", "after"), STEPS)
def test_a_product_is_whole_after_a_crash_at_any_step_of_making(desk, monkeypatch, part, name, after):
    desk.write("data/a.csv", b"a")
    desk.write("data/b.csv", b"b")
    product = desk.begin(title="Maps").id
    desk.share(product, "user", "bob")
    with monkeypatch.context() as patch:
        dies_at(patch, getattr(desk, part), name, after=after)
        with pytest.raises(Killed):
            desk.maker.look()
    desk.again()
    desk.maker.look()
    assert desk.get("bob", product).state == "READY"
    assert {path.rpartition("/")[2]: content for path, content in desk.shown().items()} == {
        "a.csv": b"a",
        "b.csv": b"b",
    }
    assert (len(desk.kept()), desk.left_over()) == (2, [])


@pytest.mark.parametrize(("part", "name", "after"), [("showing", "settle", False), ("trees", "take", False)])
@pytest.mark.parametrize("act", ["revoke", "remove"])
def test_nothing_is_shown_after_a_crash_while_it_is_taken_back(
    desk, product, monkeypatch, part, name, after, act
):
    share = desk.share(product, "user", "bob")
    acts = {
        "revoke": lambda: desk.shares.revoke(owner="ann", product=product, share=share.id),
        "remove": lambda: desk.products.remove(owner="ann", product=product),
    }
    with monkeypatch.context() as patch:
        dies_at(patch, getattr(desk, part), name, after=after)
        with pytest.raises(Killed):
            acts[act]()
    desk.again()
    desk.maker.look()
    assert (desk.shown(), desk.left_over()) == ({}, [])
    assert len(desk.kept()) == (2 if act == "revoke" else 0)


def test_a_folder_that_the_platform_did_not_make_stays(desk, product):
    kept = desk.root / "shared/everyone/catalogues/gaia/readme.txt"
    kept.parent.mkdir(parents=True)
    kept.write_text("an operator's")
    desk.again()
    desk.maker.look()
    assert kept.is_file()


def test_a_tree_that_no_share_names_is_removed_at_the_start(desk, product):
    desk.share(product, "user", "bob")
    stray = desk.root / "shared/me/eve/ann" / leaf(desk, product)
    stray.mkdir(parents=True)
    desk.again()
    desk.maker.look()
    assert not stray.exists()
    assert desk.shown()


def test_a_look_at_all_settles_what_differs_alone(desk, product):
    other = desk.made(title="Maps of M45")
    for one in (product, other):
        desk.share(one, "user", "bob")
    shown = desk.shown()
    desk.trees.take(("me", "bob", "ann", leaf(desk, other)))
    assert desk.shown() != shown
    with patch.object(desk.showing, "settle", wraps=desk.showing.settle) as settled:
        desk.showing.settle_all()
    settled.assert_called_once_with(other)
    assert desk.shown() == shown


def test_what_members_of_a_group_see_stays_until_the_hub_says_who_they_are(desk, product):
    desk.share(product, "group", "survey")
    desk.know_groups()
    desk.again()
    desk.maker.look()
    assert {path.split("/")[1] for path in desk.shown()} == {"ann", "bob"}


def test_what_is_shared_is_listed_and_read_for_its_reader_alone(desk, product):
    desk.share(product, "user", "bob")
    files = SharedFiles(root=desk.root)
    place = ["shared", "me", "ann", leaf(desk, product)]
    assert [one.name for one in files.listed("bob", place).found] == ["maps", "b.csv"]
    with files.open("bob", [*place, "maps", "a.csv"]) as file:
        assert file.read() == b"a"
    for who, parts in (("eve", [*place, "b.csv"]), ("bob", ["shared", "other"]), ("bob", ["shared", "me"])):
        with pytest.raises(NotFound):
            files.open(who, parts)
    assert files.listed("eve", ["shared", "me"]).found == []


def test_products_count_for_their_owners_quota(desk, product):
    measurer = SpaceMeasurer(
        database=desk.engine.database,
        user_spaces=desk.engine.user_spaces,
        config=desk.engine.config,
        clock=desk.clock,
    )
    desk.write("large/file.bin", b"\1" * 3_000_000)
    desk.made("large")
    (desk.root / "users/ann/large/file.bin").unlink()
    measurer.look()
    pool = desk.engine.quotas.user_pool(owner="ann", groups=[])
    assert pool.space_used_mb == 3_000_000 // MB


def test_a_share_that_could_not_be_taken_back_at_once_is_by_the_next_round(desk, product, monkeypatch):
    share = desk.share(product, "user", "bob")
    with monkeypatch.context() as patch:
        dies_at(patch, desk.trees, "take")
        with pytest.raises(Killed):
            desk.shares.revoke(owner="ann", product=product, share=share.id)
    desk.showing.look()
    assert desk.shown() == {}


def test_who_shares_and_revokes_at_the_same_moment_leaves_what_the_rows_say(desk, product):
    def back_and_forth(reader):
        for _ in range(5):
            share = desk.share(product, "user", reader)
            desk.shares.revoke(owner="ann", product=product, share=share.id)
        desk.share(product, "user", reader)

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(back_and_forth, ["bob", "carl", "eve"]))
    assert {path.split("/")[1] for path in desk.shown()} == {"ann", "bob", "carl", "eve"}
    assert desk.left_over() == []
