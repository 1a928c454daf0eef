"""Archives of images are made when they are first asked for, once, one at a time, and where there is room."""

import os
import threading

import pytest

from gavip_hub.backends.images import NoImages
from gavip_hub.exceptions import Conflict, DiskFull, NotFound, Unavailable
from gavip_hub.services.images import KNOWN_SECONDS, ImageService
from gavip_hub.storage.disk import DiskSpace
from gavip_hub.storage.image_archives import ImageArchives
from gavip_hub.testing import FakeImages, ManualClock

MB = 1024 * 1024


class SmallDisk(DiskSpace):
    """Has as much room as a test says."""

    free = 1000

    def free_mb(self):
        return self.free


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def disk(tmp_path):
    return SmallDisk(root=tmp_path, reserve_mb=100)


@pytest.fixture
def source():
    return FakeImages({"avi-python": b"python's", "notebook": b"the notebook's"})


@pytest.fixture
def make_service(tmp_path, disk, clock):
    def make(source):
        archives = ImageArchives(root=tmp_path)
        return ImageService(source=source, archives=archives, disk=disk, clock=clock)

    return make


@pytest.fixture
def service(make_service, source):
    made = make_service(source)
    made.look()
    return made


def states(service):
    return {image.name: image.state for image in service.every().items}


def test_images_are_told_with_what_is_known_of_them(service):
    python, notebook = service.every().items
    assert (python.name, python.kind, python.state, python.size) == ("avi-python", "avi", "none", None)
    assert (notebook.kind, notebook.reference) == ("notebook", "gavip/notebook:1")
    assert service.every().reason == ""


def test_an_archive_is_made_when_it_is_wanted(service, source):
    assert service.want("avi-python").state == "waiting"
    assert service.open("avi-python") is None
    service.look()
    made = service.get("avi-python")
    archive, file = service.open("avi-python")
    with file:
        assert (made.state, made.sha256, made.size) == ("ready", archive.sha256, len(file.read()))
    assert made.made_at is not None
    assert source.saves == ["avi-python"]


def test_two_who_ask_have_it_made_once(service, source):
    askers = [threading.Thread(target=service.want, args=["avi-python"]) for _ in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    service.look()
    service.look()
    assert source.saves == ["avi-python"]
    assert service.want("avi-python").state == "ready"
    service.look()
    assert source.saves == ["avi-python"]


def test_one_is_made_after_the_other(service, source):
    service.want("notebook")
    service.want("avi-python")
    service.look()
    assert states(service) == {"avi-python": "waiting", "notebook": "ready"}
    service.look()
    assert states(service) == {"avi-python": "ready", "notebook": "ready"}


def test_how_far_it_is_is_told_while_it_is_made(service, source, monkeypatch):
    source.contents["avi-python"] = b"x" * 1000
    seen = []
    pieces = source._pieces

    def watched(content):
        for piece in pieces(content):
            yield piece
            view = service.get("avi-python")
            seen.append((view.state, view.fraction))

    monkeypatch.setattr(source, "_pieces", watched)
    service.want("avi-python")
    service.look()
    assert seen == [("making", 0.001), ("making", 0.99)]


def test_an_archive_goes_with_its_image(service, source, clock):
    service.want("avi-python")
    service.look()
    old = service.get("avi-python")
    source.contents["avi-python"] = b"a newer one"
    clock.advance(KNOWN_SECONDS)
    service.look()
    new = service.get("avi-python")
    assert (new.state, new.image_id != old.image_id) == ("none", True)
    assert service.used_mb() == 0
    assert list(service._archives._folder.iterdir()) == []


def test_the_disk_is_looked_at_before(service, source, disk):
    source.contents["avi-python"] = bytes(50 * MB)
    service._ask()
    disk.free = 199
    with pytest.raises(DiskFull, match=r"up to 100 MB .* of the 199 MB free .* 100 MB are kept"):
        service.want("avi-python")
    assert states(service)["avi-python"] == "none"
    disk.free = 200
    assert service.want("avi-python").state == "waiting"


def test_who_asks_for_what_is_wanted_already_waits_with_the_first(service, disk):
    service.want("avi-python")
    disk.free = 10  # it is being filled with that archive
    assert service.want("avi-python").state == "waiting"


def test_a_disk_that_fills_meanwhile_is_told_to_who_asks_next(service, source, disk):
    service.want("avi-python")
    disk.free = 10
    service.look()
    assert "cannot be made" in service.get("avi-python").reason
    with pytest.raises(DiskFull):
        service.want("avi-python")
    assert source.saves == []


def test_a_failure_is_told_once_and_tried_again(service, source):
    source.failure = Unavailable("The engine broke off.")
    service.want("avi-python")
    service.look()
    assert service.get("avi-python").reason == "The engine broke off."
    with pytest.raises(Unavailable, match="broke off"):
        service.want("avi-python")
    service.want("avi-python")
    service.look()
    assert states(service)["avi-python"] == "ready"


def test_one_that_cannot_be_kept_is_told(service, source, monkeypatch):
    def full(*_, **__):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(service._archives, "make", full)
    service.want("avi-python")
    service.look()
    with pytest.raises(DiskFull):
        service.want("avi-python")


def test_an_image_that_was_replaced_is_told(service, source):
    source.failure = Conflict("The image avi-python was replaced meanwhile.")
    service.want("avi-python")
    service.look()
    with pytest.raises(Conflict, match="replaced"):
        service.want("avi-python")


def test_who_misnames_one_is_told_which_there_are(service):
    for ask in (service.get, service.want, service.open):
        with pytest.raises(NotFound, match="there are: avi-python, notebook"):
            ask("gavip/avi-python:1")


def test_an_engine_that_is_away_takes_nothing_away(service, source, clock):
    service.want("avi-python")
    service.look()
    source.away = True
    clock.advance(KNOWN_SECONDS)
    service.look()
    assert states(service)["avi-python"] == "ready"
    assert "may be old" in service.every().reason
    source.away = False
    clock.advance(KNOWN_SECONDS)
    service.look()
    assert service.every().reason == ""


def test_an_engine_is_not_asked_for_each_look(service, source, clock):
    source.contents["avi-java"] = b"java's"
    service.look()
    assert set(states(service)) == {"avi-python", "notebook"}
    clock.advance(KNOWN_SECONDS)
    service.look()
    assert set(states(service)) == {"avi-python", "notebook", "avi-java"}


def test_a_platform_without_images_says_why(make_service):
    service = make_service(NoImages("It would need an engine."))
    service.look()
    assert (service.every().items, service.every().reason) == ([], "It would need an engine.")
    with pytest.raises(NotFound, match="It would need an engine"):
        service.want("avi-python")
