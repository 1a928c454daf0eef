"""Names of large folders are read once, and again after any change."""

import os
from contextlib import contextmanager

import docker
import pytest
from inotify_simple import Event, INotify, flags

from gavip_hub.storage import kept_names
from gavip_hub.storage.kept_names import FEWEST_NAMES, KeptNames
from tests.support.docker import need_engine, printed
from tests.support.needs import missing


class Folder:
    """A folder that counts how often it is read."""

    def __init__(self, place, *, names=FEWEST_NAMES):
        self.place = place
        self.reads = 0
        self.meanwhile = lambda: None
        place.mkdir()
        for number in range(names):
            (place / f"f{number:05}").touch()

    @contextmanager
    def opened(self):
        descriptor = os.open(self.place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def look(self, kept, order="name"):
        with self.opened() as folder:
            return kept.names(folder, order, self.read)[0]

    def there(self):
        return sorted(file.name for file in self.place.iterdir())

    def read(self):
        self.reads += 1
        found = self.there()
        self.meanwhile()
        return found, False


@pytest.fixture
def kept():
    """Names that are kept, where the system has something left that watches."""
    try:
        INotify().close()
    except OSError as error:
        missing(f"an instance of inotify ({error})", "sysctl fs.inotify.max_user_instances=1024")
    return KeptNames()


@pytest.fixture
def many(tmp_path):
    return Folder(tmp_path / "many", names=FEWEST_NAMES + 1)


def grow(place):
    with (place / "f00000").open("ab") as file:
        file.write(b"more")


def allocate(place):
    with (place / "f00000").open("r+b") as opened:
        os.posix_fallocate(opened.fileno(), 0, 100_000)


CHANGES = {
    "a file more": lambda place: (place / "new").touch(),
    "a folder more": lambda place: (place / "new").mkdir(),
    "a link more": lambda place: (place / "new").hardlink_to(place / "f00000"),
    "a file less": lambda place: (place / "f00000").unlink(),
    "another name": lambda place: (place / "f00000").rename(place / "new"),
    "moved out": lambda place: (place / "f00000").rename(place.parent / "out"),
    "moved in": lambda place: (place.parent / "in").rename(place / "f00001"),
    "a file that grows": grow,
    "a file that is cut": lambda place: os.truncate(place / "f00000", 0),
    "another time": lambda place: os.utime(place / "f00000", (0, 0)),
    "the space that is made for a file": allocate,
}


def test_what_did_not_change_is_read_once(kept, many):
    assert many.look(kept) == many.look(kept) == many.there()
    assert many.reads == 1


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_after_a_change_it_is_read_again_once(kept, many, change):
    (many.place.parent / "in").touch()
    (many.place / "f00000").write_text("text")
    many.look(kept)
    change(many.place)
    assert many.look(kept) == many.look(kept) == many.there()
    assert many.reads == 2


def test_a_second_change_is_noticed_as_the_first_was(kept, many):
    for number in range(3):
        many.look(kept)
        (many.place / f"new{number}").touch()
    many.look(kept)
    assert many.reads == 4


def test_a_change_while_it_is_read_is_not_missed(kept, many):
    many.meanwhile = (many.place / "new").touch
    assert "new" not in many.look(kept)
    assert "new" in many.look(kept)


def test_each_order_is_kept(kept, many):
    for order in ["name", "size", "name", "size"]:
        many.look(kept, order)
    assert many.reads == 2


def test_a_folder_of_few_files_is_read_each_time(kept, tmp_path):
    few = Folder(tmp_path / "few", names=3)
    assert few.look(kept) == few.look(kept)
    assert few.reads == 2


def test_a_folder_is_known_by_itself_and_not_by_its_name(kept, many, tmp_path):
    many.look(kept)
    many.place.rename(tmp_path / "aside")
    other = Folder(many.place, names=FEWEST_NAMES + 2)
    assert len(other.look(kept)) == FEWEST_NAMES + 2
    many.place = tmp_path / "aside"
    assert len(many.look(kept)) == FEWEST_NAMES + 1


def test_a_folder_in_the_place_of_one_that_is_gone_is_another(kept, many):
    many.look(kept)
    for file in many.place.iterdir():
        file.unlink()
    many.place.rmdir()
    other = Folder(many.place, names=FEWEST_NAMES + 2)
    assert len(other.look(kept)) == FEWEST_NAMES + 2


def test_those_looked_at_longest_ago_make_room(tmp_path):
    kept = KeptNames(most_names=2 * FEWEST_NAMES)
    first, second, third = (Folder(tmp_path / name) for name in ["first", "second", "third"])
    for folder in [first, second, first, third, first, second]:
        folder.look(kept)
    assert (first.reads, second.reads, third.reads) == (1, 2, 1)


def test_no_more_folders_are_watched_than_there_is_room_for(kept, many, tmp_path, monkeypatch):
    monkeypatch.setattr(kept_names, "MOST_FOLDERS", 1)
    other = Folder(tmp_path / "other")
    for folder in [many, other, many]:
        folder.look(kept)
    assert (many.reads, other.reads) == (2, 1)


def test_nothing_is_kept_for_long(kept, many, monkeypatch):
    monkeypatch.setattr(kept_names, "KEPT_SECONDS", 0.0)
    many.look(kept)
    many.look(kept)
    assert many.reads == 2


def test_where_nothing_can_be_watched_it_is_read_each_time(kept, many, monkeypatch):
    def none_left():
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(kept_names, "INotify", none_left)
    assert many.look(kept) == many.look(kept)
    assert many.reads == 2


def test_where_the_system_lost_count_all_is_read_again(kept, many, monkeypatch):
    many.look(kept)
    monkeypatch.setattr(INotify, "read", lambda *_, **__: [Event(-1, flags.Q_OVERFLOW, 0, "")])
    many.look(kept)
    assert many.reads == 2


@pytest.mark.docker
def test_what_a_container_writes_is_noticed(kept, many):
    need_engine()
    many.look(kept)
    place = docker.types.Mount("/shown", str(many.place), type="bind")
    printed(["-c", "printf more >>/shown/f00000"], entrypoint="/bin/sh", mounts=[place], user="0")
    many.look(kept)
    assert many.reads == 2
