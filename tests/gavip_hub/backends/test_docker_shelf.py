"""Images leave the engine by the platform's own names alone, whole or with a break that shows."""

import json
import socket
import threading
from io import BytesIO

import pytest

from gavip_hub.backends.docker.frames import LONGEST, framed_pieces, frames
from gavip_hub.backends.docker.remote_images import RemoteImages
from gavip_hub.backends.docker.shelf import Shelf
from gavip_hub.backends.docker.steward import Steward
from gavip_hub.backends.images import KnownImage
from gavip_hub.exceptions import Conflict, Forbidden, Unavailable
from tests.gavip_hub.backends.test_docker_options import MOST_MB, ROOT
from tests.gavip_hub.backends.test_docker_steward import Remembering

OURS = {"avi-python": "gavip/avi-python:1", "notebook": "gavip/notebook:1", "gone": "gavip/gone:1"}
THEIRS = "gavip-env/somebodys:1"
NAMES = [
    *("somebodys", THEIRS, "sha256:3", "gavip/avi-python:1", "", ".", "..", "avi-python/../../containers/x"),
    *("avi-python?x=1", "avi-python\n", "AVI-PYTHON", "avi-python,notebook", "é"),
]
"""Of nobody's, of somebody else's image, and references in place of names."""


class RememberingEngine:
    """Has images of the platform and of others, and remembers what left it."""

    def __init__(self):
        self.ids = {"gavip/avi-python:1": "sha256:1", "gavip/notebook:1": "sha256:2", THEIRS: "sha256:3"}
        self.content = [b"an image, ", b"saved"]
        self.asked = []
        self.breaks = False
        self.at_the_end = lambda: None

    def image(self, reference):
        found = self.ids.get(reference)
        return {"Id": found, "Size": 15} if found else None

    def saved(self, reference):
        self.asked.append(reference)
        yield self.content[0]
        if self.breaks:
            raise Unavailable("The engine cannot save the image: no space left on device")
        yield from self.content[1:]
        self.at_the_end()


@pytest.fixture
def engine():
    return RememberingEngine()


@pytest.fixture
def images(tmp_path, engine):
    """The images as the service sees them, through the steward's socket."""
    shelf = Shelf(engine=engine, images=OURS)
    path = tmp_path / "steward.sock"
    with Steward(path, launcher=Remembering(), shelf=shelf, root=ROOT, most_memory_mb=MOST_MB) as steward:
        thread = threading.Thread(target=steward.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield RemoteImages(path=path, patience=0)
        steward.shutdown()
        thread.join()


def named(name: str, image_id: str = "sha256:1") -> KnownImage:
    return KnownImage(name=name, reference="", id=image_id, size=1)


def content_of(images: RemoteImages, image: KnownImage) -> bytes:
    with images.saved(image) as pieces:
        return b"".join(pieces)


def test_the_images_of_the_table_are_known_as_far_as_the_engine_has_them(images):
    assert [(image.name, image.reference, image.id) for image in images.known()] == [
        ("avi-python", "gavip/avi-python:1", "sha256:1"),
        ("notebook", "gavip/notebook:1", "sha256:2"),
    ]


def test_an_image_comes_whole_under_its_reference(images, engine):
    assert content_of(images, images.known()[0]) == b"an image, saved"
    assert engine.asked == ["gavip/avi-python:1"]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_but_the_tables_reaches_the_engine(images, engine, name):
    with pytest.raises(Forbidden, match="no image that this platform gives away"):
        content_of(images, named(name, "sha256:3"))
    assert engine.asked == []


def test_who_says_another_id_than_the_names_gets_nothing(images, engine):
    with pytest.raises(Conflict, match="replaced meanwhile"):
        content_of(images, named("avi-python", "sha256:3"))
    assert engine.asked == []


def test_one_that_the_engine_has_not_is_refused(images):
    with pytest.raises(Conflict):
        content_of(images, named("gone"))


def test_a_break_is_no_end(images, engine):
    engine.breaks = True
    with pytest.raises(Unavailable, match="broke off"):
        content_of(images, named("avi-python"))
    engine.breaks = False
    assert content_of(images, named("avi-python")) == b"an image, saved"


def test_an_image_that_is_replaced_while_it_is_saved_has_no_end(images, engine):
    engine.at_the_end = lambda: engine.ids.update({"gavip/avi-python:1": "sha256:9"})
    with pytest.raises(Unavailable, match="broke off"):
        content_of(images, named("avi-python"))


def test_images_are_saved_one_at_a_time(engine):
    shelf = Shelf(engine=engine, images=OURS)
    first = shelf.saved("avi-python", "sha256:1")
    next(first)
    with pytest.raises(Conflict, match="already"):
        next(shelf.saved("notebook", "sha256:2"))
    first.close()
    assert b"".join(shelf.saved("notebook", "sha256:2")) == b"an image, saved"


def test_a_platform_that_gives_nothing_away_has_an_empty_table(engine):
    shelf = Shelf(engine=engine, images={})
    assert shelf.known() == []
    with pytest.raises(Forbidden):
        next(shelf.saved("avi-python", "sha256:1"))


def test_who_hangs_up_is_no_failure(images, engine):
    engine.content = [b"x" * LONGEST] * 3
    with images.saved(named("avi-python")) as pieces:
        next(pieces)
        images.stop()
        with pytest.raises(Unavailable):
            list(pieces)
    engine.content = [b"an image, ", b"saved"]
    assert eventually_free(images) == b"an image, saved"


def eventually_free(images: RemoteImages) -> bytes:
    """Ask until the steward has noticed that the other line is gone."""
    while True:
        try:
            return content_of(images, named("avi-python"))
        except Conflict:
            continue


def test_pieces_of_any_size_come_as_they_were_sent():
    pieces = [b"a", b"", b"b" * (2 * LONGEST + 1), b"c"]
    sent = b"".join(frames(pieces))
    assert b"".join(framed_pieces(BytesIO(sent))) == b"".join(pieces)


@pytest.mark.parametrize("left", [0, 1, 4, 5, 7])
def test_pieces_that_were_cut_show_it(left):
    sent, come = b"".join(frames([b"abcd"])), []
    with pytest.raises(Unavailable):
        come.extend(framed_pieces(BytesIO(sent[:left])))
    assert come == []


def test_a_length_that_nobody_sends_is_no_reason_to_make_room():
    stream = BytesIO(b"\xff\xff\xff\xff" + b"x" * 100)
    with pytest.raises(Unavailable):
        next(framed_pieces(stream))
    assert stream.tell() == 4


def test_the_line_itself_knows_no_reference(tmp_path, images, engine):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(tmp_path / "steward.sock"))
        asked = {"act": "save_image", "name": THEIRS, "id": "sha256:3", "reference": THEIRS}
        connection.sendall(json.dumps(asked).encode() + b"\n")
        with connection.makefile("rb") as answer:
            assert json.loads(answer.readline())["error"] == "forbidden"
            assert answer.read() == b""
    assert engine.asked == []
