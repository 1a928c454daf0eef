"""An AVI made of a notebook is a valid one, and says what is to decide."""

import json

import pytest

from avi_kernel.authoring.wrapping import wrapped
from avi_kernel.protocol.folder import read_release
from avi_kernel.protocol.problems import FolderProblem
from tests.support.avis import notebook

THREE = "ra = 66.75  # centre [deg]\nradius = 5.0  # [deg]\nfaintest = 14.0  # [mag]\n"


def made_of(*cells: str, title: str = "# Bright stars of the Hyades\n\nText.", **more: str):
    document = json.loads(notebook(*cells))
    document["cells"].insert(0, {"cell_type": "markdown", "metadata": {}, "source": title})
    return wrapped(json.dumps(document), file=more.get("file", "My Stars.ipynb"), name="hyades")


@pytest.fixture
def read(tmp_path):
    """Write an AVI and read it as the platform does."""

    def written(made):
        for path, text in made.files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        return read_release(tmp_path)

    return written


def test_three_parameters_with_types_units_and_limits(read):
    spec = read(made_of("import numpy as np", THREE, "print(ra)"))
    assert spec.manifest.title == "Bright stars of the Hyades"
    [pipeline] = spec.pipelines
    assert pipeline.name == "my-stars"
    assert [(one.name, one.type, one.unit, one.minimum, one.maximum) for one in pipeline.parameters] == [
        ("ra", "number", "deg", 0, 360),
        ("radius", "number", "deg", 0, 50),
        ("faintest", "number", "mag", 0, 140),
    ]
    assert spec.interface == "app.ipynb"


def test_the_pipeline_is_the_notebook_with_nothing_that_ran_in_it(read):
    made = made_of(THREE, "print(ra)")
    cells = json.loads(made.files["pipelines/my-stars.ipynb"])["cells"]
    assert ["".join(cell["source"]) for cell in cells][-1] == "print(ra)"
    assert all(cell.get("outputs", []) == [] for cell in cells)
    assert cells[1]["metadata"]["tags"] == ["parameters"]


def test_what_stood_beside_the_parameters_runs_behind_them(read):
    made = made_of("import numpy as np\nradius = 5.0\nbands = ['g']", "print(bands)")
    read(made)
    cells = json.loads(made.files["pipelines/my-stars.ipynb"])["cells"]
    assert "".join(cells[2]["source"]) == "import numpy as np\nbands = ['g']"
    assert any("bands" in line for line in made.open)


def test_a_tagged_cell_is_taken_before_another(read):
    document = json.loads(notebook("other = 1", "radius: float = 5.0  # [deg]"))
    document["cells"][1]["metadata"]["tags"] = ["parameters"]
    spec = read(wrapped(json.dumps(document), file="a.ipynb", name="stars"))
    assert [one.name for one in spec.pipelines[0].parameters] == ["radius"]


def test_a_notebook_without_plain_values_says_how_to_give_them(read):
    made = made_of("print(1)")
    assert read(made).pipelines[0].parameters == []
    assert any("tag it 'parameters'" in line for line in made.open)


def test_a_notebook_of_widgets_is_the_interface_as_it_is(read):
    made = made_of("import ipywidgets as widgets", "slider = widgets.IntSlider()")
    spec = read(made)
    assert (spec.interface, spec.pipelines) == ("app.ipynb", [])


@pytest.mark.parametrize("file", ["2024-run.ipynb", "Übung.ipynb", "x" * 80 + ".ipynb", "---.ipynb"])
def test_any_files_name_gives_a_pipeline(read, file):
    assert len(read(made_of(THREE, file=file)).pipelines) == 1


@pytest.mark.parametrize(
    "title", ['# "Quotes" and \\ back', "# Ein Übungsheft", "no heading", "# " + "x" * 500]
)
def test_any_title_is_written(read, title):
    assert read(made_of(THREE, title=title)).manifest.title


@pytest.mark.parametrize("text", ["", "{}", '{"cells": 3}', "no json"])
def test_what_is_no_notebook_is_refused(text):
    with pytest.raises(FolderProblem):
        wrapped(text, file="a.ipynb", name="stars")
