"""From each template to a public AVI whose job another user runs: by the commands of the docs, pasted in order.

All four, in boxes of either kind: `make acceptance` installs the compilers that images have.
"""

import csv
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from avi_kernel.protocol.scorecard import TITLES
from tests.support.docker import need_engine
from tests.support.needs import missing, need_program
from tests.support.pasted import pasted, shell
from tests.support.platform import Platform, eventually, platform_to_throw_away
from tests.support.published import follow, submit
from tests.support.templates import PACKAGED, git, template_of

pytestmark = [pytest.mark.hub, pytest.mark.acceptance, pytest.mark.timeout(900)]
AUTHOR, READER = "developer", "scientist"
PAGE = "how-to/from-a-template.md"
CONE = {"ra": 66.75, "dec": 15.87, "radius": 5.0}
COMPILERS = ("javac", "gfortran")
PIPELINES = {"python": "counts", "dashboard": "magnitudes", "java": "motions", "fortran": "motions"}
PARAMETERS: dict[str, dict[str, Any]] = {
    "python": {"stars": 300},
    "dashboard": CONE,
    "java": CONE,
    "fortran": CONE,
}


@pytest.fixture(scope="module")
def containers() -> Iterator[Platform]:
    """A platform whose boxes are containers, of all images."""
    import docker

    need_engine()
    with platform_to_throw_away("templates", options=("--docker",)) as running:
        for name in ("avi-java", "avi-fortran"):
            try:
                docker.from_env().images.get(running.config.images[name])
            except docker.errors.ImageNotFound:
                missing(f"the image {name}", "make images")
        yield running


def released(platform: Platform, name: str, folder: Path) -> str:
    """Make an AVI of a template and release it, as the page says; return what was said."""
    typed = shell(platform, AUTHOR, folder)
    lines = [line.replace("bright-stars", f"of-{name}") for line in pasted(PAGE, platform)]
    return "".join(typed(line.replace("--template python", f"--template {name}")) for line in lines)


def made(platform: Platform, name: str, tell: Callable[[str], None]) -> dict[str, str]:
    """Run the pipeline as a job of another user; return its results that are text."""
    avi, pipeline = f"of-{name}", PIPELINES[name]
    with platform.client(READER) as reader:
        job = follow(reader, submit(reader, avi, pipeline, parameters=PARAMETERS[name]), seconds=400)
        assert job["phase"] == "COMPLETED", job["error"]
        [attempt] = job["attempts"]
        tell(f"a job of the template {name}: {attempt['memory_peak_mb']} MB")
        return {entry["name"]: text(reader, job["id"], entry["name"]) for entry in job["results"]}


def text(reader: httpx.Client, job: str, name: str) -> str:
    """Return a result, or its beginning where it is a picture."""
    answer = reader.get(f"/jobs/{job}/results/{name}")
    return answer.text if not name.endswith(".png") else repr(answer.content[:4])


def hold(name: str, results: dict[str, str]) -> None:
    """Hold a job's results to what they should be."""
    assert [value for key, value in results.items() if key.endswith(".png")] == [repr(b"\x89PNG")]
    [table] = [
        list(csv.DictReader(value.splitlines())) for key, value in results.items() if key.endswith(".csv")
    ]
    if name == "python":
        assert sum(int(row["stars"]) for row in table) == PARAMETERS["python"]["stars"]
    elif name == "dashboard":
        assert sum(int(row["stars"]) for row in table) > 100
    else:
        assert len(table) == 4
        for row in table:
            assert float(row[name]) == pytest.approx(float(row["numpy"]), rel=1e-9), row
        [difference] = re.findall(r"largest relative difference: ([\d.e+-]+)", results["motions.ipynb"])
        assert float(difference) < 1e-9


def marks(platform: Platform, avi: str) -> set[str]:
    """Return the marks that the platform's own check of a release gives, each of which it got.

    How long it takes may be warned of: that is of this machine, which other tests share.
    """
    card: dict[str, Any] = {}
    with platform.client(READER) as reader:

        def checked() -> bool:
            card.update(reader.get(f"/avis/{avi}/releases/1.0.0/check").json())
            return card["scorecard"] is not None

        eventually(checked, f"{avi} is checked", seconds=400)
    for mark in card["scorecard"]["marks"]:
        assert mark["state"] in ({"passed", "warning"} if mark["key"] == "time" else {"passed"}), mark
    return {mark["key"] for mark in card["scorecard"]["marks"]}


def becomes_an_avi(platform: Platform, name: str, folder: Path, tell: Callable[[str], None]) -> None:
    """Hold a template to all: made, released, its job, its interface, and what the platform's own check finds."""
    began = time.monotonic()
    said = released(platform, name, folder)
    assert f"Released of-{name} 1.0.0" in said
    assert "It is made for the image" not in said
    hold(name, made(platform, name, tell))
    url = platform.open_avi(f"of-{name}", READER)
    with platform.signed_in(READER) as browser:
        assert f"Of {name}" in browser.get(url).text
    platform.close_servers(READER)
    assert marks(platform, f"of-{name}") == set(TITLES)
    tell(f"the template {name}, made, released, run, opened, checked: {time.monotonic() - began:.0f} s")


@pytest.fixture(scope="module")
def processes() -> Iterator[Platform]:
    """A platform as it is started, whose boxes are processes of this machine, which has what images have."""
    for program in COMPILERS:
        need_program(program, "scripts/system-packages gfortran openjdk-17-jdk-headless python3-dev")
    with platform_to_throw_away("templates") as running:
        yield running


@pytest.mark.parametrize("name", PACKAGED)
def test_a_template_becomes_an_avi_where_boxes_are_processes(
    processes: Platform, tmp_path: Path, tell: Callable[[str], None], name: str
) -> None:
    becomes_an_avi(processes, name, tmp_path, tell)


def test_a_template_may_lie_in_the_platforms_own_git(platform: Platform, tmp_path: Path) -> None:
    typed = shell(platform, AUTHOR, tmp_path)
    source = template_of(tmp_path / "ours", {"template/said.txt.jinja": "{{ title }}\n"})
    git(source, "tag", "1.0.0")
    home = f"{platform.url}/services/gavip/git/ours.git"
    typed(f"gavip login {platform.url}")
    typed(f"git -C ours push {home} main 1.0.0")
    typed(f"gavip avi new theirs --template {home} --data title=Mira")
    assert (tmp_path / "theirs/said.txt").read_text() == "Mira\n"
    assert f"_src_path: {home}\n" in (tmp_path / "theirs/.copier-answers.yml").read_text()
    git(template_of(source, {"template/said.txt.jinja": "{{ title }}!\n"}, version="1.1.0"), "tag", "1.1.0")
    typed(f"git -C ours push {home} main 1.1.0")
    assert "Brought from 1.0.0 to 1.1.0" in typed("gavip avi update theirs")
    assert (tmp_path / "theirs/said.txt").read_text() == "Mira!\n"


@pytest.mark.docker
@pytest.mark.parametrize("name", PACKAGED)
def test_a_template_becomes_an_avi_in_containers(
    containers: Platform, tmp_path: Path, tell: Callable[[str], None], name: str
) -> None:
    becomes_an_avi(containers, name, tmp_path, tell)
