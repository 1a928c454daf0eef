"""Each template as it is right after it was made: a valid AVI, clean, whose tests pass and whose pipelines run."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbclient import NotebookClient
from nbformat import read

from avi_kernel.protocol.folder import read_release
from tests.support.archive import Archive
from tests.support.jobs import Ran, document_of, run_job
from tests.support.templates import PACKAGED, made

ARCHIVE_USERS = ("dashboard", "fortran", "java")
needs_java = pytest.mark.skipif(
    shutil.which("javac") is None, reason="needs a JDK; make acceptance installs one"
)
needs_fortran = pytest.mark.skipif(
    shutil.which("gfortran") is None, reason="needs gfortran; make acceptance installs it"
)
NOBODYS = {"GAVIP_ARCHIVE_URL": "http://127.0.0.1:9/tap"}


@pytest.fixture(scope="module")
def avis(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An AVI of each template."""
    folder = tmp_path_factory.mktemp("avis")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        return {name: made(folder / name, name) for name in PACKAGED}


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No archive answers."""
    for name, value in NOBODYS.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("name", PACKAGED)
def test_its_parameters_have_help_and_its_numbers_limits(avis, name):
    release = read_release(avis[name])
    assert release.manifest.template == name
    assert release.interface == "app.ipynb"
    for parameter in release.pipelines[0].parameters:
        assert parameter.help, parameter.name
        assert parameter.title, parameter.name
        assert parameter.minimum is not None, parameter.name
        assert parameter.maximum is not None, parameter.name


def test_each_names_the_image_that_it_needs(avis):
    images = {name: read_release(avis[name]).manifest.image for name in PACKAGED}
    assert images == {
        "python": "avi-python",
        "dashboard": "avi-python",
        "java": "avi-java",
        "fortran": "avi-fortran",
    }


@pytest.mark.parametrize("command", [("check",), ("format", "--check")])
def test_they_are_clean_where_ruff_has_no_settings(avis, command):
    for avi in avis.values():
        ruff = [Path(sys.executable).with_name("ruff"), *command, "--isolated", "--no-cache", "."]
        done = subprocess.run(ruff, cwd=avi, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "name", ["python", *(pytest.param(name, marks=pytest.mark.acceptance) for name in ARCHIVE_USERS)]
)
def test_its_own_tests_pass(avis, name):
    options = ["-q", "-p", "no:schemathesis", "-p", "no:cacheprovider", "-p", "no:asyncio"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=avis[name],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},  # f2py calls meson
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) >= 3


def test_the_commands_of_its_readme_name_its_own_pipeline(avis):
    for avi in avis.values():
        [told] = re.findall(r"--run (\w+) -p (\w+)=", (avi / "README.md").read_text())
        [pipeline] = read_release(avi).pipelines
        assert told[0] == pipeline.name
        assert told[1] in [parameter.name for parameter in pipeline.parameters]


def test_what_several_have_is_the_same_in_all():
    sources = Path(__file__).parents[2] / "avi_templates"
    for path in ("sky/sample.py", "tests/test_sample.py", "data/stars.csv", "data/ATTRIBUTION.md"):
        assert len({(sources / name / "template" / path).read_bytes() for name in ARCHIVE_USERS}) == 1, path
    assert (
        len({(sources / name / "template/sky/motions.py").read_bytes() for name in ("java", "fortran")}) == 1
    )


def ran(avis: dict[str, Path], tmp_path: Path, name: str, pipeline: str, **parameters: object) -> Ran:
    """Run a template's pipeline as a job."""
    own = Path(shutil.copytree(avis[name], tmp_path / "avi"))
    done = run_job(tmp_path, document_of("", pipeline, folder=own, **parameters), code=own)
    assert done.exit_code == 0, done.log
    return done


def test_the_pipeline_in_python_makes_a_table_and_a_picture(avis, tmp_path):
    done = ran(avis, tmp_path, "python", "counts", stars=300, faintest=15.0)
    rows = list(csv.DictReader(done.result("counts.csv").splitlines()))
    assert sum(int(row["stars"]) for row in rows) == 300
    assert (done.attempt / "results" / "counts.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.acceptance
def test_results_say_that_they_are_of_the_extract_where_no_archive_answers(avis, tmp_path, nowhere):
    done = ran(avis, tmp_path, "dashboard", "magnitudes", ra=66.75, dec=15.87, radius=3.0)
    titles = {entry.name: entry.title for entry in done.outcome.results}
    assert titles["magnitudes.png"] == "Stars by magnitude (from the packaged extract)"


@pytest.mark.acceptance
@pytest.mark.parametrize(
    "name", [pytest.param("java", marks=needs_java), pytest.param("fortran", marks=needs_fortran)]
)
def test_the_language_and_numpy_agree(avis, tmp_path, nowhere, monkeypatch, name):
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")  # f2py calls meson
    parameters = {"ra": 66.75, "dec": 15.87, "radius": 5.0, "precision": 10.0, "bins": 24}
    done = ran(avis, tmp_path, name, "motions", **parameters)
    rows = list(csv.DictReader(done.result("motions.csv").splitlines()))
    assert [row["quantity"].split()[0] for row in rows] == ["parallax", "pm_ra", "pm_de", "velocity"]
    for row in rows:
        assert float(row[name]) == pytest.approx(float(row["numpy"]), rel=1e-9)


@pytest.mark.acceptance
@pytest.mark.parametrize(
    ("name", "program", "installed"),
    [("java", "javac", "a JDK 17 is"), ("fortran", "gfortran", "gfortran, meson and ninja are")],
)
def test_without_its_compiler_a_job_says_in_one_sentence_what_is_missing_and_what_helps(
    avis, tmp_path, nowhere, monkeypatch, name, program, installed
):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    own = Path(shutil.copytree(avis[name], tmp_path / "avi"))
    done = run_job(tmp_path, document_of("", "motions", folder=own), code=own)
    assert done.outcome.error.message.endswith(
        f": RuntimeError: there is no {program} here: this pipeline runs in the image avi-{name}, "
        f"or where {installed} installed"
    )


@pytest.mark.acceptance
def test_a_view_opens_where_there_is_no_platform(avis, monkeypatch):
    monkeypatch.delenv("GAVIP_API_URL", raising=False)
    for path in sorted(avis["dashboard"].glob("dashboard_*.ipynb")):
        NotebookClient(view := read(path, 4), resources={"metadata": {"path": path.parent}}).execute()
        shown = [output for cell in view.cells for output in cell.get("outputs", [])]
        assert ["application/vnd.jupyter.widget-view+json" in output.data for output in shown] == [True]


def test_answers_are_quoted_wherever_they_stand(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    title = "A \"star\" \\n {{ 7 * 7 }} Ω 🌟 'x'"
    avi = made(tmp_path / "avi", "java", title=title, affiliation='a"b')
    release = read_release(avi)
    assert (release.manifest.title, release.manifest.authors[0].affiliation) == (title, 'a"b')
    assert json.loads((avi / "app.ipynb").read_text())["cells"][0]["source"][0] == f"# {title}\n"


@pytest.mark.acceptance
@pytest.mark.parametrize("name", ["python", "dashboard", pytest.param("java", marks=needs_java)])
def test_it_gets_every_mark_of_the_check(avis, tmp_path, nowhere, name):
    own = shutil.copytree(avis[name], tmp_path / name)
    command = [str(Path(sys.executable).with_name("gavip")), "--json", "avi", "check", str(own)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    marks = {mark["key"]: mark["state"] for mark in json.loads(done.stdout)["marks"]}
    assert set(marks.values()) == {"passed"}, done.stdout


@pytest.mark.archive
@pytest.mark.acceptance
def test_a_real_archive_answers_with_the_stars_of_the_extract(avis, archive: Archive):
    code = (
        "import json\nfrom sky.sample import fetch, of_extract\n"
        "cone = {'ra': 66.75, 'dec': 15.87, 'radius': 5.0}\n"
        "asked, extract = fetch(**cone), of_extract(**cone, why='a test')\n"
        "precise = asked.stars['hip_plx'] >= 5 * asked.stars['hip_e_plx']\n"
        "hips = [sorted(map(int, stars['hip'])) for stars in (asked.stars[precise], extract.stars)]\n"
        "print(json.dumps([asked.source.archive, len(hips[1]), hips[0] == hips[1]]))\n"
    )
    environment = {**os.environ, **archive.env}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=avis["java"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [archive.name, 160, True]
