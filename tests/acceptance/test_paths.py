"""A path with `..`, or a link out of its folder, leads nowhere, in whatever place takes a path."""

import http.client
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.platform import Platform
from tests.support.published import AVIS, publish, run

pytestmark = pytest.mark.hub
PASSWD = b"root:x:0:0"
OUT = (
    "../log.txt",
    "..%2flog.txt",
    "%2e%2e%2flog.txt",
    "%2e%2e/log.txt",
    "..%252flog.txt",
    "/etc/passwd",
    "..\\log.txt",
)
"""Ways to write a path that leaves the folder of a job's results; `log.txt` lies beside it."""
TO_PASSWD = (
    "../" * 12 + "etc/passwd",
    "..%2f" * 12 + "etc%2fpasswd",
    "%2e%2e/" * 12 + "etc/passwd",
    "%2fetc%2fpasswd",
)


def raw(platform: Platform, path: str, *, host: str | None = None) -> tuple[int, bytes]:
    """Ask for a path exactly as it is written: clients of a higher level would tidy it up."""
    connection = http.client.HTTPConnection("127.0.0.1", platform.port, timeout=60)
    named = f"{host or 'gavip.localhost'}:{platform.port}"
    headers = {"Host": named, "Authorization": f"Bearer {platform.token('scientist')}"}
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@contextmanager
def own_folder(platform: Platform, user: str, name: str) -> Iterator[Path]:
    """Give a copy of an AVI in a user's own space."""
    folder = platform.root / "users" / user / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(AVIS / "works", folder)
    yield folder
    shutil.rmtree(folder)


def publish_as(platform: Platform, user: str, folder: str) -> httpx.Response:
    body = {"folder": folder, "avi": "paths", "version": "1.0", "visibility": "public"}
    with platform.client(user) as client:
        return client.post("/avis/paths/releases", json=body)


@pytest.mark.parametrize(
    "folder",
    [
        "../scientist/theirs",
        "mine/../../scientist/theirs",
        "/etc",
        "/home/scientist/theirs",
        "/home/developer/../scientist/theirs",
        "..",
    ],
)
def test_a_developer_publishes_nothing_from_outside_the_own_space(platform: Platform, folder: str) -> None:
    with own_folder(platform, "scientist", "theirs"), own_folder(platform, "developer", "mine"):
        answer = publish_as(platform, "developer", folder)
    assert answer.status_code in {400, 404}
    assert answer.json()["message"]


@pytest.mark.parametrize("name", ["secret.txt", "pipelines/main.ipynb", "app.ipynb", "avi.toml", "data"])
def test_a_link_in_an_avis_folder_is_refused_by_its_name(platform: Platform, name: str) -> None:
    with own_folder(platform, "developer", "linked") as folder:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to("/etc" if name == "data" else "/etc/passwd")
        answer = publish_as(platform, "developer", "linked")
    assert (answer.status_code, answer.json()["error"]) == (422, "bad_manifest")
    assert name in answer.json()["message"]
    assert "link" in answer.json()["message"]


def test_a_linked_folder_is_not_published(platform: Platform, tmp_path: Path) -> None:
    link = platform.root / "users" / "developer" / "link"
    link.symlink_to(shutil.copytree(AVIS / "works", tmp_path / "outside"))
    answer = publish_as(platform, "developer", "link")
    link.unlink()
    assert answer.status_code in {404, 503}
    assert "link" in answer.json()["message"]


def test_a_pipeline_whose_name_is_a_path_is_refused_with_line_and_key(platform: Platform) -> None:
    with own_folder(platform, "developer", "named") as folder:
        (folder / "avi.toml").write_text('title = "x"\n[pipelines."../../main"]\nmemory = 100\n')
        answer = publish_as(platform, "developer", "named")
    assert (answer.status_code, answer.json()["error"]) == (422, "bad_manifest")
    assert answer.json()["message"].startswith("avi.toml, line 2: pipelines.../../main: ")


@pytest.mark.parametrize(
    "folder", ["/", "{root}", "{root}/secrets", "{root}/users/developer/..", "{root}/.."]
)
def test_an_operator_publishes_nothing_of_the_platforms_own(platform: Platform, folder: str) -> None:
    answer = publish_as(platform, "operator", folder.format(root=platform.root))
    assert (answer.status_code, answer.json()["field"]) == (400, "folder")
    assert "platform's own folders" in answer.json()["message"]


def test_a_results_address_leads_to_results_alone(platform: Platform, scientist: httpx.Client) -> None:
    job = run(scientist, publish(platform, "works"))["id"]
    log = scientist.get(f"/jobs/{job}/log").json()["text"].encode()
    assert log
    for base in (f"/services/gavip/api/jobs/{job}/results/", f"/services/gavip/jobs/{job}/results/"):
        for path in OUT:
            for end in ("", "/content"):
                status, content = raw(platform, base + path + end)
                assert status in {400, 404}, (base, path, status)
                assert log not in content
                assert PASSWD not in content


@pytest.mark.parametrize(
    "base", ["/services/gavip/static/", "/services/gavip/static/v-000000000000/", "/services/gavip/"]
)
def test_static_files_are_the_portals_own(platform: Platform, base: str) -> None:
    for path in (*TO_PASSWD, "../app.py", "..%2fapp.py", "..%2ftemplates%2fjob.html"):
        status, content = raw(platform, base + path)
        assert status in {301, 302, 400, 403, 404}, (path, status)
        assert PASSWD not in content
        assert b"import " not in content


def test_an_interface_shows_pictures_of_its_own_folder_alone(platform: Platform) -> None:
    avi = publish(platform, "works")
    host = platform.avi_url(avi, "scientist").split("/")[2].partition(":")[0]
    platform.open_avi(avi, "scientist")
    for below in ("files/", "voila/static/", "voila/files/", "static/"):
        for path in (*TO_PASSWD, "avi.toml", "pipelines/main.ipynb", "../../etc/passwd.png"):
            status, content = raw(platform, f"/user/scientist/{avi}/{below}{path}", host=host)
            assert status in {302, 400, 403, 404}, (below, path, status)
            assert PASSWD not in content
            assert b"Adds two numbers" not in content
    platform.close_servers("scientist")


ELSEWHERE = (
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "http:evil.example",
    "/services/gavip/../..//evil.example",
)


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_signing_in_leads_to_no_other_site(platform: Platform, wanted: str) -> None:
    with platform.browserless() as browser:
        login = browser.get("/hub/login", params={"next": wanted})
        form = {
            "username": "scientist",
            "password": platform.password("scientist"),
            "_xsrf": login.cookies["_xsrf"],
        }
        answer = browser.post("/hub/login", params={"next": wanted}, data=form)
    assert answer.status_code == 302
    leads_to = httpx.URL(platform.url).join(answer.headers["location"])
    assert leads_to.host == "gavip.localhost"


@pytest.mark.parametrize(
    "path",
    [
        "/services/gavip//evil.example",
        "/services/gavip/%2f%2fevil.example",
        "/services/gavip?next=//evil.example",
    ],
)
def test_the_portal_sends_nobody_elsewhere_after_signing_in(platform: Platform, path: str) -> None:
    with platform.signed_in("scientist") as browser:
        answer = browser.get(path)
    assert answer.url.host == "gavip.localhost"
    assert {step.url.host for step in answer.history} <= {"gavip.localhost"}


def test_a_link_in_place_of_a_folder_of_ones_own_is_not_followed(
    platform: Platform, scientist: httpx.Client, tmp_path: Path
) -> None:
    """A user can put it there from a notebook; a job would write through it."""
    avi = publish(platform, "works")
    own = platform.root / "users" / "scientist" / "avis" / avi
    shutil.rmtree(own, ignore_errors=True)
    own.parent.mkdir(parents=True, exist_ok=True)
    own.symlink_to(tmp_path)
    job = run(scientist, avi)
    own.unlink()
    assert job["phase"] == "ERROR"
    assert f"{avi} must be a folder" in job["error"]["message"]
    assert list(tmp_path.iterdir()) == []
    assert run(scientist, avi)["phase"] == "COMPLETED"
