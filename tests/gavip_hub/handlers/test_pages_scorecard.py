"""A release's scorecard on a page: every mark in words, and strangers' texts shown and not obeyed."""

import re
from datetime import UTC, datetime

import pytest

from avi_kernel.protocol.scorecard import TITLES, CheckedRun, Mark, Scorecard
from gavip_hub.domain.badges import badges
from gavip_hub.handlers.rendering import make_environment
from tests.support.shown_pages import EVIL, everywhere

PAGE = """{% extends "layout.html" %}{% import "scorecard.html" as checks %}
{% block title %}Check{% endblock %}
{% block main %}{{ checks.badges(badges) }}{{ checks.scorecard(card, author=author) }}{% endblock %}"""
STATES = ("passed", "warning", "failed", "skipped")


def card(*states, text="Something was found."):
    pairs = zip(TITLES, states * len(TITLES), strict=False)
    marks = [Mark(key=key, state=state, sentence=text, change=text, details=[text]) for key, state in pairs]
    runs = [CheckedRun(name=text, test=text, seconds=1.25, memory_mb=1234.5, asked_mb=2000)]
    return Scorecard(marks=marks, runs=runs, checked_at=datetime(2026, 11, 27, tzinfo=UTC))


def render(shown, *, author=True):
    page = make_environment("/services/gavip").from_string(PAGE)
    return page.render(**everywhere(), card=shown, badges=badges(shown), author=author)


def test_every_mark_is_there_with_its_title_and_a_word_for_its_state():
    html = render(card(*STATES))
    assert all(title in html for title in TITLES.values())
    assert all(word in html for word in ("Passed", "To look at", "Failed", "Not judged"))
    assert "2 of 8 passed" in html


@pytest.mark.parametrize("author", [True, False])
def test_what_strangers_wrote_is_shown_and_not_obeyed(author):
    html = render(card(*STATES, text=EVIL), author=author)
    assert EVIL not in html
    assert "onerror=&#34;" in html
    assert not re.findall(r"<style|\sstyle=|<[^>&]*\son\w+=", html)


def test_what_to_change_is_for_who_can_change_it():
    assert "What to change" in render(card("failed"))
    assert "What to change" not in render(card("failed"), author=False)
    assert "What to change" not in render(card("passed"))


def test_runs_are_told_with_their_units():
    html = render(card("passed"))
    assert "1.2 s" in html
    assert re.search(r"1.234 of 2.000 MB", html)


def test_badges_say_what_is_worth_saying():
    assert [badge.words for badge in badges(card("passed"))] == [
        "Tested",
        "Repeatable",
        "Explained",
        "Declared hosts",
        "Steady memory",
    ]
    assert len(badges(card("failed"))) == len(TITLES)
    assert badges(card("skipped")) == []
