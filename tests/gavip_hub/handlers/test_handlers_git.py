"""Git's own client against the running service."""

import asyncio
import os
import subprocess
from contextlib import ExitStack

import httpx
import pytest

from avi_kernel.protocol.api import Profile
from gavip_hub.backends import programs
from gavip_hub.handlers.context import GIT_AT_ONCE
from tests.support.avis import star_counter
from tests.support.git_client import Clone, begun
from tests.support.service import RunningService, until


def address(service: RunningService, token: str = "dora-token", avi: str = "stars") -> str:
    """Return where an AVI's repository is, with a user's token."""
    return service.url.replace("://", f"://me:{token}@") + f"/services/gavip/git/{avi}.git"


@pytest.fixture
async def clone(service, tmp_path) -> Clone:
    """The star counter of the developer, not yet pushed."""
    return await begun(star_counter(tmp_path / "work"), address(service))


@pytest.fixture
async def pushed(clone) -> Clone:
    await clone.did("push", "-q", "origin", "main")
    return clone


@pytest.fixture
async def dora(service):
    async with service.client("dora-token") as client:
        yield client


async def cloned(service, tmp_path, token: str, *options: str):
    return await Clone(tmp_path).git("clone", *options, address(service, token), f"of-{token}")


def fsck(service) -> str:
    """Return what is wrong with the repository; notices tell only that it has no branch yet."""
    command = ["git", f"--git-dir={service.root / 'repositories/stars.git'}", "fsck", "--strict"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = (done.stdout + done.stderr).splitlines()
    return "\n".join(line for line in told if not line.startswith("notice: "))


async def test_a_first_push_makes_the_project_which_is_private(service, pushed, dora, tmp_path):
    project = (await dora.get("/projects/stars")).json()
    assert (project["owner"], project["source"], project["may"]) == ("dora", "private", "own")
    assert (await cloned(service, tmp_path, "dora-token")).status == 0
    assert (tmp_path / "of-dora-token/app.ipynb").read_bytes() == (pushed.folder / "app.ipynb").read_bytes()
    assert fsck(service) == ""


async def test_a_tag_of_a_version_becomes_a_release_and_who_pushes_is_told(service, pushed, dora):
    await pushed.did("tag", "v1.2.0")
    told = await pushed.did("push", "origin", "v1.2.0")
    assert "remote: Released stars 1.2.0 (private): " in told
    release = (await dora.get("/avis/stars/releases/1.2.0")).json()
    assert release["commit"] == await pushed.did("rev-parse", "HEAD")
    assert (service.root / "checkouts/stars" / release["commit"] / "app.ipynb").exists()


async def test_who_releases_for_an_image_is_told_which_of_its_programs_are_not_here(
    service, pushed, monkeypatch
):
    monkeypatch.setattr(programs, "own_path", lambda: "/nowhere")
    manifest = pushed.folder / "avi.toml"
    manifest.write_text('image = "avi-java"\n' + manifest.read_text())
    await pushed.did("commit", "-qam", "In Java")
    await pushed.did("tag", "v1.3.0")
    told = await pushed.did("push", "origin", "v1.3.0")
    assert "Released stars 1.3.0" in told
    assert "has no java, no javac. Ask its operator: apt-get install" in told


async def test_a_private_release_is_made_public_by_who_may_write_it(service, pushed, dora, ann):
    await pushed.did("tag", "v1.0")
    await pushed.did("push", "origin", "v1.0")
    assert (await ann.get("/avis/stars")).status_code == 404
    refused = await ann.post("/avis/stars/releases/1.0", json={"visibility": "public"})
    assert refused.status_code == 403  # ann publishes nothing at all
    assert (await dora.post("/avis/stars/releases/1.0", json={"visibility": "public"})).status_code == 200
    assert (await ann.get("/avis/stars")).json()["latest"] == "1.0"


async def test_a_bad_manifest_refuses_the_push_with_file_key_and_remedy(service, pushed, dora):
    (pushed.folder / "avi.toml").write_text("title = 3\n")
    await pushed.did("commit", "-qam", "broken")
    await pushed.did("tag", "v2.0")
    told = await pushed.git("push", "origin", "main", "v2.0")
    assert told.status == 1
    assert "remote: v2.0: avi.toml" in told.text
    assert "title" in told.text
    assert (await dora.get("/avis/stars/releases/2.0")).status_code == 404
    assert "v2.0" not in (await pushed.did("ls-remote", "origin"))


async def test_a_release_never_moves(service, pushed, dora):
    await pushed.did("tag", "v1.0")
    await pushed.did("push", "origin", "v1.0")
    await pushed.did("commit", "-q", "--allow-empty", "-m", "more")
    await pushed.did("tag", "-f", "v1.0")
    for moved in (["--force", "origin", "v1.0"], ["origin", ":v1.0"]):
        told = await pushed.git("push", *moved)
        assert told.status == 1
        assert "remote: v1.0: is released, and a release never changes: tag a new version." in told.text
    assert (await dora.get("/avis/stars/releases/1.0")).json()["commit"] == await pushed.did(
        "rev-parse", "HEAD~"
    )


async def test_fetch_and_a_shallow_clone(service, pushed, tmp_path):
    assert (await cloned(service, tmp_path, "dora-token", "--depth=1")).status == 0
    shallow = Clone(tmp_path / "of-dora-token")
    await pushed.did("commit", "-q", "--allow-empty", "-m", "more")
    await pushed.did("push", "-q", "origin", "main")
    await shallow.did("fetch", "-q")
    assert await shallow.did("rev-parse", "origin/main") == await pushed.did("rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("token", "words"),
    [("wrong", "This token is not known, or has expired"), ("bob-token", "no project 'stars' that is open")],
)
async def test_who_may_not_read_gets_nothing(service, pushed, tmp_path, token, words):
    told = await cloned(service, tmp_path, token)
    assert told.status != 0
    assert words in told.text


async def test_a_reader_clones_and_does_not_push(service, pushed, dora, tmp_path):
    await dora.post("/projects/stars/members", json={"user": "olga", "may": "read"})
    assert (await cloned(service, tmp_path, "olga-token")).status == 0
    told = await Clone(tmp_path / "of-olga-token").git("push", "origin", "HEAD:refs/heads/other")
    assert told.status != 0
    assert "You may read stars and not write it; ask dora." in told.text


async def test_a_writer_pushes_until_it_is_withdrawn(service, pushed, dora, tmp_path):
    await dora.post("/projects/stars/members", json={"user": "olga", "may": "write"})
    await cloned(service, tmp_path, "olga-token")
    theirs = Clone(tmp_path / "of-olga-token")
    await theirs.did("tag", "v3.0")
    assert "Released stars 3.0" in await theirs.did("push", "origin", "v3.0", "HEAD:other")
    await dora.delete("/projects/stars/members", params={"user": "olga"})
    assert (await theirs.git("push", "origin", "HEAD:another")).status != 0


async def test_a_public_repository_is_read_by_everybody_with_no_token(service, pushed, dora, tmp_path):
    await dora.post("/projects/stars", json={"source": "public"})
    plain = f"{service.url}/services/gavip/git/stars.git"
    assert (await Clone(tmp_path).git("clone", "-q", plain, "open")).status == 0
    told = await Clone(tmp_path / "open").git("push", "origin", "HEAD:refs/heads/other")
    assert told.status != 0


async def test_who_is_no_developer_makes_no_project_by_a_push(service, tmp_path):
    clone = await begun(star_counter(tmp_path / "work"), address(service, "ann-token", "mine"))
    told = await clone.git("push", "origin", "main")
    assert told.status != 0
    assert "custom:gavip:publish:releases" in told.text
    assert not (service.root / "repositories/mine.git").exists()


async def test_an_interfaces_token_opens_no_repository(service, pushed, tmp_path):
    assert (await cloned(service, tmp_path, "ann-stars-token")).status != 0


async def test_the_main_branch_is_not_deleted_and_nothing_but_branches_and_tags_is_kept(service, pushed):
    told = await pushed.git("push", "origin", ":main")
    assert "remote: main: this branch stays" in told.text
    told = await pushed.git("push", "origin", "HEAD:refs/notes/mine")
    assert "remote: refs/notes/mine: only branches and tags are kept here." in told.text


async def test_a_name_that_is_no_avis_is_refused(service, tmp_path):
    clone = await begun(star_counter(tmp_path / "work"), address(service, avi="notebook"))
    told = await clone.git("push", "origin", "main")
    assert told.status != 0
    assert "The platform itself uses the name" in told.text


async def test_a_hook_in_the_push_is_a_file_like_any_other(service, clone, tmp_path):
    for folder in ("hooks", ".githooks"):
        (clone.folder / folder).mkdir()
        (clone.folder / folder / "pre-receive").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        (clone.folder / folder / "pre-receive").chmod(0o755)
    await clone.did("add", "-A")
    await clone.did("commit", "-qm", "hooks")
    await clone.did("tag", "v1.0")
    await clone.did("push", "-q", "origin", "main", "v1.0")
    assert not (tmp_path / "ran").exists()


async def test_a_push_larger_than_a_repository_may_be_is_refused(service, clone, monkeypatch):
    monkeypatch.setattr(service.service.context.git, "_bytes", 100_000)
    (clone.folder / "large").write_bytes(os.urandom(1_000_000))
    await clone.did("add", "-A")
    await clone.did("commit", "-qm", "large")
    told = await clone.git("push", "origin", "main")
    assert told.status != 0
    assert (await clone.git("ls-remote", "origin")).text == ""
    assert fsck(service) == ""


async def test_who_clones_in_too_many_places_is_told(service, pushed, tmp_path):
    transfers = service.service.context.transfers
    dora, ann = Profile(name="dora", roles=[]), Profile(name="ann", roles=[])
    with ExitStack() as busy:
        for _ in range(transfers.most):
            busy.enter_context(transfers.one(dora))
        told = await cloned(service, tmp_path, "dora-token")
        assert told.status != 0
        assert transfers.held(ann) == 0
    assert (await cloned(service, tmp_path, "dora-token")).status == 0
    assert transfers.held(dora) == 0
    assert service.service.context.git_turns._value == GIT_AT_ONCE


async def asked(service, method: str, path: str, **options) -> httpx.Response:
    async with httpx.AsyncClient(base_url=f"{service.url}/services/gavip/git", timeout=60) as anybody:
        return await anybody.request(method, path, **options)


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_a_method_that_git_does_not_know_holds_nothing(service, pushed, dora, method):
    await dora.post("/projects/stars", json={"source": "public"})
    assert (await asked(service, method, "/stars.git/info/refs?service=git-upload-pack")).status_code == 405
    assert is_free(service)


def is_free(service) -> bool:
    """Tell whether nobody has a turn any more."""
    context = service.service.context
    return (
        context.git_turns._value == GIT_AT_ONCE and not context.transfers._held and not context.pushes._locks
    )


@pytest.mark.parametrize("path", ["/stars.git", "/a/b/c", "/stars.git/info/lfs"])
async def test_where_nothing_is_streamed_no_large_body_is_held(service, path):
    answer = await asked(service, "POST", path, content=b"x" * 5_000_000)
    assert answer.status_code == 413


async def test_who_says_nothing_loses_the_turn(service, pushed, dora, monkeypatch):
    monkeypatch.setattr("gavip_hub.handlers.git.PIECE_SECONDS", 0.3)
    await dora.post("/projects/stars", json={"source": "public"})
    reader, writer = await asyncio.open_connection("127.0.0.1", int(service.url.rpartition(":")[2]))
    writer.write(
        b"POST /services/gavip/git/stars.git/git-upload-pack HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
    )
    assert await reader.read() == b""
    writer.close()

    async def freed() -> bool:
        return is_free(service)

    await until(freed)


async def test_one_pushes_after_the_other(service, pushed, monkeypatch):
    monkeypatch.setattr(service.service.context.pushes, "_seconds", 0.2)
    await pushed.did("commit", "-q", "--allow-empty", "-m", "more")
    async with service.service.context.pushes.turn("stars"):
        told = await pushed.git("push", "origin", "main")
        assert told.status != 0
    await pushed.did("push", "-q", "origin", "main")


async def test_a_tag_that_was_lost_comes_back_where_it_was_and_nowhere_else(service, pushed):
    await pushed.did("tag", "v1.0")
    await pushed.did("push", "origin", "v1.0")
    (service.root / "repositories/stars.git/refs/tags/v1.0").unlink()
    await pushed.did("commit", "-q", "--allow-empty", "-m", "more")
    told = await pushed.git("push", "origin", "HEAD:refs/tags/v1.0")
    assert "v1.0: is released, and a release never changes" in told.text
    await pushed.did("push", "origin", "v1.0")


async def test_a_release_of_any_name_keeps_its_tag(service, pushed, dora):
    body = {"folder": "stars", "avi": "stars", "version": "beta"}
    star_counter(service.root / "users/dora/stars")
    assert (await dora.post("/avis/stars/releases", json=body)).status_code == 201
    told = await pushed.git("push", "-f", "origin", "HEAD:refs/tags/vbeta")
    assert "vbeta: is released" in told.text


async def test_who_was_a_member_no_longer_sees_what_they_released(service, pushed, dora, tmp_path):
    await dora.post("/projects/stars/members", json={"user": "olga", "may": "write"})
    await cloned(service, tmp_path, "olga-token")
    theirs = Clone(tmp_path / "of-olga-token")
    await theirs.did("push", "origin", "HEAD:refs/tags/v3.0")
    await dora.delete("/projects/stars/members", params={"user": "olga"})
    async with service.client("olga-token") as olga:
        assert (await olga.get("/avis/stars/releases/3.0")).status_code == 404


async def test_a_full_disk_refuses_pushes_and_lets_clone(service, pushed, tmp_path, monkeypatch):
    monkeypatch.setattr(service.service.context.disk, "reserve_mb", 10**9)
    await pushed.did("commit", "-q", "--allow-empty", "-m", "more")
    told = await pushed.git("push", "origin", "main")
    assert "MB free" in told.text
    assert (await cloned(service, tmp_path, "dora-token")).status == 0


async def test_an_operator_takes_back_what_is_public_and_publishes_nothing_of_others(service, pushed, dora):
    await pushed.did("push", "-q", "origin", "HEAD:refs/tags/v1.0")
    place = "/avis/stars/releases/1.0"
    async with service.client("olga-token") as operator:
        assert (await operator.post(place, json={"visibility": "public"})).status_code == 404
        await dora.post(place, json={"visibility": "public"})
        assert (await operator.post(place, json={"visibility": "private"})).status_code == 200
