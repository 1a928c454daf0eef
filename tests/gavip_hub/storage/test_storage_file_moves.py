"""Files moved, copied and deleted: nothing leaves the space, nothing is written over, nothing is lost."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gavip_hub.domain.userpaths import beside, is_plain, target_of
from gavip_hub.exceptions import BadParameter, Conflict, NotFound, Taken
from gavip_hub.storage import bin as bins
from gavip_hub.storage import file_moves, renaming, userfiles
from gavip_hub.storage.aside import Aside
from gavip_hub.storage.bin import KEPT, Bin
from gavip_hub.storage.file_moves import FileMoves
from gavip_hub.storage.renaming import rename_new
from gavip_hub.storage.userfiles import Order, UserFiles

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MUCH = 1_000_000


def stores(root: Path) -> SimpleNamespace:
    """All that reads and writes the spaces below a root, as a process that has just started has it."""
    files, aside = UserFiles(root=root), Aside(root=root)
    moves = FileMoves(root=root, files=files, aside=aside)
    bin_ = Bin(root=root, files=files, moves=moves, aside=aside)
    return SimpleNamespace(root=root, files=files, aside=aside, moves=moves, bin=bin_)


@pytest.fixture
def all_of(tmp_path):
    return stores(tmp_path)


@pytest.fixture
def space(tmp_path) -> Path:
    """Ann's space with a folder of two files."""
    folder = tmp_path / "users" / "ann" / "data"
    (folder / "maps").mkdir(parents=True)
    (folder / "stars.csv").write_text("stars")
    (folder / "maps" / "sky.fits").write_text("sky")
    return tmp_path / "users" / "ann"


@pytest.fixture
def outside(tmp_path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.txt").write_text("of the machine")
    return folder


def tree(folder: Path) -> dict[str, str]:
    """What lies below a folder: contents of files by their paths, links as links."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = "link"
        elif path.is_file():
            found[name] = path.read_text()
    return found


def delete(all_of, *parts: str, name: str = "d1-000", at: datetime = NOW):
    return all_of.bin.put("ann", parts, name=name, at=at)


class Killed(BaseException):
    """The process ends here."""


# Moving


def test_a_file_is_moved_and_a_folder_with_all_in_it(all_of, space):
    all_of.moves.move("ann", ("data", "stars.csv"), ("old", "stars-1.csv"))
    all_of.moves.move("ann", ("data", "maps"), ("maps",))
    assert tree(space) == {"old/stars-1.csv": "stars", "maps/sky.fits": "sky"}


def test_nothing_is_written_over(all_of, space):
    (space / "taken.csv").write_text("mine")
    (space / "full").mkdir()
    (space / "full" / "x").write_text("x")
    before = tree(space)
    for source, target in (
        ("stars.csv", "taken.csv"),
        ("stars.csv", "full"),
        ("maps", "full"),
        ("maps", "taken.csv"),
    ):
        with pytest.raises(Taken):
            all_of.moves.move("ann", ("data", source), (target,))
    assert tree(space) == before


def test_a_file_system_that_knows_no_such_flag_writes_over_nothing_either(all_of, space, monkeypatch):
    monkeypatch.setattr(renaming, "_renameat2", lambda *_: renaming.errno.ENOSYS)
    (space / "taken.csv").write_text("mine")
    with pytest.raises(Taken):
        all_of.moves.move("ann", ("data", "stars.csv"), ("taken.csv",))
    all_of.moves.move("ann", ("data", "stars.csv"), ("free.csv",))
    all_of.moves.move("ann", ("data", "maps"), ("maps",))
    assert tree(space) == {"taken.csv": "mine", "free.csv": "stars", "maps/sky.fits": "sky"}


def test_a_folder_does_not_go_into_itself(all_of, space):
    for target in (("data",), ("data", "maps", "data")):
        with pytest.raises(Conflict):
            all_of.moves.move("ann", ("data",), target)
        with pytest.raises(Conflict):
            all_of.moves.copy("ann", ("data",), target, room=MUCH)


def test_what_is_not_there_or_is_a_link_is_not_moved(all_of, space, outside):
    (space / "link").symlink_to(outside)
    (space / "file-link").symlink_to(outside / "secret.txt")
    for source in (("none",), ("link",), ("file-link",), ("link", "secret.txt"), ("data", "stars.csv", "x")):
        with pytest.raises(NotFound):
            all_of.moves.move("ann", source, ("new",))
        with pytest.raises(NotFound):
            all_of.moves.copy("ann", source, ("new",), room=MUCH)
        with pytest.raises(NotFound):
            delete(all_of, *source)
    assert tree(outside) == {"secret.txt": "of the machine"}


def test_no_way_leads_through_a_link(all_of, space, outside):
    (space / "link").symlink_to(outside)
    for act in (all_of.moves.move, lambda *args: all_of.moves.copy(*args, room=MUCH)):
        with pytest.raises(Conflict):
            act("ann", ("data", "stars.csv"), ("link", "new.csv"))
    with pytest.raises(Conflict):
        all_of.moves.make_folder("ann", ("link", "new"))
    assert tree(outside) == {"secret.txt": "of the machine"}


def test_a_folder_is_made_with_those_above_it_and_only_once(all_of, space):
    all_of.moves.make_folder("ann", ("a", "b", "c"))
    assert (space / "a/b/c").is_dir()
    with pytest.raises(Taken):
        all_of.moves.make_folder("ann", ("a", "b"))


# Copying


def test_a_folder_is_copied_without_what_is_hidden_and_without_links(all_of, space, outside):
    (space / "data/.hidden").write_text("no")
    (space / "data/link").symlink_to(outside)
    (space / "data/maps/run.sh").write_text("#!")
    (space / "data/maps/run.sh").chmod(0o755)
    copied = all_of.moves.copy("ann", ("data",), ("copy",), room=MUCH)
    assert (copied.files, copied.size) == (3, 10)
    assert tree(space / "copy") == {"stars.csv": "stars", "maps/sky.fits": "sky", "maps/run.sh": "#!"}
    assert os.access(space / "copy/maps/run.sh", os.X_OK)


def test_a_copy_that_does_not_fit_leaves_nothing(all_of, space):
    with pytest.raises(Conflict, match="grew"):
        all_of.moves.copy("ann", ("data",), ("copy",), room=6)
    assert not (space / "copy").exists()
    assert tree(all_of.root / "aside") == {}
    assert all_of.moves.who_wrote() == {"ann"}


def test_a_copy_of_too_many_is_refused(all_of, space, monkeypatch):
    monkeypatch.setattr(file_moves, "MOST_COPIED", 2)
    with pytest.raises(Conflict, match="one by one"):
        all_of.moves.copy("ann", ("data",), ("copy",), room=MUCH)
    assert not (space / "copy").exists()


def test_a_copy_of_what_lies_too_deep_is_refused_since_it_would_not_be_whole(all_of, space):
    (space / "data" / "/".join(["d"] * userfiles.DEEPEST)).mkdir(parents=True)
    with pytest.raises(Conflict, match="deep in it"):
        all_of.moves.copy("ann", ("data",), ("copy",), room=MUCH)
    assert not (space / "copy").exists()
    assert tree(all_of.root / "aside") == {}


def test_a_copy_never_writes_over_what_came_meanwhile(all_of, space, monkeypatch):
    real = file_moves._sync

    def somebody_was_quicker(folder: int) -> None:
        real(folder)
        (space / "copy").write_text("mine")

    monkeypatch.setattr(file_moves, "_sync", somebody_was_quicker)
    with pytest.raises(Taken):
        all_of.moves.copy("ann", ("data",), ("copy",), room=MUCH)
    assert (space / "copy").read_text() == "mine"


def test_a_folder_swapped_for_a_link_while_it_is_walked_leads_nowhere(all_of, space, outside, monkeypatch):
    real = userfiles.opened_folder

    def swapped(root, parts, **how):
        if list(parts[-1:]) == ["maps"] and not (space / "data/maps").is_symlink():
            (space / "data/maps").rename(space / "elsewhere")
            (space / "data/maps").symlink_to(outside)
        return real(root, parts, **how)

    monkeypatch.setattr(userfiles, "opened_folder", swapped)
    all_of.moves.copy("ann", ("data",), ("copy",), room=MUCH)
    assert (space / "data/maps").is_symlink()
    assert tree(space / "copy") == {"stars.csv": "stars"}


def test_folders_that_lie_very_deep_end_somewhere(all_of, space):
    deep = space / "data"
    for _ in range(80):
        deep = deep / "d"
        deep.mkdir()
    seen = [step for step in all_of.files.below("ann", ("data",)) if step.found.is_folder]
    assert max(len(step.parts) for step in seen) == userfiles.DEEPEST


# The bin


def test_what_is_deleted_is_out_of_the_space_and_comes_back(all_of, space):
    before = tree(space)
    binned = delete(all_of, "data", "maps")
    assert tree(space) == {"data/stars.csv": "stars"}
    assert [one.id for one in all_of.bin.listed("ann")] == [binned.id]
    assert all_of.bin.restore("ann", binned.id) == ("data", "maps")
    assert tree(space) == before
    assert all_of.bin.listed("ann") == []


def test_what_comes_back_where_something_else_lies_gets_another_name(all_of, space):
    delete(all_of, "data", "stars.csv")
    (space / "data/stars.csv").write_text("new")
    (space / "data/stars (2).csv").write_text("second")
    assert all_of.bin.restore("ann", "d1-000") == ("data", "stars (3).csv")
    assert (space / "data/stars.csv").read_text() == "new"
    assert (space / "data/stars (3).csv").read_text() == "stars"


def test_what_comes_back_has_its_folders_made(all_of, space):
    delete(all_of, "data", "maps", "sky.fits", name="d1-000")
    delete(all_of, "data", name="d2-000")
    all_of.bin.restore("ann", "d1-000")
    assert tree(space) == {"data/maps/sky.fits": "sky"}


def test_what_cannot_come_back_stays_in_the_bin(all_of, space):
    delete(all_of, "data", "maps", "sky.fits")
    (space / "data/maps").rmdir()
    (space / "data/maps").write_text("a file now")
    with pytest.raises(Conflict):
        all_of.bin.restore("ann", "d1-000")
    assert [one.id for one in all_of.bin.listed("ann")] == ["d1-000"]


def test_anothers_bin_is_not_there(all_of, space):
    delete(all_of, "data", "maps")
    for name in ("d1-000", "../ann/d1-000", "..", "ann"):
        with pytest.raises(NotFound):
            all_of.bin.restore("bob", name)
    assert all_of.bin.listed("bob") == []
    assert all_of.bin.empty("bob") == 0
    assert len(all_of.bin.listed("ann")) == 1


def test_what_is_deleted_for_good_is_gone_with_the_next_sweep(all_of, space):
    delete(all_of, "data", "maps", name="d1-000")
    delete(all_of, "data", name="d2-000")
    all_of.bin.remove("ann", "d1-000")
    assert all_of.bin.empty("ann") == 1
    assert all_of.bin.listed("ann") == []
    assert all_of.aside.sweep() == 2
    assert tree(all_of.root / "aside") == tree(all_of.root / "bin") == {}
    assert all_of.moves.who_wrote() == {"ann"}


def test_a_sweep_leaves_what_is_being_made(all_of, space):
    with all_of.aside.place() as (folder, name):
        os.mkdir(name, dir_fd=folder)
        assert all_of.aside.sweep() == 0
    assert stores(all_of.root).aside.sweep() == 0  # the place removed it


def test_things_are_kept_for_so_long_and_no_longer(all_of, space):
    delete(all_of, "data", "maps")
    all_of.bin.tidy(NOW + KEPT - timedelta(seconds=1))
    assert len(all_of.bin.listed("ann")) == 1
    all_of.bin.tidy(NOW + KEPT + timedelta(seconds=1))
    assert all_of.bin.listed("ann") == []


def test_a_thing_without_its_record_is_found_again_under_an_odd_name(all_of, space):
    delete(all_of, "data", "maps")
    (all_of.root / "bin/ann/d1-000.json").unlink()
    all_of.bin.tidy(NOW)
    assert all_of.bin.restore("ann", "d1-000") == ("restored-d1-000",)
    assert (space / "restored-d1-000/sky.fits").read_text() == "sky"


@pytest.mark.parametrize("record", ["", "{", "[]", '{"id": 1}', '{"id": "d1-000", "parts": null, "at": "x"}'])
def test_a_record_that_is_none_fails_nothing(all_of, space, record):
    delete(all_of, "data", "maps")
    (all_of.root / "bin/ann/d1-000.json").write_text(record)
    all_of.bin.listed("ann")
    all_of.bin.tidy(NOW)
    assert all_of.bin.restore("ann", "d1-000")


# A process that ends between two steps


def kill_at(monkeypatch, module, name: str, *, after: bool) -> None:
    """End the process before or after it does something."""
    real = getattr(module, name)

    def act(*args, **kwargs):
        if after:
            real(*args, **kwargs)
        raise Killed

    monkeypatch.setattr(module, name, act)


def everything(root: Path) -> list[str]:
    """Contents of all files in the space and in the bin, without records."""
    folders = (root / "users", root / "bin")
    found = [text for folder in folders for name, text in tree(folder).items() if not name.endswith(".json")]
    return sorted(found)


@pytest.mark.parametrize("after", [False, True])
def test_a_deletion_that_is_killed_loses_nothing(all_of, space, monkeypatch, after):
    kill_at(monkeypatch, bins, "rename_new", after=after)
    with pytest.raises(Killed):
        delete(all_of, "data", "maps")
    monkeypatch.undo()
    monkeypatch.setattr(bins, "YOUNG_SECONDS", -1.0)
    anew = stores(all_of.root)
    anew.bin.tidy(NOW)
    assert everything(all_of.root) == ["sky", "stars"]
    assert len(anew.bin.listed("ann")) == (1 if after else 0)
    assert len(list((all_of.root / "bin/ann").glob("*.json"))) == len(anew.bin.listed("ann"))


@pytest.mark.parametrize("after", [False, True])
def test_a_restoration_that_is_killed_loses_nothing(all_of, space, monkeypatch, after):
    delete(all_of, "data", "maps")
    kill_at(monkeypatch, bins, "put_free", after=after)
    with pytest.raises(Killed):
        all_of.bin.restore("ann", "d1-000")
    monkeypatch.undo()
    monkeypatch.setattr(bins, "YOUNG_SECONDS", -1.0)
    anew = stores(all_of.root)
    anew.bin.tidy(NOW)
    assert everything(all_of.root) == ["sky", "stars"]
    assert len(anew.bin.listed("ann")) == (0 if after else 1)


@pytest.mark.parametrize("after", [False, True])
def test_a_copy_that_is_killed_is_there_whole_or_not_at_all(all_of, space, monkeypatch, after):
    kill_at(monkeypatch, file_moves, "rename_new", after=after)
    with pytest.raises(Killed):
        all_of.moves.copy("ann", ("data",), ("copy",), room=MUCH)
    monkeypatch.undo()
    stores(all_of.root).aside.sweep()
    assert tree(all_of.root / "aside") == {}
    assert tree(space / "copy") == ({"stars.csv": "stars", "maps/sky.fits": "sky"} if after else {})


def test_what_a_killed_copy_left_is_swept_by_the_next_process(all_of, space):
    left = all_of.root / "aside/service/left"
    left.mkdir(parents=True)
    (left / "half.csv").write_text("ha")
    assert stores(all_of.root).aside.sweep() == 1
    assert not left.exists()


# Lists and names


def test_a_folder_is_listed_page_by_page_in_any_order(all_of, space):
    folder = space / "many"
    folder.mkdir()
    (folder / "z").mkdir()
    for number, name in enumerate("edcba"):
        (folder / name).write_text("x" * number)
        os.utime(folder / name, (number, number))

    def names(order: Order, **page) -> str:
        found = all_of.files.listed("ann", ("many",), order=order, **page)
        return "".join(one.name for one in found.found)

    assert names(Order.NAME) == "zabcde"
    assert names(Order.NAME_BACKWARDS) == "zedcba"
    assert names(Order.SIZE) == names(Order.MODIFIED) == "zedcba"
    assert names(Order.SIZE_BACKWARDS, offset=1, limit=2) == "ab"
    assert names(Order.NAME, offset=4, limit=4) == "de"
    assert all_of.files.listed("ann", ("many",), limit=2).more
    last = all_of.files.listed("ann", ("many",), offset=4, limit=2)
    assert (last.more, last.total) == (False, 6)


def test_a_file_of_a_million_years_hence_fails_no_list(all_of, space, monkeypatch):
    status = SimpleNamespace(st_mode=0o100644, st_size=1, st_mtime=1e15, st_mtime_ns=1, st_ino=1, st_blocks=1)
    assert datetime.fromtimestamp(userfiles.found_of("x", status).modified, UTC).year == 9999


_LETTERS = st.characters(exclude_categories=["C", "Z"], exclude_characters="/") | st.just(
    " "
)  # nearly all is plain
NAMES = st.text(_LETTERS, min_size=1, max_size=60).filter(is_plain)


@given(NAMES, st.integers(2, 1000))
@settings(max_examples=200, deadline=None)
def test_a_name_beside_another_is_a_name(name, number):
    made = beside(name, number)
    assert made != name
    assert is_plain(made)


@given(NAMES)
@settings(max_examples=100, deadline=None)
def test_where_something_goes_lies_in_the_folder_that_is_named(name):
    assert target_of(("a", name), "maps/") == ("maps", name)
    assert target_of(("a", "b"), "maps/c") == ("maps", "c")


@given(st.text(max_size=40))
@settings(max_examples=300, deadline=None)
def test_no_words_lead_out_of_the_space(text):
    try:
        parts = target_of(("a", "b"), text)
    except BadParameter:
        return
    assert all(is_plain(part) and part not in {"", ".", ".."} for part in parts)
    assert parts[0] not in {"jobs", "shared"}


@given(st.lists(st.tuples(st.sampled_from(["move", "delete", "restore", "copy"]), NAMES), max_size=8))
@settings(max_examples=40, deadline=None)
def test_whatever_is_done_every_file_is_somewhere(tmp_path_factory, acts):
    root = tmp_path_factory.mktemp("root")
    all_of = stores(root)
    (root / "users/ann").mkdir(parents=True)
    (root / "users/ann/first").write_text("kept")
    where = ("first",)
    for number, (act, name) in enumerate(acts):
        try:
            if act == "move":
                all_of.moves.move("ann", where, ("d", name))
                where = ("d", name)
            elif act == "delete":
                delete(all_of, *where, name=f"d{number}-000")
            elif act == "copy":
                all_of.moves.copy("ann", where, ("c", name), room=MUCH)
            else:
                where = all_of.bin.restore("ann", all_of.bin.listed("ann")[0].id)
        except (NotFound, Taken, Conflict, IndexError):
            continue
    assert "kept" in everything(root)


def test_renaming_says_what_stands_in_the_way(tmp_path):
    (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(FileExistsError):
            rename_new(folder, "a", folder, "b")
        with pytest.raises(FileNotFoundError):
            rename_new(folder, "none", folder, "c")
    finally:
        os.close(folder)
