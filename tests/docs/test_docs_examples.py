"""Every command that the documentation shows is run by tests/acceptance/test_examples.py, or says why not."""

import pytest

from tests.acceptance.test_examples import SESSIONS
from tests.support.examples import CHECKOUT, FAILS, SERVES, SKIPPED, lines_of, name_of, pages

LINES = [(name_of(page), line) for page in pages() for line in lines_of(page)]


def test_every_command_is_run_or_says_why_not():
    unheld = [f"{page}: {line.text}" for page, line in LINES if not line.skipped and page not in SESSIONS]
    assert unheld == []


@pytest.mark.parametrize("begin", [*SKIPPED, *SERVES, *FAILS])
def test_no_reason_outlives_its_command(begin):
    import re

    assert any(re.match(begin, line.text) for _, line in LINES), begin


@pytest.mark.parametrize("begin", SKIPPED)
def test_what_is_not_run_here_is_run_there(begin):
    held = SKIPPED[begin]
    assert held.words in (CHECKOUT / held.by).read_text()


def test_no_session_outlives_its_page():
    assert {page for page, line in LINES if not line.skipped} == set(SESSIONS)


def test_commands_are_found_in_blocks_with_and_without_prompts(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "```\ngavip me    # who\n```\n```console\n$ gavip job list\nid  avi\n```\n```\nname  title\n```\n```python\ngavip = 1\n```\n"
    )
    assert [line.text for line in lines_of(page)] == ["gavip me", "gavip job list"]
