"""Packages that AVIs bring: fetched by a job, kept, shared, and seen by the AVI's own code alone."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.avis import notebook, write_avi
from tests.support.docker import need_engine
from tests.support.package_index import PackageIndex, package_index, wheel
from tests.support.platform import Platform, eventually, platform_to_throw_away
from tests.support.published import run

pytestmark = [pytest.mark.hub, pytest.mark.acceptance]
SETTINGS = "c.Gavip.bundled_avis = False\nc.Gavip.environment_seconds = 60\nc.Gavip.environment_mb = 64\n"
WORDS = {"starword/__init__.py": "WORD = 'Aldebaran'\n"}


@pytest.fixture(scope="module")
def index() -> Iterator[PackageIndex]:
    """An index with a package that needs another one."""
    with package_index() as running:
        running.add(wheel("starword", "1.0", WORDS, needs=("lettercase>=2",)))
        running.add(wheel("lettercase", "2.1", {"lettercase.py": "upper = str.upper\n"}))
        yield running


@pytest.fixture(scope="module", params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def platform(request: pytest.FixtureRequest, index: PackageIndex) -> Iterator[Platform]:
    """A platform that fetches packages from there."""
    options = ("--docker",) if request.param == "docker" else ()
    if options:
        need_engine()
    with platform_to_throw_away("packages", settings=SETTINGS + index.settings, options=options) as running:
        yield running


Release = Callable[..., dict[str, Any]]


@pytest.fixture
def release(platform: Platform, tmp_path: Path) -> Release:
    """Release an AVI with these requirements, and return the release once it is ready or failed."""

    def released(avi: str, requirements: str, *, version: str = "1.0", code: str = "print('hello')") -> dict[str, Any]:
        files = {
            "requirements.txt": requirements,
            "app.ipynb": notebook(code),
            "pipelines/main.ipynb": notebook(code),
        }
        folder = write_avi(tmp_path / f"{avi}-{version}", files)
        platform.publish(folder, avi, version=version)
        eventually(lambda: look(platform, avi, version)["state"] != "BUILDING", f"{avi} is built", seconds=120)
        return look(platform, avi, version)

    return released


def look(platform: Platform, avi: str, version: str) -> dict[str, Any]:
    with platform.client("operator") as operator:
        releases = operator.get(f"/avis/{avi}/releases").json()
    return next(one for one in releases if one["version"] == version)


SAYS = """
from avi_kernel.pipelines import result
from lettercase import upper
from starword import WORD
result("said.txt").write_text(upper(WORD));
"""


def said(platform: Platform, avi: str) -> str:
    """Run the AVI's pipeline as somebody else, and return what it said."""
    with platform.client("scientist") as scientist:
        job = run(scientist, avi)
        assert job["phase"] == "COMPLETED", job["error"]
        return scientist.get(f"/jobs/{job['id']}/results/said.txt").text


def test_a_release_brings_its_packages(platform, release):
    ready = release("brings", "starword\n", code=SAYS)
    assert (ready["state"], ready["reason"]) == ("READY", "")
    assert said(platform, "brings") == "ALDEBARAN"
