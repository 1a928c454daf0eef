"""The kept document: asked for again by its tag; a newer or older platform is told, and used as far as it goes."""

from collections.abc import Iterator

import pytest

from avi_kernel import __version__
from avi_kernel.cli import settings
from tests.support.small_api import SmallApi, small_api
from tests.support.star_api import STAR_HANDLERS, Exploded

DOCUMENT = "GET /openapi.json"


@pytest.fixture
def stars(home) -> Iterator[SmallApi]:
    with small_api(STAR_HANDLERS, version=__version__) as api:
        api.answers = {"GET /stars": []}
        yield api


@pytest.fixture
def lists(types, stars):
    return lambda: types("--url", stars.url, "star", "list")


def grow_old(url: str) -> None:
    """Let the kept document be of an hour ago."""
    kept = settings.cached_document(url)
    old = {**kept, "checked": kept["checked"] - 3600}
    settings.cache_document(url, old, groups=settings.cached_groups(url))


def test_the_document_is_asked_for_once(stars, lists):
    lists()
    lists()
    assert stars.asked == [DOCUMENT, "GET /stars", "GET /stars"]


def test_an_old_one_is_asked_for_again_by_its_tag(stars, lists):
    lists()
    before = settings.cached_document(stars.url)
    grow_old(stars.url)
    lists()
    assert stars.statuses == [200, 200, 304, 200]
    after = settings.cached_document(stars.url)
    assert after["document"] == before["document"]
    assert after["checked"] >= before["checked"]


def test_a_changed_one_replaces_it(stars, lists):
    lists()
    grow_old(stars.url)
    stars.handlers = (*STAR_HANDLERS, Exploded)
    lists()
    assert "/stars/{id}/explosion" in settings.cached_document(stars.url)["document"]["paths"]


def test_a_platform_of_the_same_version_is_not_spoken_of(lists):
    assert lists().stderr == ""


@pytest.mark.parametrize(
    ("version", "words"),
    [("9.0.0", "newer than this command"), ("0.0.1", "older than this command"), ("10", "newer than")],
)
def test_another_version_is_told_once_and_used(stars, lists, version, words):
    stars.version = version
    ran = lists()
    assert ran.exit_code == 0
    assert words in ran.stderr
    assert version in ran.stderr
    assert words not in ran.stdout
    assert lists().stderr == ""


def test_a_version_that_is_none_is_not_printed(stars, lists):
    stars.version = "\x1b[2Jnewest"
    assert lists().stderr == ""


def test_what_this_command_cannot_do_is_named_and_the_rest_works(stars, lists):
    painted = {
        "operationId": "stars.paint",
        "summary": "Paint a star",
        "responses": {},
        "requestBody": {"content": {"image/png": {}}},
    }
    stars.changes = {"paths": {**stars.document()["paths"], "/paint": {"post": painted}}}
    ran = lists()
    assert "cannot do" in ran.stderr
    assert "star paint" in ran.stderr
    assert ran.exit_code == 0


def test_a_document_of_another_kind_is_named(stars, lists):
    stars.changes = {"openapi": "4.0.0"}
    assert "pip install --upgrade avi-kernel" in lists().stderr


def test_a_platform_that_lost_an_operation_meanwhile_is_told(types, stars, lists):
    stars.answers["GET /stars/s1"] = {"name": "x"}
    assert types("--url", stars.url, "star", "get", "s1").exit_code == 0
    del stars.answers["GET /stars/s1"]
    ran = types("--url", stars.url, "star", "get", "s1")
    assert "There is nothing" in ran.stderr
    stars.handlers = STAR_HANDLERS[:1]
    ran = types("--url", stars.url, "star", "get", "s1")
    assert ran.exit_code == 4
    assert "does not offer `gavip star get` any more" in ran.stderr
    assert "No such command" in types("--url", stars.url, "star", "get", "s1").stderr


@pytest.mark.parametrize("paths", [None, [], "text"])
def test_what_is_no_platform_is_told(stars, lists, paths):
    stars.changes = {"paths": paths}
    ran = lists()
    assert ran.exit_code == 6
    assert "no GAVIP platform" in ran.stderr
