"""Tests that avi.toml declares are checked with it: key, line, and what would be accepted."""

import pytest

from avi_kernel.protocol.folder import FolderProblem, read_release
from tests.support.avis import notebook, write_avi


def read(tmp_path, tests, **files):
    manifest = f"title = 'T'\n[pipelines.count.parameters.radius]\nmaximum = 5\n{tests}"
    pipeline = notebook("1", parameters="radius: float = 1.0\nlabel: str")
    return read_release(
        write_avi(tmp_path / "avi", {"avi.toml": manifest, "pipelines/count.ipynb": pipeline, **files})
    )


TEST = "[[pipelines.count.tests]]\n"


def test_a_test_has_values_and_expects_results(tmp_path):
    tests = (
        TEST
        + 'title = "small"\nparameters = { radius = 1, label = "a" }\n'
        + '[pipelines.count.tests.results."a.csv"]\nrows = 3\nsame_as = "tests/a.csv"\nwithin = 0.01\n'
        + TEST
        + 'parameters = { label = "b" }'
    )
    first, second = read(tmp_path, tests, **{"tests/a.csv": "x\n"}).manifest.pipelines["count"].tests
    assert first.results["a.csv"].rows == 3
    assert second.parameters == {"label": "b"}


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        ('parameters = { radius = 9, label = "a" }', r"line 5: .*radius: must be at most 5; got 9"),
        ("parameters = { radius = 1 }", r"label: is required and has no default"),
        (
            'parameters = { depth = 1, label = "a" }',
            r"depth: unknown parameter; this pipeline accepts: radius, label",
        ),
        ("wanted = 1", r"unknown key; accepted here: title, parameters, results"),
        ('parameters = {label="a"}\nresults."../a".rows = 1', r"pipelines.count.tests.0.results"),
        ('parameters = {label="a"}\nresults."a.csv".rows = -1', r"must be at least 0; got -1"),
        ('parameters = {label="a"}\nresults."a.csv".same_as = "gone.csv"', r"there is no file 'gone.csv'"),
        ('parameters = {label="a"}\nresults."a.csv".same_as = "../a"', r"lies outside the AVI's folder"),
        ('parameters = {label="a"}\nresults."a.csv".media_type = "no type"', r"media_type"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, tests, said):
    with pytest.raises(FolderProblem, match=said):
        read(tmp_path, TEST + tests)


def test_a_link_out_of_the_folder_is_nothing_to_compare_with(tmp_path):
    (tmp_path / "secret.csv").write_text("x")
    (tmp_path / "avi").mkdir()
    (tmp_path / "avi" / "a.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(FolderProblem, match="lies outside"):
        read(tmp_path, TEST + 'parameters = {label="a"}\nresults."a.csv".same_as = "a.csv"')
