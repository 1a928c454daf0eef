import io

import pytest

from gavip_hub.exceptions import BadRequest
from gavip_hub.services.results import _piece


def piece(content, *, offset=0, limit=1000, ended=False):
    return _piece(io.BytesIO(content), offset=offset, limit=limit, ended=ended)


def test_a_log_is_read_on_from_where_one_was():
    first = piece(b"one\ntwo\n", limit=4)
    assert (first.text, first.next_offset, first.ended) == ("one\n", 4, False)
    assert piece(b"one\ntwo\n", offset=4, ended=True).text == "two\n"


@pytest.mark.parametrize("limit", range(4, 12))
def test_a_log_in_pieces_of_any_size_is_the_whole_log(limit):
    content, offset, text = "é ß 😀 ok\n".encode(), 0, ""
    while offset < len(content):
        part = piece(content, offset=offset, limit=limit, ended=True)
        assert part.next_offset > offset
        text, offset = text + part.text, part.next_offset
    assert text == "é ß 😀 ok\n"


def test_a_character_that_is_half_written_comes_with_the_next_piece():
    whole = "é".encode()
    assert piece(b"a" + whole[:1]).text == "a"
    assert piece(b"a" + whole[:1]).next_offset == 1
    assert piece(b"a" + whole, offset=1).text == "é"


def test_what_is_no_text_is_shown_as_well_as_can_be():
    assert piece(b"\xff\xfeab", ended=True).text == "��ab"


def test_a_log_ends_only_when_all_of_it_was_read():
    assert not piece(b"0123456789", limit=5, ended=True).ended
    assert piece(b"0123456789", offset=5, limit=5, ended=True).ended


def test_a_negative_offset_counts_from_the_end():
    assert piece(b"0123456789", offset=-3).text == "789"
    assert piece(b"012", offset=-30).text == "012"


def test_an_offset_past_the_end_is_told():
    with pytest.raises(BadRequest, match="has 3 bytes"):
        piece(b"012", offset=4)
