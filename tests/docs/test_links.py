"""Links lead somewhere, every page can be found, and the commands that the pages show exist."""

import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest

from avi_kernel.cli import main, operations, plugins
from gavip_hub.handlers.openapi import document
from gavip_hub.handlers.routes import API_HANDLERS

CHECKOUT = Path(__file__).resolve().parents[2]
INDEX = CHECKOUT / "docs" / "README.md"
PATTERNS = ("README.md", "docs/**/*.md", "images/*.md", "voila_apps/*/README.md", "avi_templates/README.md")
PAGES = sorted(page for pattern in PATTERNS for page in CHECKOUT.glob(pattern))

FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"^(?: {4}|\t).*$", re.MULTILINE)
SPAN = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
ELSEWHERE = re.compile(r"[a-z]+:")
# A command begins a line, a span, or what follows a pipe or stands in `$(…)`.
COMMAND = re.compile(r"(?:^|[`|(;&]) *gavip(?: --url \S+| --json)* ([a-z]+)(?: ([a-z]+))?", re.MULTILINE)


def name_of(page: Path) -> str:
    return page.relative_to(CHECKOUT).as_posix()


each_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


def prose(page: Path) -> str:
    """Return a page without what is code."""
    return SPAN.sub("", FENCED.sub("", page.read_text()))


def code(page: Path) -> str:
    text = page.read_text()
    rest = FENCED.sub("", text)
    spans = (match.group() for match in SPAN.finditer(rest))
    return "\n".join([*FENCED.findall(text), *(line.strip() for line in INDENTED.findall(rest)), *spans])


def anchors(page: Path) -> set[str]:
    """Return the names that GitHub gives to a page's headings."""
    headings = HEADING.findall(FENCED.sub("", page.read_text()))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> Iterator[tuple[str, Path, str]]:
    """Yield each relative link as it is written, the file that it means, and its anchor."""
    for link in LINK.findall(prose(page)):
        if not ELSEWHERE.match(link):
            path, _, anchor = link.partition("#")
            yield link, (page.parent / path).resolve() if path else page, anchor


def leads_somewhere(target: Path, anchor: str) -> bool:
    return target.exists() and (not anchor or anchor in anchors(target))


def found_from(start: Path) -> set[Path]:
    """Return the pages that a reader comes to by links alone."""
    seen, waiting = {start}, [start]
    while waiting:
        new = {target for _, target, _ in links(waiting.pop()) if target.suffix == ".md"} - seen
        seen |= new
        waiting += new
    return seen


def top_command(name: str) -> click.Command | None:
    """Return a command of the program itself, of the installed packages, or of the platform's API."""
    if name in main._OWN:
        return plugins.load(main._OWN[name][0])
    if installed := [entry for entry in entry_points(group=plugins.GROUP) if entry.name == name]:
        return plugins.load(installed[0].value)
    return operations.command(document(API_HANDLERS, version="1"), name)


def is_known(name: str, subcommand: str) -> bool:
    if name in main._JOINED and subcommand in plugins.attribute(main._JOINED[name]):
        return True
    command = top_command(name)
    if isinstance(command, click.Group) and subcommand:
        return subcommand in command.commands
    return command is not None


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    assert [link for link, target, anchor in links(page) if not leads_somewhere(target, anchor)] == []


def test_every_page_is_found_from_the_index() -> None:
    pages = {page for page in PAGES if page.is_relative_to(INDEX.parent)}
    assert sorted(map(name_of, pages - found_from(INDEX))) == []


def test_the_first_page_leads_to_the_index() -> None:
    assert INDEX in found_from(CHECKOUT / "README.md")


@each_page
def test_every_command_shown_exists(page: Path) -> None:
    shown = set(COMMAND.findall(code(page)))
    assert sorted(" ".join(words).strip() for words in shown if not is_known(*words)) == []


def test_unknown_commands_and_dead_links_would_be_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A page\n[a](#a-page) [b](#b) [c](gone.md) [d](https://gaia.example)\n\n    gavip avi release\n"
    )
    assert [link for link, target, anchor in links(page) if not leads_somewhere(target, anchor)] == [
        "#b",
        "gone.md",
    ]
    assert COMMAND.findall(code(page)) == [("avi", "release")]
    assert not is_known("avi", "release")
    assert is_known("job", "submit")
    assert is_known("admin", "password")
