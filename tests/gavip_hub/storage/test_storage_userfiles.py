"""Folders of users' spaces, listed and searched: in order, within bounds, and asking no more of files than is shown."""

import os
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import pytest

from gavip_hub.storage import folder_names, userfiles
from gavip_hub.storage.beneath import opened_folder
from gavip_hub.storage.folder_names import names_in
from gavip_hub.storage.userfiles import Order, UserFiles

SIZES = {"b.csv": 2, "a.csv": 1, "d.csv": 2, "c.csv": 0}


@pytest.fixture
def space(tmp_path):
    """What ann has: two folders, four files, a hidden one, and links, of which none is shown."""
    space = tmp_path / "users" / "ann"
    for folder in ("z", "y"):
        (space / folder).mkdir(parents=True)
    for name, size in SIZES.items():
        (space / name).write_bytes(b"x" * size)
    (space / ".hidden").touch()
    (space / "link.csv").symlink_to(space / "a.csv")
    (space / "way").symlink_to(space / "z")
    return space


@pytest.fixture(params=["few", "many"])
def files(request, space, tmp_path, monkeypatch):
    """As of a folder of few files, and as of one of thousands."""
    monkeypatch.setattr(folder_names, "MANY", 1000 if request.param == "few" else 1)
    return UserFiles(root=tmp_path)


@pytest.fixture
def files_of_few(space, tmp_path):
    return UserFiles(root=tmp_path)


def names(listed) -> str:
    return " ".join(one.name.removesuffix(".csv") for one in listed.found)


@pytest.mark.parametrize(
    ("order", "shown"),
    [
        ("name", "y z a b c d"),
        ("-name", "z y d c b a"),
        ("size", "y z c a b d"),
        ("-size", "y z b d a c"),
    ],
)
def test_folders_come_first_and_equals_by_name(files, order, shown):
    listed = files.listed("ann", (), order=Order(order))
    assert (names(listed), listed.total, listed.more) == (shown, 6, False)


def test_the_newest_comes_first_backwards(files, space):
    for at, name in enumerate(SIZES):
        os.utime(space / name, (at, at))
    assert names(files.listed("ann", (), order=Order("-modified"))).endswith("c d a b")


def test_a_page_asks_for_what_it_shows_alone(files):
    with patch.object(userfiles, "found_in", wraps=userfiles.found_in) as asked:
        listed = files.listed("ann", (), offset=1, limit=2)
    assert (names(listed), listed.more, asked.call_count) == ("z a", True, 2)


def test_a_search_asks_for_what_fits_alone(files):
    with patch.object(userfiles, "found_in", wraps=userfiles.found_in) as asked:
        found, more = files.named("ann", (), fits=lambda name: "a.c" in name, most=9, most_seen=99)
    assert ([one.name for _, one in found], more, asked.call_count) == (["a.csv"], False, 1)


@pytest.mark.parametrize(("most", "most_seen", "found"), [(2, 99, 2), (9, 3, 3)])
def test_a_search_ends_where_there_is_too_much(files, most, most_seen, found):
    told, more = files.named("ann", (), fits=bool, most=most, most_seen=most_seen)
    assert (len(told), more) == (found, True)


@pytest.mark.parametrize("order", ["name", "size"])
def test_a_folder_without_end_is_looked_at_in_part(files, monkeypatch, order):
    monkeypatch.setattr(folder_names, "MOST_SEEN", 5)
    listed = files.listed("ann", (), order=Order(order))
    assert listed.more
    assert listed.total <= 5


@pytest.mark.parametrize("by", ["size", "modified"])
def test_find_tells_what_the_system_would(space, by, monkeypatch):
    (space / "stars 2.csv").write_bytes(b"12345")
    os.utime(space / "stars 2.csv", ns=(7, 1_700_000_000_123_456_789))
    found = []
    for many in (1, 1000):
        monkeypatch.setattr(folder_names, "MANY", many)
        with opened_folder(space, []) as folder:
            found.append(names_in(folder, by))
    told, asked = found
    for kind in ("folders", "files"):
        assert by_number(getattr(told, kind)) == by_number(getattr(asked, kind))
    assert "stars 2.csv" in told.files


def by_number(numbers) -> list[str]:
    """Nobody needs the numbers themselves: `find` tells parts of a second with more digits."""
    return sorted(sorted(numbers), key=numbers.__getitem__)


def test_what_find_tells_without_end_is_cut(files, space, monkeypatch):
    monkeypatch.setattr(folder_names, "MOST_SEEN", 3)
    monkeypatch.setattr(folder_names, "_PIECE", 1)
    assert files.listed("ann", (), order=Order.SIZE).more


def test_a_find_that_takes_too_long_is_given_up(files, monkeypatch):
    monkeypatch.setattr(folder_names, "MOST_SECONDS", 0.0)
    assert names(files.listed("ann", (), order=Order.SIZE)) == "y z c a b d"


def test_without_find_each_is_asked_for(files, monkeypatch, tmp_path):
    monkeypatch.setattr(os, "defpath", str(tmp_path))
    assert names(files.listed("ann", (), order=Order.SIZE)) == "y z c a b d"


def test_one_at_a_time_asks_for_many_statuses(files_of_few):
    files = files_of_few
    with folder_names._ASKING, ThreadPoolExecutor(2) as threads:
        by_name = threads.submit(files.listed, "ann", (), order=Order.NAME)
        assert by_name.result(timeout=30).total == 6
        by_size = threads.submit(files.listed, "ann", (), order=Order.SIZE)
        with pytest.raises(TimeoutError):
            by_size.result(timeout=0.1)
        folder_names._ASKING.release()
        assert by_size.result(timeout=30).total == 6
        folder_names._ASKING.acquire()
