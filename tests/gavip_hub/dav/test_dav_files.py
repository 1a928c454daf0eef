"""Files by WebDAV: read, written, moved and removed, in one's own space alone."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support.webdav import MOUNT, Dav, running_dav

NAMES = {
    "a b.txt",
    "ü-日本.txt",
    "what?.csv",
    "semi;colon.csv",
    "100%.txt",
    "a#b.txt",
    "a&b<c>.txt",
    "+plus.txt",
}


@pytest.fixture(scope="module")
def dav(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dav]:
    with running_dav(tmp_path_factory.mktemp("dav") / "root") as running:
        yield running


@pytest.fixture(autouse=True)
def empty(dav: Dav) -> None:
    for path in dav.space.iterdir():
        os.system(f"rm -rf '{path}'")


def listed(dav: Dav, path: str = "", **headers: str) -> set[str]:
    answer = dav.ask("PROPFIND", path, headers={"Depth": "1", **headers})
    assert answer.status_code == 207, answer.text
    hrefs = [found.text or "" for found in ET.fromstring(answer.text).iter("{DAV:}href")]
    return {href.removeprefix(f"{MOUNT}/") for href in hrefs}


def put(dav: Dav, path: str, content: bytes = b"stars", **headers: str) -> int:
    return dav.ask("PUT", path, content=content, headers=headers).status_code


def move(dav: Dav, source: str, target: str, *, method: str = "MOVE", **headers: str) -> int:
    return dav.ask(method, source, headers={"Destination": f"{dav.url}/{target}", **headers}).status_code


def test_a_file_is_written_and_read_as_it_was(dav: Dav) -> None:
    assert put(dav, "a.txt", b"one") == 201
    assert put(dav, "a.txt", b"two") == 204
    answer = dav.ask("GET", "a.txt")
    assert answer.content == b"two"
    assert answer.headers["etag"].strip('"') in dav.ask("PROPFIND", "a.txt", headers={"Depth": "0"}).text


def test_what_is_read_never_runs_in_a_browser(dav: Dav) -> None:
    put(dav, "page.html", b"<script>alert(1)</script>")
    headers = dav.ask("GET", "page.html").headers
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-disposition"] == "attachment"
    assert headers["content-security-policy"].startswith("sandbox")
    assert headers["x-content-type-options"] == "nosniff"


def test_a_part_of_a_file_is_read(dav: Dav) -> None:
    put(dav, "a.txt", b"0123456789")
    answer = dav.ask("GET", "a.txt", headers={"Range": "bytes=3-5"})
    assert (answer.status_code, answer.content) == (206, b"345")


def test_folders_are_made_and_listed(dav: Dav) -> None:
    assert dav.ask("MKCOL", "data").status_code == 201
    assert dav.ask("MKCOL", "data").status_code == 405
    assert dav.ask("MKCOL", "none/data").status_code == 409
    put(dav, "data/a.txt")
    assert listed(dav) == {"", "data/", "shared/"}
    assert listed(dav, "data") == {"data/", "data/a.txt"}


def test_a_file_needs_its_folder(dav: Dav) -> None:
    assert put(dav, "none/a.txt") == 409


def test_a_listing_goes_one_step_deep(dav: Dav) -> None:
    for headers in ({"Depth": "infinity"}, {}):
        answer = dav.ask("PROPFIND", "", headers=headers)
        assert answer.status_code == 403
        assert "propfind-finite-depth" in answer.text


def test_files_and_folders_are_moved_whole(dav: Dav) -> None:
    dav.ask("MKCOL", "data")
    put(dav, "data/a.txt")
    assert move(dav, "data/", "maps/") == 201
    assert (dav.space / "maps/a.txt").read_bytes() == b"stars"
    assert not (dav.space / "data").exists()


def test_nothing_is_overwritten_unasked(dav: Dav) -> None:
    put(dav, "a.txt", b"a")
    put(dav, "b.txt", b"b")
    assert move(dav, "a.txt", "b.txt", Overwrite="F") == 412
    assert (dav.space / "b.txt").read_bytes() == b"b"
    assert move(dav, "a.txt", "b.txt") == 204
    assert (dav.space / "b.txt").read_bytes() == b"a"
    assert b"b" in {path.read_bytes() for path in (dav.config.root / "bin/ada").glob("*.thing")}


def test_a_folder_goes_not_into_itself(dav: Dav) -> None:
    dav.ask("MKCOL", "data")
    assert move(dav, "data/", "data/more/") == 403
    assert move(dav, "data/", "data/", method="COPY") == 403
    put(dav, "data/a.txt")
    assert move(dav, "data/a.txt", "data") == 403
    assert (dav.space / "data/a.txt").exists()


def test_a_copy_is_of_its_own_and_holds_nothing_hidden(dav: Dav) -> None:
    dav.ask("MKCOL", "data")
    put(dav, "data/a.txt")
    (dav.space / "data/.secret").write_text("no")
    (dav.space / "data/link").symlink_to("/etc/passwd")
    assert move(dav, "data/", "copy/", method="COPY") == 201
    put(dav, "data/a.txt", b"changed")
    assert [path.name for path in (dav.space / "copy").iterdir()] == ["a.txt"]
    assert (dav.space / "copy/a.txt").read_bytes() == b"stars"
    assert move(dav, "data/", "alone/", method="COPY", Depth="0") == 201
    assert list((dav.space / "alone").iterdir()) == []


def test_a_folder_is_removed_with_all_in_it(dav: Dav) -> None:
    dav.ask("MKCOL", "data")
    put(dav, "data/a.txt")
    assert dav.ask("DELETE", "data/").status_code == 204
    assert list(dav.space.iterdir()) == []
    assert dav.left_aside() == []


@pytest.mark.parametrize("name", sorted(NAMES))
def test_odd_names_stay_as_they_are(dav: Dav, name: str) -> None:
    from urllib.parse import quote

    assert put(dav, quote(name)) == 201
    assert move(dav, quote(name), quote(f"x{name}")) == 201
    assert [path.name for path in dav.space.iterdir()] == [f"x{name}"]
    assert dav.ask("GET", quote(f"x{name}")).content == b"stars"


def test_what_was_changed_meanwhile_is_not_overwritten(dav: Dav) -> None:
    put(dav, "a.txt", b"one")
    etag = dav.ask("GET", "a.txt").headers["etag"]
    assert put(dav, "a.txt", b"two", **{"If-Match": etag}) == 204
    assert put(dav, "a.txt", b"three", **{"If-Match": etag}) == 412
    assert put(dav, "a.txt", b"four", **{"If-None-Match": "*"}) == 412
    assert put(dav, "new.txt", b"five", **{"If-Match": etag}) == 412
    assert put(dav, "new.txt", b"six", **{"If-None-Match": "*"}) == 201
    assert (dav.space / "a.txt").read_bytes() == b"two"


def test_what_is_not_what_was_announced_is_not_kept(dav: Dav) -> None:
    right = f"SHA1:{hashlib.sha1(b'stars').hexdigest()}"
    assert put(dav, "a.txt", **{"OC-Checksum": right}) == 201
    assert put(dav, "a.txt", b"other", **{"OC-Checksum": right}) == 400
    assert put(dav, "a.txt", b"other", **{"OC-Checksum": "MD5:0"}) == 400
    assert (dav.space / "a.txt").read_bytes() == b"stars"
    assert dav.left_aside() == []


def test_a_file_keeps_the_time_that_its_sender_says(dav: Dav) -> None:
    answer = dav.ask("PUT", "a.txt", content=b"x", headers={"X-OC-Mtime": "1000000000"})
    assert (dav.space / "a.txt").stat().st_mtime == 1000000000
    assert dav.ask("GET", "a.txt").headers["etag"] == answer.headers["etag"]


@pytest.mark.parametrize("seconds", [-(10**9), 10**12, 10**10])
def test_files_of_odd_times_are_listed(dav: Dav, seconds: int) -> None:
    put(dav, "a.txt")
    try:
        os.utime(dav.space / "a.txt", (seconds, seconds))
    except OSError:
        pytest.skip("the file system keeps no such time")
    assert "a.txt" in listed(dav)
    assert dav.ask("GET", "a.txt").content == b"stars"


def test_a_program_stays_one(dav: Dav) -> None:
    put(dav, "run.sh")
    (dav.space / "run.sh").chmod(0o755)
    put(dav, "run.sh", b"#!/bin/sh")
    assert os.access(dav.space / "run.sh", os.X_OK)


def test_a_locked_file_is_written_by_its_holder_alone(dav: Dav) -> None:
    put(dav, "a.txt")
    body = (
        '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
        "<D:locktype><D:write/></D:locktype></D:lockinfo>"
    )
    locked = dav.ask("LOCK", "a.txt", content=body.encode(), headers={"Timeout": "Infinite"})
    token = locked.headers["lock-token"]
    assert "Second-3" in locked.text
    assert put(dav, "a.txt", b"other") == 423
    assert dav.ask("DELETE", "a.txt").status_code == 423
    assert move(dav, "a.txt", "b.txt") == 423
    assert put(dav, "a.txt", b"mine", If=f"({token})") == 204
    assert dav.ask("UNLOCK", "a.txt", headers={"Lock-Token": token}).status_code == 204
    assert dav.ask("DELETE", "a.txt").status_code == 204


def test_locks_are_of_one_space(dav: Dav) -> None:
    put(dav, "a.txt")
    body = (
        '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
        "<D:locktype><D:write/></D:locktype></D:lockinfo>"
    )
    assert dav.ask("LOCK", "b.txt", content=body.encode()).status_code == 201
    assert dav.ask("PUT", "b.txt", token="bob-token-12345", content=b"bob's").status_code == 201
    assert (dav.config.root / "users/bob/b.txt").read_bytes() == b"bob's"
    assert (dav.space / "b.txt").read_bytes() == b""


def test_a_space_is_seen_before_anything_of_its_owner_ran(dav: Dav) -> None:
    answer = dav.ask("PROPFIND", "", token="bob-token-12345", headers={"Depth": "1"})
    assert answer.status_code == 207


def test_what_others_share_is_read_and_not_written(dav: Dav) -> None:
    for folder in ("everyone/bob/maps", "me/ada/bob/maps", "me/bob/ada/maps", "groups/ada/gaia/bob"):
        (dav.config.root / "shared" / folder).mkdir(parents=True, exist_ok=True)
        (dav.config.root / "shared" / folder / "a.txt").write_text(folder)
    assert listed(dav, "shared") == {f"shared/{name}" for name in ("", "everyone/", "groups/", "me/")}
    assert listed(dav, "shared/me") == {"shared/me/", "shared/me/bob/"}
    assert dav.ask("GET", "shared/me/bob/maps/a.txt").text == "me/ada/bob/maps"
    assert dav.ask("GET", "shared/groups/gaia/bob/a.txt").text == "groups/ada/gaia/bob"
    assert put(dav, "shared/everyone/bob/maps/b.txt") == 403
    assert dav.ask("DELETE", "shared/everyone/bob/maps/a.txt").status_code == 403
    assert move(dav, "shared/everyone/bob/maps/a.txt", "a.txt") == 403


def test_results_of_jobs_are_read_and_copied_and_not_written(dav: Dav) -> None:
    (dav.space / "jobs/j1").mkdir(parents=True)
    (dav.space / "jobs/j1/a.txt").write_text("result")
    assert dav.ask("GET", "jobs/j1/a.txt").text == "result"
    assert move(dav, "jobs/j1/a.txt", "a.txt", method="COPY") == 201
    assert put(dav, "jobs/j1/a.txt") == 403
    assert dav.ask("DELETE", "jobs/j1").status_code == 403
    assert dav.ask("MKCOL", "jobs/j2").status_code == 403
    assert move(dav, "a.txt", "jobs/j1/b.txt") == 403
    assert (dav.space / "jobs/j1/a.txt").read_text() == "result"


def test_a_folder_that_is_too_full_is_not_shown_in_part(dav: Dav, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gavip_hub.storage.space_reads.MOST_SHOWN", 3)
    for number in range(5):
        Path(dav.space / f"{number}.txt").touch()
    answer = dav.ask("PROPFIND", "", headers={"Depth": "1"})
    assert (answer.status_code, "more in this folder" in answer.text) == (403, True)
