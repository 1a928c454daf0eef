"""Import and mirror on a whole platform, by the command itself; its service is killed in the middle of it."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gavip_hub.services.imports import BROKE_OFF
from gavip_hub.storage.git import Git
from tests.support.git_server import Place, repository, run_git, serving
from tests.support.platform import Platform, eventually, platform_to_throw_away
from tests.support.told import Gavip, command_of

pytestmark = [pytest.mark.hub, pytest.mark.acceptance, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    there = tmp_path_factory.mktemp("there")
    repository(there / "stars.git")
    with serving(there) as place:
        yield place


@pytest.fixture(scope="module")
def own(place: Place) -> Iterator[Platform]:
    settings = f"c.Gavip.bundled_avis = False\nc.Gavip.inner_git_hosts = [{place.address!r}]"
    with platform_to_throw_away("outside", settings=settings) as platform:
        yield platform


@pytest.fixture
def developers(own: Platform, tmp_path: Path) -> Gavip:
    return command_of(own, "developer", tmp_path / "home")


def told(developers: Gavip, avi: str) -> str:
    """Return what the command says of an import."""
    return developers("project", "imported", avi).stdout


def test_the_command_imports_and_mirrors(own: Platform, place: Place, developers: Gavip) -> None:
    begun = developers("project", "import", "bright", place.url())
    assert begun.returncode == 0, begun.stderr
    eventually(lambda: "came." in told(developers, "bright"), "the import to end")
    bare = own.root / "repositories" / "bright.git"
    run_git(bare, "fsck", "--strict")
    there = place.root / "mirror.git"
    Git(there).make()
    run_git(there, "config", "http.receivepack", "true")
    assert (
        developers("project", "mirror", "bright", place.url("mirror.git"), "--token", "s3cret").returncode
        == 0
    )
    names = run_git(bare, "for-each-ref", "--format=%(refname)")
    eventually(
        lambda: run_git(there, "for-each-ref", "--format=%(refname)") == names, "the mirror to have all"
    )
    assert "s3cret" not in developers("project", "mirrored", "bright", "--json").stdout
    assert all("s3cret" not in own.log(name) for name in ("service", "hub", "proxy"))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://localhost/a.git", "leads to a network that is not open to all"),
        ("file:///etc", "such as https://"),
        ("http://127.0.0.1:1/a.git", "must begin with https://"),
    ],
)
def test_the_command_says_what_is_taken(developers: Gavip, url: str, words: str) -> None:
    ran = developers("project", "import", "nowhere", url)
    assert ran.returncode == 2
    assert words in ran.stderr


def test_an_import_whose_service_is_killed_says_so_and_can_be_begun_again(
    own: Platform, place: Place, developers: Gavip
) -> None:
    asked, release = threading.Event(), threading.Event()

    def stuck(_: object) -> bool:
        asked.set()
        return not release.wait(60)

    place.answer = stuck
    assert developers("project", "import", "broken", place.url()).returncode == 0
    assert asked.wait(60)
    pid = own.pid("service")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    release.set()
    eventually(lambda: BROKE_OFF in told(developers, "broken"), "the broken import to be told", seconds=90)
    place.answer = lambda _: False
    assert not (own.root / "repositories" / ".imports").exists()
    assert developers("project", "import", "broken", place.url()).returncode == 0
    eventually(lambda: "came." in told(developers, "broken"), "the second import to end")


def test_the_command_shows_the_schema_of_a_manifest(developers: Gavip) -> None:
    shown = developers("manifest", "schema")
    assert shown.returncode == 0, shown.stderr
    assert "pipelines" in shown.stdout
