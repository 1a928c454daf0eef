"""The page of components names what there is, and nothing else."""

import re
from functools import cache
from pathlib import Path

import jinja2
from jinja2 import nodes

from gavip_hub.handlers.rendering import STATIC, TEMPLATES

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "components.md").read_text()
SHEETS = ("base.css", "components.css", "pages.css")


@cache
def macros() -> dict[str, str]:
    """Return `name(arguments)` of the macros that other templates import, with their files."""
    found: dict[str, str] = {}
    for path in sorted(TEMPLATES.glob("*.html")):
        tree = jinja2.Environment(autoescape=True).parse(path.read_text())
        if tree.find(nodes.Extends) is None:  # what a page makes for itself is its own
            for macro in tree.find_all(nodes.Macro):
                found[f"{macro.name}({', '.join(one.name for one in macro.args)})"] = path.name
    return found


def classes(sheet: str) -> set[str]:
    """Return the classes that a sheet speaks of."""
    selectors = re.sub(
        r"/\*.*?\*/|\{[^{}]*\}|url\([^)]*\)", " ", (STATIC / sheet).read_text(), flags=re.DOTALL
    )
    return set(re.findall(r"\.([a-z][\w-]*)", selectors))


def quoted() -> list[str]:
    return re.findall(r"`([^`]+)`", PAGE)


def test_every_macro_is_named_as_it_is_and_no_other():
    rows = re.findall(r"^\| `(\w+\([^`]*\))` \| `(\w+\.html)` \|", PAGE, re.MULTILINE)
    assert dict(rows) == macros()
    assert len(rows) == len(set(rows))


def test_every_shared_class_is_named():
    words = set(re.findall(r"[\w-]+", " ".join(quoted())))
    assert classes("components.css") - words == set()


def test_every_class_that_is_named_exists():
    named = {name for text in quoted() for name in re.findall(r"\b[a-z]+\.([a-z][\w-]*)\b(?!\()", text)}
    files = {"css", "html", "js", "md", "py"}
    assert named - set().union(*map(classes, SHEETS)) - files == set()
