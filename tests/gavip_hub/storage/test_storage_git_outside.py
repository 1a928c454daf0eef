"""Git as a client of other places, that may mean no good: real git, a real server on loopback."""

import os
import shutil
import subprocess
import threading
import time

import pytest

from gavip_hub.domain.outside import outside_url
from gavip_hub.exceptions import BadRequest
from gavip_hub.storage.git import Git
from gavip_hub.storage.git_outside import OutsideFailed, OutsideGit, Patience, Stopped
from gavip_hub.storage.outside_hosts import Way, way_to
from tests.support.git_server import repository, run_git, serving

QUICK = Patience(seconds=20, silence=1)


@pytest.fixture
def place(tmp_path):
    repository(tmp_path / "there" / "stars.git")
    with serving(tmp_path / "there") as place:
        yield place


def way(place, name="stars.git"):
    return way_to(outside_url(place.url(name), inner=[place.address]))


def fetched(place, folder, *, name="stars.git", **options):
    told: list[float] = []
    git = OutsideGit(**{"repository_mb": 100, "patience": QUICK, **options})
    git.fetch(way(place, name), folder, told=told.append)
    return told


def names(folder):
    return run_git(folder, "for-each-ref", "--format=%(refname)").split()


def refused(place, folder, **options):
    with pytest.raises(OutsideFailed) as caught:
        fetched(place, folder, **options)
    return str(caught.value)


def test_branches_and_tags_come_whole(place, tmp_path):
    told = fetched(place, tmp_path / "here.git")
    assert names(tmp_path / "here.git") == ["refs/heads/main", "refs/heads/other", "refs/tags/v1.0"]
    run_git(tmp_path / "here.git", "fsck", "--strict")
    assert told == sorted(told)
    assert told[-1] > 0.5


def test_a_repository_without_main_shows_its_own_branch(place, tmp_path):
    repository(tmp_path / "there" / "old.git", branch="trunk")
    fetched(place, tmp_path / "here.git", name="old.git")
    assert run_git(tmp_path / "here.git", "symbolic-ref", "HEAD") == "refs/heads/trunk"


def test_an_empty_repository_is_told_as_such(place, tmp_path):
    run_git(tmp_path, "init", "-q", "--bare", str(tmp_path / "there" / "empty.git"))
    assert "it has no branch and no tag" in refused(place, tmp_path / "here.git", name="empty.git")


def test_one_that_is_not_there_is_told_as_such(place, tmp_path):
    assert "there is no such repository" in refused(place, tmp_path / "here.git", name="none.git")


@pytest.mark.parametrize("to", ["file:///etc/", "http://127.0.0.1:{port}/", "http://localhost:{port}/"])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirection_is_followed(tmp_path, place, status, to):
    location = to.format(port=place.port) + "stars.git/info/refs?service=git-upload-pack"
    with serving(tmp_path, lambda request: request.say(status, Location=location)) as liar:
        assert "leads on to another address" in refused(liar, tmp_path / "here.git")
    assert place.asked == []


def test_no_other_place_is_asked_by_a_dumb_server(tmp_path, place):
    """A server without git names other places in a file, which git would go to."""

    def dumb(request):
        if request.path.startswith("/stars.git/info/refs"):
            return request.say(200, f"{'1' * 40}\trefs/heads/main\n".encode(), Content_Type="text/plain")
        if request.path.endswith(("http-alternates", "alternates")):
            return request.say(200, f"{place.url()}/objects\nfile:///etc\n".encode())
        return request.say(404)

    with serving(tmp_path, dumb) as liar:
        refused(liar, tmp_path / "here.git")
    assert place.asked == []


def test_who_asks_for_a_password_gets_none(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_ASKPASS", "/bin/echo")
    with serving(tmp_path, lambda request: request.say(401, WWW_Authenticate='Basic realm="x"')) as private:
        assert "it is private" in refused(private, tmp_path / "here.git")
        assert not any("Authorization" in headers for headers in private.headers)


def test_a_repository_that_is_too_large_is_not_taken(place, tmp_path):
    repository(tmp_path / "there" / "large.git", files={"data": os.urandom(3_000_000)})
    told = refused(place, tmp_path / "here.git", name="large.git", repository_mb=1)
    assert "is larger than what is taken here" in told


def test_a_server_that_says_nothing_is_left(tmp_path):
    release = threading.Event()
    with serving(tmp_path, lambda _: release.wait(30)) as stuck:
        begun = time.monotonic()
        assert "try again later" in refused(stuck, tmp_path / "here.git")
        assert time.monotonic() - begun < 15
        release.set()


def test_a_fetch_ends_when_the_platform_does(tmp_path):
    begun, release = threading.Event(), threading.Event()

    def stuck(_):
        begun.set()
        return release.wait(30)

    with serving(tmp_path, stuck) as place:
        git = OutsideGit(repository_mb=1)
        threading.Thread(target=lambda: begun.wait() and git.stop()).start()
        with pytest.raises(Stopped):
            git.fetch(way(place), tmp_path / "here.git", told=lambda _: None)
        release.set()


def test_a_broken_pack_is_refused(place, tmp_path):
    objects = (tmp_path / "there/stars.git/objects").rglob("*")
    for path in [path for path in objects if path.is_file()]:
        path.chmod(0o644)
        path.write_bytes(b"\0" + path.read_bytes()[1:])
    assert "try again" in refused(place, tmp_path / "here.git")


def test_what_broke_off_is_refused(tmp_path, place):
    def cut(request):
        if request.command == "GET":
            return False
        request.send_response(200)
        request.send_header("Content-Type", "application/x-git-upload-pack-result")
        request.send_header("Content-Length", "1000000")
        request.end_headers()
        request.wfile.write(b"0011packfile\n")
        request.close_connection = True
        return True

    place.answer = cut
    assert refused(place, tmp_path / "here.git")


def test_objects_that_gits_own_check_refuses_are_not_taken(place, tmp_path):
    there = tmp_path / "there/stars.git"
    blob = run_git(there, "hash-object", "-w", "--stdin", given=b"/etc/passwd")
    tree = run_git(there, "mktree", given=f"120000 blob {blob}\t.gitmodules\n".encode())
    run_git(there, "update-ref", "refs/heads/main", run_git(there, "commit-tree", tree, "-m", "evil"))
    assert "git's own check refuses" in refused(place, tmp_path / "here.git")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.8",
        "169.254.169.254",
        "::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "0.0.0.0",
        "100.64.0.1",
        "224.0.0.1",
    ],
)
def test_a_name_that_leads_into_the_platform_is_refused_even_beside_a_good_address(address):
    url = outside_url("https://git.example.org/stars.git", inner=[])
    for found in ([address], ["8.8.8.8", address]):
        with pytest.raises(BadRequest, match="leads to a network that is not open to all"):
            way_to(url, resolver=lambda host, port, found=found: found)


def test_localhost_is_looked_up_and_refused():
    with pytest.raises(BadRequest, match="leads to a network"):
        way_to(outside_url("https://localhost/stars.git", inner=[]))


def test_a_name_is_held_to_the_address_that_was_checked(place, tmp_path):
    """Were it looked up again, it would lead nowhere: there is no such name."""
    url = outside_url(
        f"http://no-such-name.invalid:{place.port}/stars.git", inner=[f"no-such-name.invalid:{place.port}"]
    )
    pinned = Way(url=url, addresses=("127.0.0.1",))
    OutsideGit(repository_mb=10).fetch(pinned, tmp_path / "here.git", told=lambda _: None)
    assert names(tmp_path / "here.git")


def test_no_proxy_and_no_settings_of_this_machine_have_a_say(place, tmp_path, monkeypatch):
    config = tmp_path / "gitconfig"
    config.write_text('[url "file:///etc/"]\n\tinsteadOf = http://\n')
    for name in ("http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    fetched(place, tmp_path / "here.git")
    assert names(tmp_path / "here.git")


def test_a_push_takes_all_there_and_no_hook_runs(place, tmp_path):
    here = repository(tmp_path / "here.git", branch="main")
    marker = tmp_path / "ran"
    (here / "hooks").mkdir(exist_ok=True)
    (here / "hooks" / "pre-push").write_text(f"#!/bin/sh\ntouch {marker}\n")
    (here / "hooks" / "pre-push").chmod(0o755)
    Git(tmp_path / "there" / "mirror.git").make()
    run_git(tmp_path / "there" / "mirror.git", "config", "http.receivepack", "true")
    OutsideGit(repository_mb=10).push(way(place, "mirror.git"), here, token="")
    assert names(tmp_path / "there" / "mirror.git") == names(here)
    assert not marker.exists()


def test_a_token_goes_to_that_place_alone_and_into_no_message(place, tmp_path):
    here = repository(tmp_path / "here.git")
    place.answer = lambda request: request.say(403)
    with pytest.raises(OutsideFailed, match="it refuses this") as caught:
        OutsideGit(repository_mb=10).push(way(place), here, token="s3cret-token")
    assert place.headers[0]["Authorization"] == "Basic Z2l0OnMzY3JldC10b2tlbg=="
    assert "s3cret" not in str(caught.value)


def test_settings_of_the_repository_itself_have_no_say(place, tmp_path):
    here = repository(tmp_path / "here.git")
    run_git(here, "config", "http.followRedirects", "true")
    run_git(here, "config", "http.proxy", "http://127.0.0.1:1")
    run_git(here, "config", "core.hooksPath", str(tmp_path))
    Git(tmp_path / "there" / "mirror.git").make()
    run_git(tmp_path / "there" / "mirror.git", "config", "http.receivepack", "true")
    OutsideGit(repository_mb=10).push(way(place, "mirror.git"), here, token="")
    assert names(tmp_path / "there" / "mirror.git") == names(here)


@pytest.fixture
def unknown_certificate(tmp_path):
    """Give a certificate that nobody vouches for."""
    pem = tmp_path / "self.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(pem), *subject]
    certificate = subprocess.run([*made, "-days", "2"], check=True, capture_output=True).stdout
    with pem.open("ab") as file:
        file.write(certificate)
    return pem


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate")
def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path, unknown_certificate):
    with serving(tmp_path, certificate=unknown_certificate) as place:
        url = outside_url(f"https://{place.address}/stars.git", inner=[place.address])
        with pytest.raises(OutsideFailed, match="its certificate is not valid"):
            OutsideGit(repository_mb=1, patience=QUICK).fetch(
                way_to(url), tmp_path / "x", told=lambda _: None
            )
        assert place.asked == []
