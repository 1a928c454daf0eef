"""What the pages show to be put into files is what it says: manifests are taken, settings are settings, Python runs."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from avi_kernel.protocol.folder import read_release
from gavip_hub.config import load_config
from tests.support.archive import Archive
from tests.support.avis import notebook, write_avi
from tests.support.examples import FENCED, blocks, name_of, pages

DEVELOP, CHECK, RUN, FROM = (
    f"docs/how-to/{name}.md"
    for name in ("develop-an-avi", "check-an-avi", "run-the-platform", "where-is-this-from")
)
COUNTS = """
    from math import isfinite


    def magnitudes(stars, band):
        return [float(one) for one in stars[f"phot_{band}_mean_mag"] if isfinite(one)]
    """
"""The module that the page names and does not show."""


def bright_stars(folder: Path) -> Path:
    """Make the AVI of the page that tells how to develop one, of its blocks."""
    parameters, sample, histogram, graph, interface, tests = blocks(DEVELOP, "python")
    field = "ra: float = 66.75  # Centre [deg].\ndec: float = 15.87  # Centre [deg].\nradius: float = 8.0"
    files = {
        "avi.toml": "\n".join(blocks(DEVELOP, "toml")),
        "app.ipynb": notebook(interface),
        "pipelines/sample.ipynb": notebook(sample, parameters=field),
        "pipelines/histogram.ipynb": notebook(histogram, parameters=parameters),
        "pipelines/nearest.py": graph,
        "stars/__init__.py": "",
        "stars/counts.py": COUNTS,
        "conftest.py": "",
        "tests/test_counts.py": tests,
    }
    return write_avi(folder, files)


def test_the_parts_of_the_page_are_one_avi(tmp_path: Path) -> None:
    release = read_release(bright_stars(tmp_path / "bright-stars"))
    assert [one.name for one in release.pipelines] == ["histogram", "sample", "nearest"]
    histogram = release.pipelines[0]
    assert {one.name for one in histogram.parameters} >= {"radius", "band", "bins", "label", "grid", "ra"}
    assert [one.title for one in release.manifest.pipelines["histogram"].tests] == ["a small field"]


def test_a_test_of_a_pipeline_is_taken_as_shown(tmp_path: Path) -> None:
    folder = bright_stars(tmp_path / "bright-stars")
    [shown] = blocks(CHECK, "toml")
    manifest = "\n".join([*blocks(DEVELOP, "toml")[:2], shown])
    write_avi(folder, {"avi.toml": manifest, "tests/stars.csv": "hip,mag\n" * 13})
    [shown_test] = read_release(folder).manifest.pipelines["histogram"].tests
    assert (shown_test.title, shown_test.parameters["radius"]) == ("a small field", 1)


@pytest.mark.parametrize("number", range(len(blocks(RUN, "python"))))
def test_settings_are_settings(tmp_path: Path, number: int) -> None:
    shown = blocks(RUN, "python")[number]
    (tmp_path / "config.py").write_text(shown)
    config = load_config(tmp_path)
    for name, value in re.findall(r"^c\.Gavip\.(\w+) = (.+)$", shown, re.MULTILINE):
        wanted = ast.literal_eval(value)
        found = getattr(config, name)
        assert (found.items() >= wanted.items()) if isinstance(wanted, dict) else found == wanted, name


def test_a_file_is_asked_for_as_shown(tmp_path: Path) -> None:
    [cell], [manifest] = blocks(FROM, "python"), blocks(FROM, "toml")
    files = {
        "avi.toml": f'title = "Match"\n{manifest}',
        "app.ipynb": notebook("1"),
        "pipelines/match.ipynb": notebook("1", parameters=cell),
    }
    [pipeline] = read_release(write_avi(tmp_path / "match", files)).pipelines
    assert [(one.name, one.type, one.title) for one in pipeline.parameters] == [
        ("stars", "file", "List of stars")
    ]


def test_no_block_in_another_page_is_left_out() -> None:
    """Those of the other pages are run by tests/acceptance/test_examples.py."""
    found = {
        name_of(page) for page in pages() for language, _ in FENCED.findall(page.read_text())
        if language in ("python", "toml")
    }  # fmt: skip
    assert found == {
        DEVELOP,
        CHECK,
        RUN,
        FROM,
        "docs/how-to/use-the-command.md",
        "docs/how-to/from-a-notebook.md",
    }


@pytest.mark.archive
@pytest.mark.acceptance
@pytest.mark.parametrize("pipeline", ["histogram", "nearest"])
def test_its_pipelines_run_against_an_archive(
    tmp_path: Path, archive: Archive, monkeypatch: pytest.MonkeyPatch, pipeline: str
) -> None:
    folder = bright_stars(tmp_path / "bright-stars")
    monkeypatch.setenv("GAVIP_ARCHIVE_URL", archive.url)
    given = ["-p", "label=Hyades"] if pipeline == "histogram" else []
    gavip = Path(sys.executable).with_name("gavip")
    done = subprocess.run(
        [gavip, "dev", str(folder), "--run", pipeline, *given], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert {"histogram": "histogram.png", "nearest": "nearest.csv"}[pipeline] in done.stdout


@pytest.mark.archive
@pytest.mark.acceptance
def test_it_passes_its_own_check(tmp_path: Path, archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = bright_stars(tmp_path / "bright-stars")
    monkeypatch.setenv("GAVIP_ARCHIVE_URL", archive.url)
    gavip = shutil.which("gavip", path=str(Path(sys.executable).parent))
    done = subprocess.run([gavip, "avi", "check", str(folder)], capture_output=True, text=True, check=False)
    for mark in ("Installs", "Interface renders", "Repeatable"):
        assert f"✓ {mark}" in done.stdout, done.stdout
