"""Spaces as file managers change them: whole or not at all, and as their owner's."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gavip_hub.dav.app import make_writer
from gavip_hub.exceptions import Conflict, NotFound, TooLarge
from gavip_hub.storage import file_moves
from gavip_hub.storage.bin import Bin
from gavip_hub.storage.space_writes import Incoming, SpaceWriter
from gavip_hub.storage.userfiles import found_of

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")


@pytest.fixture
def space(tmp_path: Path) -> Path:
    made = tmp_path / "users" / "ada"
    made.mkdir(parents=True)
    return made


@pytest.fixture
def writer(tmp_path: Path) -> SpaceWriter:
    return make_writer(tmp_path)


def binned(root: Path) -> dict[str, str]:
    """What lies in ada's bin: where it lay, and the content of a file or the names in a folder."""
    found = {}
    for thing in (root / "bin/ada").glob("*.thing"):
        lay = "/".join(json.loads(thing.with_suffix(".json").read_text())["parts"])
        found[lay] = " ".join(path.name for path in thing.iterdir()) if thing.is_dir() else thing.read_text()
    return found


def nothing(_bytes: int) -> None:
    pass


@contextmanager
def begun(writer: SpaceWriter) -> Iterator[Incoming]:
    incoming = writer.begin(nothing)
    try:
        yield incoming
    finally:
        incoming.forget()


def write(writer: SpaceWriter, path: str, content: bytes = b"stars", *, instead_of: str = "") -> None:
    with begun(writer) as incoming:
        incoming.write(content)
        writer.put("ada", path.split("/"), incoming, instead_of=instead_of)


def copy(writer: SpaceWriter, source: str, target: str, *, instead: bool = False) -> None:
    writer.copy("ada", source.split("/"), target.split("/"), instead=instead, counts=nothing)


def aside(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "aside" / "webdav").iterdir())


@AS_ROOT
def test_what_is_made_belongs_to_the_owner_of_the_space(space: Path, writer: SpaceWriter) -> None:
    os.chown(space, 30_007, 30_007)
    writer.make_folder("ada", ["data"])
    write(writer, "data/a.txt")
    copy(writer, "data", "copy")
    for path in ("data", "data/a.txt", "copy", "copy/a.txt"):
        assert (space / path).lstat().st_uid == (space / path).lstat().st_gid == 30_007


def test_a_file_is_not_seen_before_it_is_whole(space: Path, writer: SpaceWriter) -> None:
    with begun(writer) as incoming:
        incoming.write(b"st")
        assert list(space.iterdir()) == []
        writer.put("ada", ["a.txt"], incoming)
    assert (space / "a.txt").read_bytes() == b"st"


def test_what_a_kill_left_aside_is_removed(tmp_path: Path, space: Path, writer: SpaceWriter) -> None:
    with begun(writer):
        (tmp_path / "aside/webdav/folder/deep").mkdir(parents=True)
        assert len(aside(tmp_path)) == 2
        make_writer(tmp_path)
        assert aside(tmp_path) == []


def test_a_file_takes_no_folders_place(space: Path, writer: SpaceWriter) -> None:
    (space / "data").mkdir()
    with pytest.raises(Conflict):
        write(writer, "data")


def test_another_content_is_not_replaced_unseen(space: Path, writer: SpaceWriter) -> None:
    write(writer, "a.txt", b"one")
    seen = found_of("a.txt", (space / "a.txt").stat()).etag
    write(writer, "a.txt", b"two")
    with pytest.raises(Conflict):
        write(writer, "a.txt", b"three", instead_of=seen)
    assert (space / "a.txt").read_bytes() == b"two"


def test_a_new_file_replaces_none_that_came_meanwhile(space: Path, writer: SpaceWriter) -> None:
    write(writer, "a.txt", b"one")
    with begun(writer) as incoming:
        with pytest.raises(FileExistsError):
            writer.put("ada", ["a.txt"], incoming, is_new=True)
        writer.put("ada", ["b.txt"], incoming, is_new=True)
    assert (space / "a.txt").read_bytes() == b"one"
    assert (space / "b.txt").exists()


@pytest.mark.parametrize("there", ["file", "folder"])
def test_a_move_replaces_nothing_unasked(space: Path, writer: SpaceWriter, there: str) -> None:
    write(writer, "a.txt")
    (space / "b").mkdir() if there == "folder" else write(writer, "b")
    with pytest.raises(Conflict):
        writer.move("ada", ["a.txt"], ["b"], instead=False)
    writer.move("ada", ["a.txt"], ["b"], instead=True)
    assert (space / "b").read_bytes() == b"stars"
    assert not (space / "a.txt").exists()


@pytest.mark.parametrize("act", ["move", "copy"])
@pytest.mark.parametrize(("source", "target"), [("a/b", "a"), ("a", "a/b"), ("a", "a"), ("a/b/c", "a")])
def test_nothing_goes_into_itself_or_in_the_place_of_what_holds_it(
    space: Path, writer: SpaceWriter, act: str, source: str, target: str
) -> None:
    (space / "a/b/c").mkdir(parents=True)
    acts = {
        "move": lambda: writer.move("ada", source.split("/"), target.split("/"), instead=True),
        "copy": lambda: copy(writer, source, target, instead=True),
    }
    with pytest.raises(Conflict):
        acts[act]()
    assert (space / "a/b/c").is_dir()


def test_a_folder_takes_anothers_place(tmp_path: Path, space: Path, writer: SpaceWriter) -> None:
    for name in ("old", "new"):
        (space / name).mkdir()
        write(writer, f"{name}/{name}.txt")
    copy(writer, "new", "old", instead=True)
    assert [path.name for path in (space / "old").iterdir()] == ["new.txt"]
    write(writer, "new/more.txt")
    assert binned(tmp_path) == {"old": "old.txt"}
    writer.move("ada", ["new"], ["old"], instead=True)
    assert sorted(path.name for path in (space / "old").iterdir()) == ["more.txt", "new.txt"]
    assert [path.name for path in space.iterdir()] == ["old"]
    assert aside(tmp_path) == []


@pytest.mark.parametrize("act", ["move", "copy"])
def test_what_gives_way_is_in_the_bin(tmp_path: Path, space: Path, writer: SpaceWriter, act: str) -> None:
    write(writer, "a.txt", b"new")
    write(writer, "b.txt", b"old")
    if act == "move":
        writer.move("ada", ["a.txt"], ["b.txt"], instead=True)
    else:
        copy(writer, "a.txt", "b.txt", instead=True)
    assert (space / "b.txt").read_text() == "new"
    assert binned(tmp_path) == {"b.txt": "old"}


@pytest.mark.parametrize("there", ["file", "folder"])
def test_what_cannot_be_replaced_stays_where_it_is(
    tmp_path: Path, space: Path, writer: SpaceWriter, monkeypatch: pytest.MonkeyPatch, there: str
) -> None:
    write(writer, "a.txt")
    (space / "b").mkdir() if there == "folder" else write(writer, "b", b"old")
    real = Bin._put

    def and_then_the_source_is_gone(*args: object, **how: object) -> object:
        done = real(*args, **how)  # type: ignore[arg-type]
        (space / "a.txt").unlink()
        return done

    monkeypatch.setattr(Bin, "_put", and_then_the_source_is_gone)
    with pytest.raises(OSError, match="No such file"):
        writer.move("ada", ["a.txt"], ["b"], instead=True)
    assert (space / "b").exists()
    assert binned(tmp_path) == {}


def test_a_link_gives_no_way(space: Path, writer: SpaceWriter) -> None:
    write(writer, "a.txt")
    (space / "link").symlink_to("/etc/passwd")
    with pytest.raises(Conflict, match="link"):
        writer.move("ada", ["a.txt"], ["link"], instead=True)
    assert (space / "link").is_symlink()


@pytest.mark.parametrize("act", ["put", "make", "remove", "move"])
def test_no_step_goes_through_a_link(tmp_path: Path, space: Path, writer: SpaceWriter, act: str) -> None:
    (tmp_path / "users/bob").mkdir()
    (tmp_path / "users/bob/b.txt").write_text("bob's")
    (space / "out").symlink_to(tmp_path / "users/bob")
    write(writer, "a.txt")
    acts = {
        "put": lambda: write(writer, "out/b.txt"),
        "make": lambda: writer.make_folder("ada", ["out", "data"]),
        "remove": lambda: writer.remove("ada", ["out", "b.txt"]),
        "move": lambda: writer.move("ada", ["a.txt"], ["out", "b.txt"], instead=True),
    }
    with pytest.raises(NotFound):
        acts[act]()
    assert (tmp_path / "users/bob/b.txt").read_text() == "bob's"
    assert [path.name for path in (tmp_path / "users/bob").iterdir()] == ["b.txt"]


def test_links_are_neither_moved_nor_removed(space: Path, writer: SpaceWriter) -> None:
    (space / "link").symlink_to("/etc/passwd")
    with pytest.raises(NotFound):
        writer.remove("ada", ["link"])
    with pytest.raises(NotFound):
        writer.move("ada", ["link"], ["other"], instead=False)
    assert (space / "link").is_symlink()


def test_a_copy_that_fails_leaves_nothing(tmp_path: Path, space: Path, writer: SpaceWriter) -> None:
    (space / "data").mkdir()
    for number in range(3):
        write(writer, f"data/{number}.txt")

    def no_room(_bytes: int) -> None:
        raise TooLarge

    with pytest.raises(TooLarge):
        writer.copy("ada", ["data"], ["copy"], instead=False, counts=no_room)
    assert not (space / "copy").exists()
    assert aside(tmp_path) == []


def test_a_copy_is_bounded(
    tmp_path: Path, space: Path, writer: SpaceWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_moves, "MOST_COPIED", 3)
    (space / "data").mkdir()
    for number in range(5):
        write(writer, f"data/{number}.txt")
    with pytest.raises(Conflict, match="one by one"):
        copy(writer, "data", "copy")
    assert aside(tmp_path) == []


def test_a_deep_folder_is_removed(tmp_path: Path, space: Path, writer: SpaceWriter) -> None:
    where = os.open(space, os.O_RDONLY)
    for name in ["top", *["d"] * 1500]:
        os.mkdir(name, dir_fd=where)
        deeper = os.open(name, os.O_RDONLY, dir_fd=where)
        os.close(where)
        where = deeper
    os.close(where)
    writer.remove("ada", ["top"])
    assert list(space.iterdir()) == []
    writer._bin.empty("ada")
    make_writer(tmp_path)  # pytest itself cannot remove what is so deep
    assert aside(tmp_path) == []
