"""Folders of users' spaces, listed and searched: in order, within bounds, and asking no more of files than is shown."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import pytest

from gavip_hub.storage import userfiles
from gavip_hub.storage.beneath import opened_folder
from gavip_hub.storage.statuses import statuses
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
    monkeypatch.setattr(userfiles, "MANY", 1000 if request.param == "few" else 1)
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
    monkeypatch.setattr(userfiles, "MOST_SEEN", 5)
    listed = files.listed("ann", (), order=Order(order))
    assert listed.more
    assert listed.total <= 5


@pytest.mark.parametrize("by", ["size", "modified"])
def test_find_tells_what_the_system_would(space, by):
    (space / "a\nb").write_bytes(b"12345")
    os.utime(space / "a\nb", ns=(7, 1_700_000_000_123_456_789))
    with opened_folder(space, []) as folder:
        told = {
            name: (kind, number)
            for kind, numbers in statuses(folder, by).items()
            for name, number in numbers.items()
        }
    asked = {path.name: path.lstat() for path in space.iterdir()}
    of = {
        name: (
            stat.filemode(one.st_mode)[0].replace("-", "f"),
            one.st_size if by == "size" else one.st_mtime_ns,
        )
        for name, one in asked.items()
    }
    in_order = [sorted(one, key=lambda name, one=one: (one[name], name)) for one in (told, of)]
    assert in_order[0] == in_order[1]


def test_without_find_each_is_asked_for(files, monkeypatch, tmp_path):
    monkeypatch.setattr(os, "defpath", str(tmp_path))
    assert names(files.listed("ann", (), order=Order.SIZE)) == "y z c a b d"


def test_one_at_a_time_asks_for_many_statuses(files_of_few):
    files = files_of_few
    with userfiles._ASKING, ThreadPoolExecutor(2) as threads:
        by_name = threads.submit(files.listed, "ann", (), order=Order.NAME)
        assert by_name.result(timeout=30).total == 6
        by_size = threads.submit(files.listed, "ann", (), order=Order.SIZE)
        with pytest.raises(TimeoutError):
            by_size.result(timeout=0.1)
        userfiles._ASKING.release()
        assert by_size.result(timeout=30).total == 6
        userfiles._ASKING.acquire()
