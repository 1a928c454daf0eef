"""The portal's scripts, read as text: what a browser would only find out once it comes by."""

import re
from itertools import product
from pathlib import Path

import pytest

import gavip_hub

STATIC = Path(gavip_hub.__file__).parent / "static"
SCRIPTS = {path.name: path.read_text() for path in sorted(STATIC.glob("*.js")) if ".min." not in path.name}
EXPORTED = re.compile(r"^export (?:async )?function (\w+)", re.MULTILINE)
IMPORTED = re.compile(r"^import \{([^}]*)\} from", re.MULTILINE)
MADE = re.compile(r"\b(?:function|const|let) ([\w, ]+)")


def shared_functions():
    return {name for text in SCRIPTS.values() for name in EXPORTED.findall(text)}


def known_in(text):
    """Return the names that a script imports or makes."""
    lists = IMPORTED.findall(text) + MADE.findall(text)
    return {name.strip() for names in lists for name in names.split(",")}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_imports_what_it_calls_of_others(script):
    text = SCRIPTS[script]
    called = {name for name in shared_functions() if re.search(rf"(?<![.\w]){name}\(", text)}
    assert called - known_in(text) == set()


def test_there_are_scripts_that_call_one_another():
    calls = [
        (one, name) for one, name in product(SCRIPTS, shared_functions()) if name in known_in(SCRIPTS[one])
    ]
    assert len(calls) > len(shared_functions())
