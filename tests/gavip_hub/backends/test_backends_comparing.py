"""Two results of other bytes are compared by value, apart, whatever strangers put into them."""

import gzip
import json
import socket

import pytest

from gavip_hub.backends import comparing
from gavip_hub.backends.comparing import NOT_COMPARED, TOO_LARGE, Comparer
from gavip_hub.backends.sandbox import detect


@pytest.fixture(params=["walls", "limits"])
def bwrap(request):
    found = detect().bwrap if request.param == "walls" else None
    if request.param == "walls" and found is None:
        pytest.skip("this machine has no bubblewrap that works")
    return found


@pytest.fixture
def compare(tmp_path, bwrap):
    def difference(name, before, after):
        for folder, content in (("one", before), ("two", after)):
            (tmp_path / folder).write_bytes(content)
        with (tmp_path / "one").open("rb") as one, (tmp_path / "two").open("rb") as two:
            return Comparer(root=tmp_path, bwrap=bwrap).difference(name, (one, two))

    return difference


def test_tables_are_compared_by_value_and_nothing_is_left_behind(compare, tmp_path):
    assert compare("a.csv", b"x\n1\n", b"x\n1.0\n") == ""
    assert compare("a.csv", b"x\n1\n", b"x\n2\n") == "row 1, x: 1 became 2"
    assert list((tmp_path / "aside/comparing").iterdir()) == []


def test_what_a_kill_left_is_gone_with_the_next_start(tmp_path):
    left = tmp_path / "aside/comparing/room/before"
    left.mkdir(parents=True)
    (left / "a.csv").write_text("somebody's")
    Comparer(root=tmp_path, bwrap=None)
    assert list((tmp_path / "aside").iterdir()) == []


def test_packed_files_are_compared_by_what_is_in_them(compare, tmp_path):
    before, after = (gzip.compress(b"x\n1\n", mtime=moment) for moment in (1, 2))
    assert compare("a.csv.gz", before, after) == ""
    assert list((tmp_path / "aside/comparing").iterdir()) == []


def test_what_cannot_be_read_is_told_in_one_line(compare):
    words = compare("a.png", b"\x89PNG broken", b"\x89PNG also")
    assert words.startswith("its bytes are others")
    assert words.isprintable()


def test_a_large_file_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(comparing, "LARGEST", 3)
    (tmp_path / "a").write_bytes(b"1234")
    with (tmp_path / "a").open("rb") as one, (tmp_path / "a").open("rb") as two:
        assert Comparer(root=tmp_path, bwrap=None).difference("a.csv", (one, two)) == TOO_LARGE


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b'{"b": ""}', b'{"a.csv": 1}', b"[" * 100_000, b'{"a.csv": ""}' + b" " * 100_000]
)
def test_what_the_program_does_not_say_is_no_sameness(answer, compare, monkeypatch):
    class Done:
        returncode = 0

    def run(_call, *, stdout, **_):
        stdout.write(answer)
        return Done()

    monkeypatch.setattr(comparing.subprocess, "run", run)
    assert compare("a.csv", b"1", b"2") == NOT_COMPARED


def test_words_of_a_stranger_are_shown_in_one_line_and_cut():
    assert comparing._words("a\x1b[31m\n\u202eb" + "x" * 1000) == ("a [31m  b" + "x" * 1000)[:500]


SPIES = """
import json, os, pathlib, socket, sys
pathlib.Path(sys.argv[1], "x").exists()
seen = {"secret": os.path.exists(SECRET), "root": sorted(os.listdir("/comparing"))}
for act, name in ((lambda: open("/comparing/new", "w"), "writes"), (lambda: open("/dev/shm/new", "w"), "fills"), (lambda: socket.create_connection(("127.0.0.1", PORT), 1), "calls")):
    try:
        act()
        seen[name] = True
    except OSError:
        seen[name] = False
print(json.dumps({"a.csv": json.dumps(seen)}))
"""


def test_within_walls_it_sees_two_copies_and_no_file_nor_line_of_anybody(tmp_path, monkeypatch):
    bwrap = detect().bwrap
    if bwrap is None:
        pytest.skip("this machine has no bubblewrap that works")
    secret = tmp_path / "secret"
    secret.write_text("not theirs")
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = SPIES.replace("SECRET", repr(str(secret))).replace("PORT", str(server.getsockname()[1]))
        real = comparing.subprocess.run

        def run(call, **options):
            start = call.index("-m")
            return real([*call[:start], "-c", code, *call[start + 2 :]], **options)

        monkeypatch.setattr(comparing.subprocess, "run", run)
        (tmp_path / "a").write_bytes(b"1234")
        with (tmp_path / "a").open("rb") as one, (tmp_path / "a").open("rb") as two:
            told = Comparer(root=tmp_path, bwrap=bwrap).difference("a.csv", (one, two))
    assert json.loads(told) == {
        "secret": False,
        "root": ["after", "before"],
        "writes": False,
        "fills": False,
        "calls": False,
    }
