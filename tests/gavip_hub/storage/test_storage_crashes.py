"""Files, whatever moment the process that changes them is killed at: each is where it was or where it was to be, and whole."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gavip_hub.dav.app import make_writer
from gavip_hub.storage import bin as bins
from gavip_hub.storage.aside import Aside
from gavip_hub.storage.bin import Bin
from gavip_hub.storage.blobs import Blobs
from gavip_hub.storage.file_moves import FileMoves
from gavip_hub.storage.shared_trees import SharedTrees
from gavip_hub.storage.uploads import Uploads, upload_of
from gavip_hub.storage.userfiles import UserFiles
from tests.support.crashes import each_crash

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
World = dict[str, str]
BEFORE = {"space/data/maps/sky.fits": "sky", "space/data/stars.csv": "stars"}
IN_THE_BIN = {"bin/data/maps/sky.fits": "sky", "bin/data/stars.csv": "stars"}
COPIED = BEFORE | {"space/copy/maps/sky.fits": "sky", "space/copy/stars.csv": "stars"}


@pytest.fixture(autouse=True)
def old_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a record without its thing be old at once."""
    monkeypatch.setattr(bins, "YOUNG_SECONDS", 0.0)


def ann_has_files(root: Path) -> None:
    folder = root / "users" / "ann" / "data"
    (folder / "maps").mkdir(parents=True)
    (folder / "stars.csv").write_text("stars")
    (folder / "maps" / "sky.fits").write_text("sky")


def moves(root: Path) -> FileMoves:
    return FileMoves(root=root, files=UserFiles(root=root), aside=Aside(root=root))


def bin_(root: Path) -> Bin:
    aside = Aside(root=root)
    return Bin(root=root, files=UserFiles(root=root), moves=moves(root), aside=aside)


def delete(root: Path) -> None:
    bin_(root).put("ann", ("data",), name="d1-000", at=NOW)


def ann_deleted_files(root: Path) -> None:
    ann_has_files(root)
    delete(root)


def after_start(root: Path) -> World:
    """What there is once a new process has looked after what the last one left."""
    bin_(root).tidy(NOW)
    for process in ("service", "webdav"):
        Aside(root=root, process=process).sweep()
        assert list((root / "aside" / process).iterdir()) == []
    things = {path.name.partition(".")[0] for path in root.glob("bin/ann/*.thing")}
    assert sorted(path.name for path in root.glob("bin/ann/*")) == sorted(
        f"{name}{kind}" for name in things for kind in (".json", ".thing")
    )
    found = _below(root / "users/ann", "space")
    for name in things:
        lay = "/".join(json.loads((root / f"bin/ann/{name}.json").read_text())["parts"])
        found |= _below(root / f"bin/ann/{name}.thing", f"bin/{lay}")
    return found


def _below(place: Path, name: str) -> World:
    if place.is_file():
        return {name: place.read_text()}
    paths = (path for path in sorted(place.rglob("*")) if path.is_file())
    return {f"{name}/{path.relative_to(place)}": path.read_text() for path in paths}


def worlds(
    folder: Path, arrange: Callable[[Path], object], act: Callable[[Path], object]
) -> Iterator[tuple[Path, World]]:
    for root in each_crash(folder, arrange, act):
        yield root, after_start(root)


def seen(folder: Path, arrange: Callable[[Path], object], act: Callable[[Path], object]) -> list[World]:
    """Each state that kills leave behind, once; the last is that of what was not killed."""
    found: list[World] = []
    for _, world in worlds(folder, arrange, act):
        if world not in found:
            found.append(world)
    return found


def test_a_deletion_is_made_or_not(tmp_path: Path) -> None:
    assert seen(tmp_path, ann_has_files, delete) == [BEFORE, IN_THE_BIN]


def test_a_restoration_is_made_or_not(tmp_path: Path) -> None:
    def act(root: Path) -> None:
        bin_(root).restore("ann", "d1-000")

    assert seen(tmp_path, ann_deleted_files, act) == [IN_THE_BIN, BEFORE]


def test_what_is_removed_for_good_is_there_whole_or_gone(tmp_path: Path) -> None:
    assert seen(tmp_path, ann_deleted_files, lambda root: bin_(root).empty("ann")) == [IN_THE_BIN, {}]


def test_a_move_is_made_or_not(tmp_path: Path) -> None:
    def act(root: Path) -> None:
        moves(root).move("ann", ("data",), ("new", "place"))

    there = {name.replace("data", "new/place"): text for name, text in BEFORE.items()}
    assert seen(tmp_path, ann_has_files, act) == [BEFORE, there]


def test_a_copy_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    def act(root: Path) -> None:
        moves(root).copy("ann", ("data",), ("copy",), room=1_000_000)

    assert seen(tmp_path, ann_has_files, act) == [BEFORE, COPIED]


def test_a_file_that_comes_by_webdav_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    def act(root: Path) -> None:
        writer = make_writer(root)
        incoming = writer.begin(lambda _bytes: None)
        incoming.write(b"new")
        writer.put("ann", ("data", "stars.csv"), incoming)
        incoming.forget()

    assert seen(tmp_path, ann_has_files, act) == [BEFORE, BEFORE | {"space/data/stars.csv": "new"}]


def test_a_file_that_gives_way_is_in_its_place_until_the_other_is(tmp_path: Path) -> None:
    def arrange(root: Path) -> None:
        ann_has_files(root)
        (root / "users/ann/new.csv").write_text("new")

    def act(root: Path) -> None:
        make_writer(root).move("ann", ("new.csv",), ("data", "stars.csv"), instead=True)

    before, old = BEFORE | {"space/new.csv": "new"}, {"bin/data/stars.csv": "stars"}
    after = BEFORE | {"space/data/stars.csv": "new"} | old
    assert seen(tmp_path, arrange, act) == [before, before | old, after]


def test_a_folder_that_gives_way_is_in_the_bin_before_the_other_is_there(tmp_path: Path) -> None:
    def arrange(root: Path) -> None:
        ann_has_files(root)
        (root / "users/ann/new").mkdir()
        (root / "users/ann/new/a.csv").write_text("new")

    def act(root: Path) -> None:
        make_writer(root).move("ann", ("new",), ("data",), instead=True)

    new = {"space/new/a.csv": "new"}
    assert seen(tmp_path, arrange, act) == [
        BEFORE | new,
        IN_THE_BIN | new,
        IN_THE_BIN | {"space/data/a.csv": "new"},
    ]


UPLOAD = upload_of(owner="ann", parts=("data", "new.csv"), size=6, replaces=False)


def half_has_come(root: Path) -> None:
    ann_has_files(root)
    Uploads(root=root).begin("ann", UPLOAD)
    Uploads(root=root).append("ann", UPLOAD, offset=0, content=b"sta")


def test_an_upload_that_is_killed_is_neither_lost_nor_sent_twice(tmp_path: Path) -> None:
    def act(root: Path) -> None:
        Uploads(root=root).append("ann", UPLOAD, offset=3, content=b"rs\n")
        Uploads(root=root).finish("ann", UPLOAD)

    whole = BEFORE | {"space/data/new.csv": "stars\n"}
    for root, world in worlds(tmp_path, half_has_come, act):
        uploads = Uploads(root=root)
        come, size = uploads.come("ann", UPLOAD.id)
        assert (come == size) or (world == BEFORE and come == 3)
        if UPLOAD.id in uploads.begun("ann"):
            assert world == BEFORE
            if come < size:
                uploads.append("ann", UPLOAD, offset=come, content=b"rs\n")
            uploads.finish("ann", UPLOAD)
        assert after_start(root) == whole
        assert uploads.begun("ann") == {}
        assert uploads.come("ann", UPLOAD.id) == (6, 6)


def test_an_upload_whose_giving_up_is_killed_is_begun_still_or_gone(tmp_path: Path) -> None:
    def act(root: Path) -> None:
        Uploads(root=root).abandon("ann", UPLOAD.id)

    for root, world in worlds(tmp_path, half_has_come, act):
        uploads = Uploads(root=root)
        assert world == BEFORE
        assert {one.come for one in uploads.unfinished("ann")} <= {0, 3}
        uploads.abandon("ann", UPLOAD.id)
        assert list((root / "uploads" / "ann").iterdir()) == []


def test_a_content_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    def act(root: Path) -> None:
        with (root / "users/ann/data/stars.csv").open("rb") as file:
            Blobs(root=root).keep(file, most=100)

    def arrange(root: Path) -> None:
        ann_has_files(root)
        Blobs(root=root).prepare()

    kept = []
    for root in each_crash(tmp_path, arrange, act):
        Blobs(root=root).prepare()
        assert list((root / "products/aside").iterdir()) == []
        kept.append([path.read_text() for path in (root / "products/blobs").glob("*/*")])
    assert [one for number, one in enumerate(kept) if one not in kept[:number]] == [[], ["stars"]]


@pytest.mark.parametrize("act", ["put", "take"])
def test_a_tree_is_shown_whole_or_not_at_all(tmp_path: Path, act: str) -> None:
    place = ("everyone", "ann", "maps-0123456")

    def trees(root: Path) -> SharedTrees:
        return SharedTrees(root=root, blobs=Blobs(root=root))

    def put(root: Path) -> None:
        [blob] = (root / "products/blobs").glob("*/*")
        trees(root).put(place, {"a.csv": blob.name, "deep/b.csv": blob.name})

    def arrange(root: Path) -> None:
        ann_has_files(root)
        Blobs(root=root).prepare()
        with (root / "users/ann/data/stars.csv").open("rb") as file:
            Blobs(root=root).keep(file, most=100)
        trees(root).prepare()
        if act == "take":
            put(root)

    shown: list[World] = []
    for root in each_crash(tmp_path, arrange, put if act == "put" else lambda root: trees(root).take(place)):
        trees(root).prepare()
        assert list((root / "products/trees").iterdir()) == []
        shown.append(_below(root / "shared", "shared"))
    whole = {f"shared/everyone/ann/maps-0123456/{name}": "stars" for name in ("a.csv", "deep/b.csv")}
    assert [one for number, one in enumerate(shown) if one not in shown[:number]] == (
        [{}, whole] if act == "put" else [whole, {}]
    )
