"""What a link to an AVI may carry, and what its notebook reads of it."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avi_kernel import link
from avi_kernel.protocol.links import LONGEST_LINK, LONGEST_VALUE, MOST_VALUES, link_query, link_values

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,20}", fullmatch=True).filter(lambda name: name != "token")
TEXTS = st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=20)


@given(st.dictionaries(NAMES, TEXTS, max_size=5))
def test_what_is_written_into_a_link_is_read_from_it(values):
    assert link_values(parse_qsl(link_query(values), keep_blank_values=True)) == values


def test_names_of_the_addresses_own_are_left_out_unless_they_are_called_a_fields():
    assert link_values([("version", "1.0"), ("start", "1"), ("p.version", "2"), ("p.radius", "3")]) == {
        "version": "2",
        "radius": "3",
    }


@pytest.mark.parametrize(
    "pairs",
    [
        [("x=1\nimport os", "2")],
        [("_xsrf", "2")],
        [("p.token", "secret")],
        [("a", "x" * (LONGEST_VALUE + 1))],
        [("a", "bell\x07")],
        [("a", "\u202etxt")],
        [(f"a{number}", "1") for number in range(MOST_VALUES + 1)],
        [(f"a{number}", "x" * LONGEST_VALUE) for number in range(LONGEST_LINK // LONGEST_VALUE + 1)],
    ],
)
def test_what_no_link_may_carry_is_refused_in_words(pairs):
    with pytest.raises(ValueError, match=r"[Ll]ink"):
        link_values(pairs)


@pytest.fixture
def query(monkeypatch):
    return lambda text: monkeypatch.setenv("QUERY_STRING", text)


def test_a_notebook_reads_values_of_the_types_of_its_defaults(query):
    query("radius=2.5&bins=7&target=M+67&densities=false")
    assert link.values() == {"radius": "2.5", "bins": "7", "target": "M 67", "densities": "false"}
    assert link.value("radius", 1.0) == 2.5
    assert link.value("bins", 100) == 7
    assert link.value("target", "Hyades") == "M 67"
    assert link.value("densities", True) is False


@pytest.mark.parametrize("text", ["wide", "", "nan", "-1", "1e9"])
def test_a_value_that_is_not_acceptable_is_the_default(query, text):
    query(f"radius={text}")
    assert link.value("radius", 5.0, minimum=0.1, maximum=20) == 5.0


def test_a_choice_that_was_not_offered_is_the_default(query):
    query("target=Virgo&flag=perhaps")
    assert link.value("target", "Hyades", choices=["Hyades", "Pleiades"]) == "Hyades"
    assert link.value("flag", True) is True


def test_a_link_of_nonsense_is_no_link(query, monkeypatch):
    query("a=1&b%0a=2")
    assert link.values() == {}
    monkeypatch.delenv("QUERY_STRING")
    assert link.values() == {}
