"""What a person sends that cannot be right is refused with its cause and what would be accepted, on every way in."""

import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from avi_kernel.client import Client
from avi_kernel.transport import BadRequest
from tests.support.avis import notebook
from tests.support.platform import Platform
from tests.support.published import AVIS, publish, run
from tests.support.told import Gavip, command_of, told_alike

pytestmark = [pytest.mark.hub, pytest.mark.acceptance]
CODE = "x=1\nimport os\nos.system('touch /tmp/gavip-was-here')\nz"
MEGABYTES = "x" * 10_000_000
TOO_LARGE = "larger than the 4 MB that are taken"


def send_form(platform: Platform, avi: str, fields: dict[str, str]) -> httpx.Response:
    """Send a pipeline's form as a browser does."""
    address = f"/services/gavip/avis/{avi}/pipelines/main"
    with platform.signed_in("scientist") as browser:
        token = re.search(r'name="_xsrf" value="([^"]+)"', browser.get(address).text)
        assert token
        return browser.post(address, data={"_xsrf": token.group(1), **fields})


def client_of(platform: Platform) -> closing[Client]:
    """Return the scientist's client for scripts."""
    return closing(Client(platform.url, platform.token("scientist")))


@pytest.fixture
def untouched(scientist: httpx.Client) -> Iterator[None]:
    """Hold that a test leaves no job behind."""

    def newest() -> list[str]:
        return [job["id"] for job in scientist.get("/jobs").json()["items"]]

    before = newest()
    yield
    assert newest() == before


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"p.a": "many"}, "must be a whole number; got &#39;many&#39;"),
        ({"p.a": "101"}, "must be at most 100 apples; got 101"),
        ({"p.label": "difference"}, "must be one of sum, total"),
        ({"memory_mb": "lots"}, "must be a whole number of MB"),
    ],
)
def test_a_form_says_at_its_field_what_would_be_accepted(
    platform: Platform, fields: dict[str, str], words: str
) -> None:
    answer = send_form(platform, publish(platform, "works"), fields)
    assert answer.status_code == 422
    assert words in answer.text
    assert f'name="{next(iter(fields))}"' in answer.text  # the form is there to be sent again


def test_a_field_whose_name_is_code_is_no_parameter(platform: Platform, scientist: httpx.Client) -> None:
    """A form's further fields are none of the pipeline's: it runs with the declared ones alone."""
    good = {"p.a": "1", "p.b": "2", "p.label": "sum"}
    answer = send_form(platform, publish(platform, "works"), {**good, f"p.{CODE}": "1"})
    job = answer.url.path.rpartition("/")[2]
    assert scientist.get(f"/jobs/{job}").json()["parameters"] == {"a": 1, "b": 2.0, "label": "sum"}


@pytest.mark.usefixtures("untouched")
def test_ten_megabytes_are_refused_on_every_way_in(
    platform: Platform, scientist: httpx.Client, gavip: Gavip
) -> None:
    avi = publish(platform, "works")
    asked = {"avi": avi, "pipeline": "main", "parameters": {"label": MEGABYTES}}
    answer = scientist.post("/jobs", json=asked)
    assert (answer.status_code, answer.json()["error"]) == (413, "body_too_large")
    assert TOO_LARGE in answer.json()["message"]
    page = send_form(platform, avi, {"p.label": MEGABYTES})
    assert page.status_code == 413
    assert TOO_LARGE in page.text
    with client_of(platform) as client, pytest.raises(BadRequest, match=TOO_LARGE):
        client.submit("main", {"label": MEGABYTES}, avi=avi)
    # The system itself lets nobody give a program an argument of more than 128 kB.
    ran = gavip("job", "submit", avi, "main", f"--parameter=label={MEGABYTES[:100_000]}")
    assert ran.returncode == 2
    assert "label: must be at most 20000 characters; got 100000" in ran.stderr


@pytest.mark.usefixtures("untouched")
def test_a_name_that_is_code_is_refused_by_the_client_too(platform: Platform) -> None:
    avi = publish(platform, "works")
    words = "unknown parameter; this pipeline accepts: a, b, label"
    with client_of(platform) as client, pytest.raises(BadRequest, match=words):
        client.submit("main", {CODE: 1}, avi=avi)


def test_an_interrupted_job_names_its_cell(platform: Platform, scientist: httpx.Client, gavip: Gavip) -> None:
    job = run(scientist, publish(platform, "exits"), "interrupt")
    assert (job["phase"], job["error"]["code"]) == ("ERROR", "raised")
    told_alike(platform, gavip, job, "cell 1: the code was interrupted (KeyboardInterrupt)")


def test_a_job_that_leaves_by_sys_exit_names_its_cell(
    platform: Platform, scientist: httpx.Client, gavip: Gavip
) -> None:
    job = run(scientist, publish(platform, "exits"), "sys_exit")
    assert (job["phase"], job["error"]["code"]) == ("ERROR", "exited")
    told_alike(platform, gavip, job, "cell 2: the code ended itself with sys.exit(3)")


def test_a_cell_that_is_no_python_is_named_and_shown(
    platform: Platform, scientist: httpx.Client, gavip: Gavip
) -> None:
    job = run(scientist, publish(platform, "syntax-error"))
    assert (job["phase"], job["error"]["ename"]) == ("ERROR", "SyntaxError")
    assert [result["name"] for result in job["results"]] == ["main.ipynb"]
    told_alike(platform, gavip, job, "cell 2: SyntaxError:")


@pytest.mark.parametrize("avi", ["no-kernelspec", "no-parameters"])
def test_a_notebook_without_kernel_or_parameters_runs_and_takes_no_parameter(
    platform: Platform, scientist: httpx.Client, avi: str
) -> None:
    assert run(scientist, publish(platform, avi))["phase"] == "COMPLETED"
    answer = scientist.post("/jobs", json={"avi": avi, "pipeline": "main", "parameters": {"n": 1}})
    assert (answer.status_code, answer.json()["field"]) == (422, "n")
    assert "unknown parameter; this pipeline accepts:" in answer.json()["message"]


REFUSED = {
    "an unknown key": (
        {"avi.toml": 'title = "x"\n[pipelines.main]\nmemroy = 100\n'},
        "avi.toml, line 3: pipelines.main.memroy: unknown key; accepted here: memory, cpu",
    ),
    "no TOML": (
        {"avi.toml": "title = \n"},
        "avi.toml, line 1, column 9: is not valid TOML: invalid value; text stands in quotes",
    ),
    "another language": (
        {"pipelines/main.ipynb": notebook("x <- 1").replace('"language": "python"', '"language": "R"')},
        "pipelines/main.ipynb: is written for a kernel of 'R'; only notebooks in Python run here",
    ),
    "no notebook": ({"pipelines/main.ipynb": "{"}, "pipelines/main.ipynb: is not a notebook: it is not JSON"),
    "a broken parameters cell": (
        {"pipelines/main.ipynb": notebook("1", parameters="a: int = 1 +")},
        "pipelines/main.ipynb, cell tagged 'parameters': line 1: invalid syntax",
    ),
    "a parameter that is no plain value": (
        {"pipelines/main.ipynb": notebook("1", parameters="a = open('/etc/passwd')")},
        "pipelines/main.ipynb: a: the default must be a plain value; got `open('/etc/passwd')`",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_folder_that_is_no_avi_is_refused_alike_by_api_and_command(
    platform: Platform, tmp_path: Path, gavip: Gavip, case: str
) -> None:
    files, words = REFUSED[case]
    folder = Path(shutil.copytree(AVIS / "syntax-error", tmp_path / "refused"))
    for name, text in files.items():
        (folder / name).write_text(text)
    body = {"folder": str(folder), "avi": "refused", "version": "1.0"}
    with platform.client("operator") as operator:
        answer = operator.post("/avis/refused/releases", json=body)
    assert (answer.status_code, answer.json()["error"]) == (422, "bad_manifest")
    assert words in answer.json()["message"]
    ran = gavip("dev", str(folder), "--run", "main")
    assert ran.returncode == 2
    assert words in ran.stderr
    operators = command_of(platform, "operator", tmp_path / "operator")
    published = operators("release", "submit", "refused", str(folder), "1.0")
    assert published.returncode == 2
    assert words in published.stderr
