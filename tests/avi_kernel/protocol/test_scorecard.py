"""A scorecard holds strangers' words: cut, and without what would move a cursor."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from avi_kernel.protocol.scorecard import (
    LARGEST_REPORT,
    TITLES,
    CheckedRun,
    HostCall,
    Mark,
    Scorecard,
    not_installed,
    unjudged,
)

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def card(**changes):
    return Scorecard(**{"marks": unjudged([], reason=""), "checked_at": NOW, **changes})


def test_every_key_has_one_mark_in_order():
    assert [mark.key for mark in card().marks] == list(TITLES)
    with pytest.raises(ValidationError, match="each once and in this order"):
        card(marks=card().marks[:-1])
    with pytest.raises(ValidationError):
        card(marks=card().marks[::-1])


@given(st.text(), st.text(), st.lists(st.text(), max_size=60))
def test_whatever_a_stranger_says_fits_and_stays_where_it_is_put(sentence, change, details):
    mark = Mark(key="hosts", state="failed", sentence=sentence, change=change, details=details)
    assert len(mark.sentence) <= 500
    assert len(mark.details) <= 20
    shown = [mark.sentence, mark.change, *mark.details]
    assert not any(character < " " and character != "\n" for text in shown for character in text)
    assert not any(character in text for text in shown for character in "\x7f\x9b\u202e\u2066")
    assert "\n" not in mark.sentence
    assert Mark.model_validate_json(mark.model_dump_json()) == mark


def test_colours_of_a_terminal_are_taken_out_whole():
    assert (
        Mark(key="tests", state="failed", sentence="\x1b[0;31mNameError\x1b[0m: x").sentence == "NameError: x"
    )


def test_the_largest_scorecard_is_within_what_a_platform_reads():
    worst = "\N{MILKY WAY}" * 10_000
    marks = [
        Mark(key=key, state="failed", sentence=worst, change=worst, details=[worst] * 100) for key in TITLES
    ]
    hosts = [HostCall(host="a" * 250, declared=False)] * 500
    runs = [CheckedRun(name=worst, test=worst, seconds=1)] * 500
    text = card(marks=marks, hosts=hosts, runs=runs).model_dump_json()
    assert len(text.encode()) < LARGEST_REPORT


def test_what_does_not_install_is_looked_at_no_further():
    made = not_installed("numpy 9 does not exist", "Ask for another.", checked_at=NOW)
    assert [mark.key for mark in made.failed] == ["installs"]
    assert made.count("skipped") == len(TITLES) - 1


def test_the_platforms_own_log_of_calls_has_the_last_word():
    told = card().with_calls([HostCall(host="catalogue.example", port=443, declared=False, times=3)])
    assert told.mark("hosts").state == "failed"
    assert told.hosts[0].times == 3
    assert (
        card().with_calls([HostCall(host="archive.example", declared=True)]).mark("hosts").state == "passed"
    )
