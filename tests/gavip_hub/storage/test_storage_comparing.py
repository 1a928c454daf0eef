"""Two results of other bytes are compared by value, apart, whatever strangers put into them."""

import pytest

from gavip_hub.storage import comparing
from gavip_hub.storage.comparing import NOT_COMPARED, TOO_LARGE, Comparer


@pytest.fixture
def compare(tmp_path):
    def difference(name, before, after):
        for folder, content in (("one", before), ("two", after)):
            (tmp_path / folder).write_bytes(content)
        with (tmp_path / "one").open("rb") as one, (tmp_path / "two").open("rb") as two:
            return Comparer(root=tmp_path).difference(name, (one, two))

    return difference


def test_tables_are_compared_by_value_and_nothing_is_left_behind(compare, tmp_path):
    assert compare("a.csv", b"x\n1\n", b"x\n1.0\n") == ""
    assert compare("a.csv", b"x\n1\n", b"x\n2\n") == "row 1, x: 1 became 2"
    assert list((tmp_path / "comparing").iterdir()) == []


def test_what_cannot_be_read_is_told_in_one_line(compare):
    words = compare("a.png", b"\x89PNG broken", b"\x89PNG also")
    assert words.startswith("its bytes are others")
    assert words.isprintable()


def test_a_large_file_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(comparing, "LARGEST", 3)
    (tmp_path / "a").write_bytes(b"1234")
    with (tmp_path / "a").open("rb") as one, (tmp_path / "a").open("rb") as two:
        assert Comparer(root=tmp_path).difference("a.csv", (one, two)) == TOO_LARGE


@pytest.mark.parametrize("answer", [b"", b"[]", b'{"b": ""}', b'{"a.csv": 1}', b"[" * 100_000])
def test_what_the_program_does_not_say_is_no_sameness(answer, compare, monkeypatch):
    class Done:
        returncode = 0
        stdout = answer

    monkeypatch.setattr(comparing.subprocess, "run", lambda *_, **__: Done())
    assert compare("a.csv", b"1", b"2") == NOT_COMPARED


def test_words_of_a_stranger_are_shown_in_one_line_and_cut():
    assert comparing._words("a\x1b[31m\n\u202eb" + "x" * 1000) == ("a [31m  b" + "x" * 1000)[:500]
