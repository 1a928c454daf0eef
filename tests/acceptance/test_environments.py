"""Packages that AVIs bring: fetched by a job, kept, shared, and seen by the AVI's own code alone."""

import shutil
from ast import literal_eval
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.support.avis import notebook, write_avi
from tests.support.docker import need_engine
from tests.support.package_index import PackageIndex, package_index, source, wheel
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

    def released(
        avi: str, requirements: str, *, version: str = "1.0", code: str = "print('hello')"
    ) -> dict[str, Any]:
        files = {
            "requirements.txt": requirements,
            "app.ipynb": notebook(code),
            "pipelines/main.ipynb": notebook(code),
        }
        folder = write_avi(tmp_path / f"{avi}-{version}", files)
        platform.publish(folder, avi, version=version)
        eventually(
            lambda: look(platform, avi, version)["state"] != "BUILDING", f"{avi} is built", seconds=120
        )
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


def test_what_asks_for_the_same_again_is_ready_at_once_and_asks_no_index(platform, index, release):
    first = release("again", "starword\n")
    index.asked.clear()
    second = release("again", "starword\n", version="1.1", code="print('changed')")
    assert (second["state"], second["build"], second["environment"]) == ("READY", None, first["environment"])
    assert index.asked == []


def test_the_same_packages_are_one_environment_whoever_asks(platform, release):
    one, other = release("one", "starword\n"), release("other", "lettercase\nstarword==1.0\n")
    assert one["environment"] == other["environment"] is not None
    assert one["build"] != other["build"]  # what others found is not believed


def test_an_environment_that_is_gone_is_made_of_the_same_files_without_an_index(platform, index, release):
    release("lasting", "starword\n", code=SAYS)
    wheels = {path.name for path in (platform.root / "wheels").iterdir()}
    for folder in (platform.root / "environments").iterdir():
        shutil.rmtree(folder)
    index.asked.clear()
    assert said(platform, "lasting") == "ALDEBARAN"
    assert {path.name for path in (platform.root / "wheels").iterdir()} == wheels
    assert index.asked == []


def test_an_interface_sees_the_packages(platform, release):
    release("shows", "starword\n", code="import starword\nprint(starword.WORD * 2)")
    platform.open_avi("shows", "scientist")
    with platform.signed_in("scientist") as browser:
        assert "AldebaranAldebaran" in browser.get(platform.avi_url("shows", "scientist")).text
    platform.close_servers("scientist")


def test_what_the_image_has_stays(release):
    failed = release("clashes", "numpy==1.0\n")
    assert failed["state"] == "FAILED"
    assert "numpy" in failed["reason"]
    assert "is part of the image and stays" in failed["reason"]


def test_a_package_that_nobody_has_is_told(release):
    failed = release("misses", "no-such-package-anywhere\n")
    assert failed["state"] == "FAILED"
    assert "No matching distribution found for no-such-package-anywhere" in failed["reason"]


def test_who_runs_what_failed_is_told_so_and_its_author_why(platform, release):
    release("failed", "no-such-package-anywhere\n")
    for person, words in (
        ("scientist", "use another version"),
        ("operator", "The packages could not be had"),
    ):
        with platform.client(person) as client:
            refused = client.post("/jobs", json={"avi": "failed", "pipeline": "main"})
            assert (refused.status_code, refused.json()["error"]) == (409, "not_ready")
            assert words in refused.json()["message"]
            assert client.post("/servers", json={"avi": "failed"}).status_code == 409
            assert "failed" not in [avi["name"] for avi in client.get("/avis").json()]


HANGS = "while True: pass"
FILLS = """
    import itertools
    with open("/attempt/filled", "wb") as file:
        for _ in itertools.count():
            file.write(bytes(1024 * 1024))
    """
SPIES = """
    import os, urllib.request
    def seen(path):
        try:
            return sorted(os.listdir(path))
        except OSError as error:
            return error.strerror
    def reached(url):
        try:
            return urllib.request.urlopen(url, timeout=3).status
        except OSError as error:
            return str(error)
    found = {
        "root": seen(ROOT), "other": seen(ROOT + "/repositories/secret.git"), "homes": seen("/home"),
        "tokens": [name for name in os.environ if "TOKEN" in name],
        "hub": reached("http://127.0.0.2:8081/hub/api/user"), "world": reached("http://example.org/"),
    }
    raise SystemExit("FOUND " + repr(found))
    """


def test_a_build_that_hangs_is_ended(index, release):
    index.add(source("hangs", "1.0", HANGS))
    failed = release("hangs", "hangs\n")
    assert failed["state"] == "FAILED"
    assert "60 s" in failed["reason"]


def test_a_build_that_fills_the_disk_is_ended(index, release):
    index.add(source("fills", "1.0", FILLS))
    failed = release("fills", "fills\n")
    assert failed["state"] == "FAILED"
    assert "wrote more than" in failed["reason"]


def test_a_build_finds_nothing_of_anybodys(platform, index, release):
    release("secret", "starword\n")
    index.add(source("spies", "1.0", f"ROOT = {str(platform.root)!r}\n{dedent(SPIES)}"))
    failed = release("spies", "spies\n")
    with platform.client("operator") as operator:
        log = operator.get(f"/jobs/{failed['build']}/log").json()["text"]
    [told] = [line.partition("FOUND ")[2] for line in log.splitlines() if "FOUND" in line][:1]
    found = literal_eval(told)
    assert failed["state"] == "FAILED"
    assert found["root"] == found["other"] == "No such file or directory"
    assert found["homes"] in ([], "No such file or directory")
    assert found["tokens"] == []
    assert not isinstance(found["hub"], int)
    assert "403" in found["world"]
