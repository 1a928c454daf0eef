"""An archive of an image is there whole or not at all, and gone once its image is."""

import gzip
import hashlib
import os
import stat
import time

import pytest

from gavip_hub.storage.image_archives import ImageArchives

KEY, OTHER = "a" * 32, "b" * 32


@pytest.fixture
def archives(tmp_path):
    return ImageArchives(root=tmp_path)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "images"


def make(archives, key=KEY, pieces=(b"an image, ", b"saved")):
    return archives.make(key, pieces, taken=lambda _: None)


def test_an_archive_is_what_was_saved_compressed(archives, folder):
    made = make(archives)
    archive, file = archives.open(KEY)
    with file:
        content = file.read()
    assert gzip.decompress(content) == b"an image, saved"
    assert archive == made == archives.found(KEY)
    assert (made.size, made.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_same_image_is_the_same_archive(archives):
    assert make(archives).sha256 == make(archives).sha256


def test_what_has_come_is_told(archives):
    told = []
    archives.make(KEY, [b"ab", b"c"], taken=told.append)
    assert told == [2, 1]


def test_nothing_is_there_before_the_first(archives):
    assert archives.found(KEY) is None
    assert archives.open(KEY) is None
    assert archives.used() == 0
    archives.keep([])


def test_one_that_broke_off_leaves_nothing(archives, folder):
    def breaks():
        yield b"an image"
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        make(archives, pieces=breaks())
    assert list(folder.iterdir()) == []


def test_archives_of_images_that_are_gone_are_removed(archives):
    make(archives)
    make(archives, OTHER)
    archives.keep({OTHER})
    assert archives.found(KEY) is None
    assert archives.found(OTHER) is not None


def test_who_reads_one_that_is_removed_reads_it_to_its_end(archives):
    make(archives)
    _, file = archives.open(KEY)
    archives.keep([])
    with file:
        assert gzip.decompress(file.read()) == b"an image, saved"


def test_what_a_maker_left_that_was_killed_goes_in_time(archives, folder):
    make(archives)
    (folder / ".left").write_bytes(b"half")
    archives.keep({KEY})
    assert (folder / ".left").exists()  # somebody may be writing it
    long_ago = time.time() - 24 * 3600
    os.utime(folder / ".left", (long_ago, long_ago))
    archives.keep({KEY})
    assert not (folder / ".left").exists()


def test_what_they_take_is_counted(archives):
    one, other = make(archives), make(archives, OTHER, [os.urandom(5000)])
    assert archives.used() == one.size + other.size
