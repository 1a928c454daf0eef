"""Which AVIs are found, and in which order."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavip_hub.domain.finding import (
    MOST_KEYWORDS,
    MOST_WORDS,
    RECENT,
    Findable,
    Known,
    Question,
    common_keywords,
    in_order,
    matching,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def entry(avi, title="", summary="", authors=(), keywords=(), release=""):
    return Findable.of(
        avi=avi, title=title, summary=summary, authors=authors, keywords=keywords, release=release
    )


STARS = entry("stars", "Star counter", "Counts in a cone.", ("A. Astronomer",), ("Stars", "Counts"), "r3")
ROCKS = entry("rocks", "Asteroids", "Spectra of stars' neighbours.", ("B. Star",), ("asteroids",), "r1")
HR = entry("hr", "Diagram of colours", "For clusters.", ("H. N. Russell",), ("stars", "clusters"), "r2")
ALL = [STARS, ROCKS, HR]


ANYTHING = Question()


def names_of(entries, question, known):
    found = in_order(entries, question, known, matching(entries, question))
    return [one.avi for one in found]


def order(question=ANYTHING, **known):
    return names_of(ALL, question, Known(**known))


def test_nothing_known_is_in_the_order_of_titles():
    assert order() == ["rocks", "hr", "stars"]


def test_favourites_come_first_then_what_was_used_lately_then_what_many_use():
    used = {"stars": NOW, "rocks": NOW - timedelta(days=1)}
    assert order(favourites={"rocks"}, used=used) == ["rocks", "stars", "hr"]
    assert order(used={"hr": NOW, "stars": NOW - timedelta(1)}) == ["hr", "stars", "rocks"]
    assert order(people={"hr": 3, "stars": 9}) == ["stars", "hr", "rocks"]


def test_only_the_newest_few_count_as_used_lately():
    many = [entry(f"a{number:02}", f"{number:02}") for number in range(20)]
    used = {one.avi: NOW + timedelta(number) for number, one in enumerate(many)}
    names = names_of(many, Question(), Known(used=used, people={"a00": 1}))
    assert names[:RECENT] == [f"a{number}" for number in range(19, 19 - RECENT, -1)]
    assert names[RECENT] == "a00"


def test_words_are_found_everywhere_and_best_in_names():
    assert order(Question.of("star")) == ["stars", "hr", "rocks"]
    assert order(Question.of("russell cluster")) == ["hr"]
    assert order(Question.of("russell cone")) == []


def test_keywords_are_whole_words_and_all_of_them_wanted():
    assert order(Question.of("", ["STARS"])) == ["hr", "stars"]
    assert order(Question.of("", ["stars", "counts"])) == ["stars"]
    assert order(Question.of("", ["star"])) == []


def test_other_orders_leave_favourites_in_the_row():
    known = {"favourites": {"rocks"}, "people": {"hr": 3, "stars": 9}}
    assert order(Question.of("", order="used"), **known) == ["stars", "hr", "rocks"]
    assert order(Question.of("", order="newest"), **known) == ["stars", "hr", "rocks"]


def test_keywords_to_narrow_by_are_counted_with_the_chosen_ones_first():
    assert common_keywords(ALL, Question())[:2] == [("stars", 2), ("asteroids", 1)]
    assert common_keywords([HR, STARS], Question.of("", ["counts"]))[0] == ("counts", 1)


@pytest.mark.parametrize("order", ["", "popular", "USED"])
def test_an_order_that_is_none_is_the_usual_one(order):
    assert Question.of("", order=order).order == "relevance"


@given(st.text(max_size=5000), st.lists(st.text(max_size=100), max_size=20))
def test_anything_typed_is_a_bounded_question(text, keywords):
    question = Question.of(text, keywords)
    assert len(question.words) <= MOST_WORDS
    assert len(question.keywords) <= MOST_KEYWORDS
    assert set(names_of(ALL, question, Known())) == set(matching(ALL, question))
