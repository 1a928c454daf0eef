"""A mistake in a manifest is told with its line."""

import pytest

from avi_kernel.protocol.folder import FolderProblem, read_release
from avi_kernel.protocol.toml_lines import line_of
from tests.support.avis import notebook, write_avi

MANIFEST = '''\
title = "Stars"

summary = """
of many
lines"""
[[authors]]
name = "A"
[[authors]]
name = "B"
affilation = "mistyped"

[pipelines.count]
memory = 200
parameters.radius.minimum = 1
keywords = [
    "one",
    "two",
]
"a.b" = 1
'''


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("title",), 1),
        (("summary",), 3),
        (("authors",), 6),
        (("authors", 1), 8),
        (("authors", 1, "affilation"), 10),
        (("pipelines", "count"), 12),
        (("pipelines", "count", "parameters", "radius", "minimum"), 14),
        (("pipelines", "count", "keywords"), 15),
        (("pipelines", "count", "a.b"), 19),
        (("nothing",), None),
        (("title", "deeper"), None),
    ],
)
def test_a_key_has_the_line_where_it_begins(place, line):
    assert line_of(MANIFEST, place) == line


@pytest.mark.parametrize("text", ["", "= 1", "x = " + "[" * 5000])
def test_what_cannot_be_read_has_no_line(text):
    assert line_of(text, ("x",)) is None


def test_a_long_file_is_looked_through_quickly():
    text = "".join(f"key{number} = {number}\n" for number in range(5000))
    assert line_of(text, ("key4321",)) == 4322


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ("title = 'x'\n\ncolour = 'blue'\n", "avi.toml, line 3: colour: unknown key; accepted here: title"),
        (
            "[pipelines.count]\nmemroy = 1\n",
            "avi.toml, line 2: pipelines.count.memroy: unknown key; accepted here: memory",
        ),
        (
            "[pipelines.count.parameters.radius]\nunit = 'deg'\nminimun = 1\n",
            "avi.toml, line 3: pipelines.count.parameters.radius.minimun: unknown key; accepted here: title, help, unit",
        ),
        (
            "[pipelines.count.parameters]\nradios.unit = 'deg'\n",
            "avi.toml, line 2: pipelines.count.parameters.radios: the pipeline declares no such parameter; it has: radius",
        ),
        ("\n[pipelines.'../../etc/passwd']\nmemory = 1\n", "avi.toml, line 2: pipelines.../../etc/passwd: "),
        ("[pipelines.count]\nneeds = ['../count']\n", "avi.toml, line 2: pipelines.count.needs"),
        (
            "title = 'x'\ntitle = 'y'\n",
            "avi.toml, line 2, column 12: is not valid TOML: cannot overwrite a value; give each key",
        ),
    ],
)
def test_a_refused_manifest_names_file_line_and_key(tmp_path, manifest, words):
    write_avi(tmp_path, {"pipelines/count.ipynb": notebook("1", parameters="radius: float = 1.0")})
    (tmp_path / "avi.toml").write_text(manifest)
    with pytest.raises(FolderProblem) as caught:
        read_release(tmp_path)
    assert str(caught.value).startswith(words)
