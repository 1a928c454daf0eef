"""Who tries to see, to keep or to give away what is not theirs: races, names that are alike, and what is only known late."""

import io
import os
from datetime import timedelta
from zipfile import ZipFile

import pytest

from avi_kernel.protocol.products import ProductChange, ShareMake
from gavip_hub.exceptions import Forbidden, NotFound, Unavailable
from gavip_hub.services.inputs import InputFiles
from gavip_hub.services.product_archives import archive_of
from gavip_hub.services.readers import REST, ReaderService
from gavip_hub.services.shared_files import SharedFiles
from gavip_hub.services.shared_inputs import opening_shared
from gavip_hub.storage.userfiles import UserFiles
from gavip_hub.storage.zipping import PIECE
from tests.support.products import GROUPS, ProductDesk


@pytest.fixture
def desk(database, tmp_path):
    return ProductDesk(database, tmp_path)


@pytest.fixture
def product(desk):
    desk.write("data/b.csv", b"b")
    return desk.made(title="Maps")


def seers(desk):
    """Return who finds something below `shared` beside the owner."""
    return {path.split("/")[1] for path in desk.shown()} - {"ann"}


def test_a_member_of_the_group_is_told_that_it_is_another_s(desk, product):
    desk.share(product, "group", "survey")
    asked = {"owner": "bob", "groups": GROUPS["bob"], "product": product}
    acts = [
        lambda: desk.shares.of(**asked),
        lambda: desk.shares.make(**asked, asked=ShareMake(kind="everyone")),
        lambda: desk.shares.revoke(**asked, share="any"),
        lambda: desk.products.describe(**asked, change=ProductChange(title="mine")),
        lambda: desk.products.remove(**asked),
    ]
    for act in acts:
        with pytest.raises(Forbidden):
            act()


def test_a_share_ends_while_a_large_product_is_being_copied(desk, product, monkeypatch):
    desk.share(product, "user", "bob", days=7)
    desk.write("large/b.csv")
    real, seen = desk.blobs.keep, []

    def keep(*given, **more):
        desk.clock.advance(timedelta(days=8).total_seconds())
        desk.showing.look()
        seen.append(desk.shown())
        return real(*given, **more)

    monkeypatch.setattr(desk.blobs, "keep", keep)
    desk.made("large")
    assert seen == [{}]


@pytest.mark.parametrize("door", ["get", "read", "page"])
def test_who_left_the_group_reads_it_no_more_though_their_sign_in_says_so(desk, product, door):
    desk.share(product, "group", "survey")
    desk.showing.know_members({"survey": ["ann", "bob"]})
    assert desk.get("bob", product).container_path
    desk.showing.know_members({"survey": ["ann"]})
    if door == "page":
        assert desk.products.page(viewer="bob", groups=["survey"], which="shared").items == []
        return
    with pytest.raises(NotFound):
        desk.get("bob", product) if door == "get" else desk.read("bob", product, "b.csv")


def test_who_came_into_the_group_reads_it_before_their_sign_in_says_so(desk, product):
    desk.share(product, "group", "survey")
    desk.showing.know_members({"survey": ["ann", "carl"]})
    assert desk.read("carl", product, "b.csv") == b"b"
    assert seers(desk) == {"carl"}


def test_members_that_nobody_asks_after_any_more_are_forgotten(desk, product):
    share = desk.share(product, "group", "survey")
    desk.showing.know_members({"survey": ["ann", "bob"]})
    desk.shares.revoke(owner="ann", product=product, share=share.id)
    assert desk.showing.keep_members(set()) == set()
    desk.share(product, "group", "survey")
    assert seers(desk) == set()
    assert desk.showing.keep_members({"survey"}) == {"survey"}


def test_a_group_and_a_user_of_the_same_name_are_two(desk, product):
    asked = ShareMake(kind="group", subject="bob")
    desk.shares.make(owner="ann", groups=["bob"], product=product, asked=asked)
    desk.showing.know_members({"bob": ["ann", "eve"]})
    assert seers(desk) == {"eve"}
    with pytest.raises(NotFound):
        desk.get("bob", product)
    desk.share(product, "user", "survey")
    with pytest.raises(NotFound):
        desk.products.get(viewer="carl", groups=["survey"], product=product)


def test_what_cannot_be_taken_back_keeps_no_other_from_being_taken_back(desk, product, monkeypatch):
    desk.write("again/b.csv")
    other = desk.made("again")
    for one in (product, other):
        desk.share(one, "user", "bob", days=7)
    desk.clock.advance(timedelta(days=8).total_seconds())
    first = min(product, other)
    real = desk.trees.take

    def take(place):
        if place[-1].endswith(first[-7:]):
            raise OSError("the disk")
        real(place)

    with monkeypatch.context() as patch:
        patch.setattr(desk.trees, "take", take)
        with pytest.raises(OSError, match="the disk"):
            desk.showing.look()
    assert {path.split("/")[3][-7:] for path in desk.shown()} == {first[-7:]}
    desk.showing.look()
    assert desk.shown() == {}


class Groups:
    """A Hub that knows groups."""

    def __init__(self, members):
        self.members_of, self.asked, self.slow = members, [], lambda: None

    async def members(self, group):
        self.asked.append(group)
        self.slow()
        if group not in self.members_of:
            raise Unavailable("The Hub does not answer.")
        return self.members_of[group]


@pytest.fixture
def hub():
    return Groups({"a": ["ann", "bob"], "b": ["ann"], "c": ["ann"]})


@pytest.fixture
def readers(desk, hub, product):
    async def at_once(act, *given):
        return act(*given)

    for group in hub.members_of:
        asked = ShareMake(kind="group", subject=group)
        desk.shares.make(owner="ann", groups=list(hub.members_of), product=product, asked=asked)
    given = {"database": desk.engine.database, "showing": desk.showing, "clock": desk.clock}
    return ReaderService(hub=hub, in_thread=at_once, **given)


async def test_groups_that_are_not_known_are_asked_for_at_once_and_then_one_after_another(readers, hub):
    for _ in range(5):
        await readers.look()
    assert hub.asked == ["a", "b", "c", "b", "c", "a", "b"]


async def test_who_leaves_a_group_is_seen_within_as_many_looks_as_there_are_groups(desk, readers, hub):
    await readers.look()
    assert seers(desk) == {"bob"}
    hub.members_of["a"] = ["ann"]
    for _ in hub.members_of:
        await readers.look()
    assert seers(desk) == set()


async def test_a_hub_that_is_slow_is_left_alone_for_a_while(desk, readers, hub):
    await readers.look()
    hub.slow = lambda: desk.clock.advance(2)
    await readers.look()
    asked = len(hub.asked)
    desk.clock.advance(2 * REST - 1)
    await readers.look()
    assert len(hub.asked) == asked
    desk.clock.advance(2)
    await readers.look()
    assert len(hub.asked) == asked + 1


async def test_a_hub_that_does_not_answer_leaves_what_is_known(desk, readers, hub):
    await readers.look()
    hub.members_of.clear()
    with pytest.raises(Unavailable):
        await readers.look()
    assert seers(desk) == {"bob"}
    await readers.learn("a", among=["a"])  # a share is made all the same
    await readers.learn("other", among=["a"])
    assert "other" not in hub.asked


def archive(desk, product, reader):
    asking = {"viewer": reader, "groups": GROUPS[reader], "product": product}
    return archive_of(
        desk.get(reader, product),
        paged=lambda after: desk.products.files(**asking, after=after, limit=1),
        opened=lambda path: desk.products.open(**asking, path=path),
    )


def test_an_archive_holds_all_files(desk):
    for name in ("a.csv", "maps/b.csv", "c.csv"):
        desk.write(f"data/{name}", name.encode())
    product = desk.made(title="Maps")
    found = archive(desk, product, "ann")
    with ZipFile(io.BytesIO(b"".join(found.pieces))) as packed:
        held = {name.partition("/")[2]: packed.read(name).decode() for name in packed.namelist()}
    assert found.name == f"maps-{product[-7:]}.zip"
    assert held == {name: name for name in ("a.csv", "c.csv", "maps/b.csv")}


def test_an_archive_breaks_off_once_it_is_taken_back(desk):
    for name in ("a.bin", "b.bin"):
        desk.write(f"data/{name}", os.urandom(2 * PIECE))
    product = desk.made()
    share = desk.share(product, "user", "bob")
    pieces = archive(desk, product, "bob").pieces
    next(pieces)
    desk.shares.revoke(owner="ann", product=product, share=share.id)
    with pytest.raises(OSError, match="taken back"):
        list(pieces)


def opened(desk, reader, path):
    """Return what a job of a reader would read, and the product that it is told of."""
    shared = opening_shared(desk.engine.database, SharedFiles(root=desk.root))
    with InputFiles(files=UserFiles(root=desk.root), shared=shared).opened(reader, path) as (file, product):
        return file.read(), product


def test_an_input_tells_its_product_to_its_reader_alone(desk, product):
    desk.share(product, "user", "bob")
    path = f"{desk.get('bob', product).container_path}/b.csv"
    assert opened(desk, "bob", path) == (b"b", product)
    with pytest.raises(NotFound):
        opened(desk, "eve", path)


def test_what_an_operator_put_there_is_an_input_and_of_no_product(desk):
    catalogue = desk.root / "shared/everyone/catalogues/gaia/stars.csv"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_bytes(b"stars")
    assert opened(desk, "bob", "shared/everyone/catalogues/gaia/stars.csv") == (b"stars", None)
