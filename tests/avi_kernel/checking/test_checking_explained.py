"""Each parameter that a form cannot ask for well is named, with the lines that mend it."""

import tomllib

from avi_kernel.checking.explained import explained
from avi_kernel.protocol.folder import read_release
from tests.support.avis import notebook, write_avi


def mark(tmp_path, parameters, manifest=""):
    folder = write_avi(
        tmp_path / "avi",
        {"pipelines/count.ipynb": notebook("1", parameters=parameters), "avi.toml": manifest},
    )
    return explained(read_release(folder))


def test_what_is_missing_is_named_and_the_lines_to_write_are_given(tmp_path):
    found = mark(tmp_path, "radius: float = 2.0\nname: str = 'a'  # Its name.")
    assert found.state == "failed"
    assert found.sentence == "count: radius has no help and no limits and no unit."
    written = tomllib.loads(found.change.partition("\n")[2])
    given = written["pipelines"]["count"]["parameters"]["radius"]
    assert given["minimum"] <= 2.0 <= given["maximum"]
    assert given.keys() == {"help", "minimum", "maximum", "unit"}


def test_the_lines_that_are_given_mend_it(tmp_path):
    parameters = "radius: float = -2.0\nstars: int = 7"
    lines = mark(tmp_path, parameters).change.partition("\n")[2]
    assert mark(tmp_path, parameters, lines).state == "passed"


def test_a_number_that_has_no_unit_can_say_so(tmp_path):
    limits = "minimum = 0\nmaximum = 9\n"
    table = f"[pipelines.count.parameters.ratio]\n{limits}"
    assert mark(tmp_path, "ratio: float = 1.0  # Of both.", table).state == "warning"
    assert mark(tmp_path, "ratio: float = 1.0  # Of both.", table + 'unit = ""').state == "passed"


def test_choices_are_limits_and_texts_need_none(tmp_path):
    choices = "[pipelines.count.parameters.bins]\nchoices = [5, 10]"
    parameters = "bins: int = 5  # How many.\nlabel: str = ''  # Its title.\ngrid: bool = True  # Lines."
    assert mark(tmp_path, parameters, choices).sentence == "Each of its 3 parameters has help and limits."


def test_a_pipeline_without_parameters_has_nothing_to_explain(tmp_path):
    assert mark(tmp_path, "").state == "passed"


def test_a_step_that_nobody_runs_is_asked_for_by_those_that_need_it(tmp_path):
    folder = write_avi(
        tmp_path / "avi",
        {
            "avi.toml": '[pipelines.step]\nhidden = true\n[pipelines.all]\nneeds = ["step"]',
            "pipelines/step.ipynb": notebook("1", parameters="depth: int = 1"),
            "pipelines/all.ipynb": notebook("1"),
        },
    )
    assert explained(read_release(folder)).sentence == "all: depth has no help and no limits."
