"""A box's log keeps beginning and end, within its limit."""

import pytest

from avi_kernel.box.log import BoxLog


def write(path, pieces, limit=4000):
    log = BoxLog(path=str(path), limit=limit)
    for piece in pieces:
        log.write(piece)
    log.close()
    return path.read_bytes()


def test_a_short_log_is_what_was_printed(tmp_path):
    assert write(tmp_path / "log.txt", [b"one\n", b"two\n"]) == b"one\ntwo\n"


def test_a_log_at_its_limit_is_whole(tmp_path):
    assert b"x" * 3000 in write(tmp_path / "log.txt", [b"x" * 3000])


@pytest.mark.parametrize("piece", [1, 7, 900, 5000, 100_000])
def test_a_long_log_keeps_both_ends_and_says_what_is_missing(tmp_path, piece):
    printed = b"".join(b"%07d\n" % number for number in range(12_500))
    content = write(tmp_path / "log.txt", [printed[at : at + piece] for at in range(0, len(printed), piece)])
    assert content.startswith(printed[:3000])
    assert content.endswith(printed[-1000:])
    cut = int(content.rpartition(b" bytes were cut here.")[0].rpartition(b"[")[2])
    shown = content.partition(b"were cut here.]\n")[2]
    assert 3000 + cut + len(shown) == len(printed)
    assert len(content) < 4400


def test_a_link_in_place_of_the_log_is_refused(tmp_path):
    (tmp_path / "log.txt").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        BoxLog(path=str(tmp_path / "log.txt"), limit=1000)
    assert not (tmp_path / "elsewhere").exists()


def test_a_full_disk_ends_nothing(tmp_path):
    log = BoxLog(path="/dev/full", limit=1000)
    log.write(b"x" * 10)
    log.write(b"y" * 2000)
    assert log.full
    log.close()


def test_nothing_is_written_once_it_is_closed(tmp_path):
    """Its descriptor may be somebody else's by then."""
    log = BoxLog(path=str(tmp_path / "log.txt"), limit=1000)
    log.close()
    with (tmp_path / "other").open("wb", buffering=0):  # has the descriptor now
        log.write(b"of one container")
        log.close()
    assert (tmp_path / "other").read_bytes() == b""
