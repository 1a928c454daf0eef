"""Debian's rclone, cadaver, litmus and davfs2, unmodified, against a whole platform: files by WebDAV, each person's own."""

import filecmp
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.needs import missing, need_program
from tests.support.platform import Platform, eventually, platform_to_throw_away

pytestmark = [pytest.mark.hub, pytest.mark.acceptance, pytest.mark.timeout(900)]
GB = 1024**3
MB = 1024**2
LARGE = 2 * GB
# Resolvers of programs know `localhost`, and may know no name below it.
SETTINGS = """
c.Gavip.domain = "localhost"
c.Gavip.bundled_avis = False
c.Gavip.check_releases = False
c.Gavip.users = {"operator": "operator", "developer": "developer", "scientist": "scientist", "vera": "outreach"}
"""


@pytest.fixture(scope="module")
def own() -> Iterator[Platform]:
    with platform_to_throw_away("webdav", settings=SETTINGS) as platform:
        yield platform


def address(platform: Platform) -> str:
    return f"{platform.url}/services/gavip-dav"


def space(platform: Platform, user: str = "scientist") -> Path:
    return platform.root / "users" / user


def run(*command: str, given: str | None = None, **environment: str) -> str:
    done = subprocess.run(
        command,
        input=given,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


@contextmanager
def person(platform: Platform, user: str = "scientist") -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=f"{address(platform)}/", auth=("any", platform.token(user)), timeout=120
    ) as http:
        yield http


class Rclone:
    """A remote of one person's, and rclone with settings of its own."""

    def __init__(self, platform: Platform, folder: Path, user: str = "scientist") -> None:
        self.program = need_program("rclone", "apt-get install rclone")
        self.config = folder / "rclone.conf"
        password = run(self.program, "obscure", platform.token(user)).strip()
        lines = ["[gavip]", "type = webdav", f"url = {address(platform)}", "vendor = owncloud"]
        self.config.write_text("\n".join([*lines, "user = any", f"pass = {password}", ""]))

    def __call__(self, *arguments: str) -> str:
        return run(self.program, "--config", str(self.config), *arguments)


@pytest.fixture
def rclone(own: Platform, tmp_path: Path) -> Rclone:
    return Rclone(own, tmp_path)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    made = tmp_path / "source"
    (made / "maps" / "deep").mkdir(parents=True)
    (made / "large.bin").write_bytes(secrets.token_bytes(30 * MB))
    (made / "empty").touch()
    for name in ("ü 日本.txt", "what?.csv", "semi;colon", "100%.txt", "a#b"):
        (made / "maps" / "deep" / name).write_text(name)
    for number in range(200):
        (made / "maps" / f"{number:03}.txt").write_text(str(number))
    return made


def test_rclone_copies_checks_moves_and_removes(
    own: Platform, rclone: Rclone, source: Path, tmp_path: Path
) -> None:
    rclone("copy", str(source), "gavip:copied")
    rclone("check", "--download", str(source), "gavip:copied")
    assert len(rclone("lsf", "-R", "--files-only", "gavip:copied").splitlines()) == 207
    assert (space(own) / "copied/maps/deep/what?.csv").read_text() == "what?.csv"
    rclone("copy", "gavip:copied", str(tmp_path / "back"))
    assert not filecmp.dircmp(source, tmp_path / "back").diff_files
    rclone("moveto", "gavip:copied/maps", "gavip:copied/moved")
    rclone("copyto", "gavip:copied/large.bin", "gavip:copied/twice.bin")
    assert set(rclone("lsf", "gavip:copied").split()) == {"empty", "large.bin", "moved/", "twice.bin"}
    rclone("purge", "gavip:copied")
    assert "copied/" not in rclone("lsf", "gavip:").split()
    assert not (space(own) / "copied").exists()


def test_what_is_moved_over_comes_back_from_the_bin(own: Platform) -> None:
    with person(own) as http:
        for name in ("old", "new"):
            assert http.put(f"{name}.txt", content=name.encode()).status_code == 201
            assert http.request("MKCOL", name).status_code == 201
            assert http.put(f"{name}/{name}.txt", content=name.encode()).status_code == 201
        for name in ("new.txt", "new/"):
            target = f"{address(own)}/{name.replace('new', 'old')}"
            assert http.request("MOVE", name, headers={"Destination": target}).status_code == 204
    assert (space(own) / "old.txt").read_text() == (space(own) / "old/new.txt").read_text() == "new"
    with own.client("scientist") as portal:
        binned = {one["path"]: one["id"] for one in portal.get("/data/bin").json()["items"]}
        for path, back in {"old.txt": "old (2).txt", "old": "old (2)"}.items():
            assert portal.post(f"/data/bin/{binned[path]}").json()["path"] == back
    assert (space(own) / "old (2).txt").read_text() == (space(own) / "old (2)/old.txt").read_text() == "old"


def test_rclone_sends_only_what_changed_and_keeps_times(own: Platform, rclone: Rclone, source: Path) -> None:
    os.utime(source / "empty", (1_000_000_000, 1_000_000_000))
    rclone("sync", str(source), "gavip:synced")
    assert (space(own) / "synced/empty").stat().st_mtime == 1_000_000_000
    (source / "maps/000.txt").unlink()
    (source / "maps/001.txt").write_text("changed")
    before = (space(own) / "synced/large.bin").stat().st_ino
    rclone("sync", str(source), "gavip:synced")
    assert (space(own) / "synced/large.bin").stat().st_ino == before
    assert not (space(own) / "synced/maps/000.txt").exists()
    assert (space(own) / "synced/maps/001.txt").read_text() == "changed"


def test_rclone_tells_what_room_is_left(rclone: Rclone) -> None:
    assert "Total:   20 GiB" in rclone("about", "gavip:")


def test_files_belong_to_their_owner(own: Platform, rclone: Rclone, source: Path) -> None:
    rclone("copy", str(source / "maps"), "gavip:owned")
    top = space(own).stat().st_uid
    assert {path.lstat().st_uid for path in (space(own) / "owned").rglob("*")} == {top}


@contextmanager
def mounted(command: list[str], folder: Path) -> Iterator[Path]:
    """Give a folder in which a program has mounted something; skip where this machine lets nobody mount."""
    folder.mkdir()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            deadline = time.monotonic() + 30
            while not folder.is_mount() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.1)
            if not folder.is_mount():
                process.kill()
                missing("FUSE", (process.communicate()[0] or "it did not mount")[-300:])
            yield folder
        finally:
            subprocess.run(["umount", str(folder)], check=False, capture_output=True)
            process.terminate()


def test_rclone_mounts_a_space(own: Platform, rclone: Rclone, tmp_path: Path) -> None:
    if not Path("/dev/fuse").exists():
        missing("FUSE", "/dev/fuse is not there")
    options = ["--vfs-cache-mode", "writes", "--vfs-write-back", "0s", "--dir-cache-time", "1s"]
    command = [
        rclone.program,
        "--config",
        str(rclone.config),
        "mount",
        *options,
        "gavip:",
        str(tmp_path / "mnt"),
    ]
    with mounted(command, tmp_path / "mnt") as folder:
        (folder / "by-mount").mkdir()
        (folder / "by-mount/a.txt").write_text("stars")
        written = space(own) / "by-mount/a.txt"
        eventually(lambda: written.exists() and written.read_text() == "stars", "it arrived")
        (space(own) / "by-mount/b.txt").write_text("from a notebook")
        eventually((folder / "by-mount/b.txt").exists, "it is seen")
        assert (folder / "by-mount/b.txt").read_text() == "from a notebook"


def litmus(own: Platform, folder: Path, *suites: str) -> str:
    program = need_program("litmus", "apt-get install litmus")
    command = [program, "-k", f"{address(own)}/", "any", own.token("scientist")]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "TESTS": " ".join(suites)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.stdout


def test_litmus_finds_nothing_wrong(own: Platform, tmp_path: Path) -> None:
    said = litmus(own, tmp_path, "basic", "copymove", "http")
    assert said.count("100.0%") == 3, said
    assert "FAIL" not in said


def test_litmus_finds_nothing_wrong_with_locks_but_that_no_properties_are_kept(
    own: Platform, tmp_path: Path
) -> None:
    failed = [line for line in litmus(own, tmp_path, "locks").splitlines() if "FAIL" in line]
    assert len(failed) == 3
    assert all("PROPPATCH" in line and "403" in line for line in failed)


def test_cadaver_works_as_a_person_does(own: Platform, tmp_path: Path) -> None:
    program = need_program("cadaver", "apt-get install cadaver")
    (tmp_path / "a.txt").write_text("stars")
    home = tmp_path / "home"
    home.mkdir()
    (home / ".netrc").write_text(f"default login any password {own.token('scientist')}\n")
    (home / ".netrc").chmod(0o600)
    lines = [
        f"open {address(own)}/",
        "mkcol by-cadaver",
        "cd by-cadaver",
        f"put {tmp_path / 'a.txt'}",
        "copy a.txt b.txt",
        "move b.txt c.txt",
        "lock c.txt",
        "unlock c.txt",
        "delete a.txt",
        f"get c.txt {tmp_path / 'back.txt'}",
        "quit",
    ]
    said = run(program, given="\n".join(lines) + "\n", HOME=str(home))
    assert said.count("succeeded") >= 8, said
    assert [path.name for path in (space(own) / "by-cadaver").iterdir()] == ["c.txt"]
    assert (tmp_path / "back.txt").read_text() == "stars"


def test_two_gigabytes_come_and_go_in_little_memory(own: Platform) -> None:
    process = psutil.Process(own.pid("webdav"))
    piece = secrets.token_bytes(MB)
    highest = before = process.memory_info().rss

    def pieces() -> Iterator[bytes]:
        nonlocal highest
        for _ in range(LARGE // MB):
            highest = max(highest, process.memory_info().rss)
            yield piece

    with person(own) as http:
        sent = http.put("two.bin", content=pieces(), headers={"Content-Length": str(LARGE)})
        assert sent.status_code == 201, sent.text
        come = 0
        with http.stream("GET", "two.bin") as answer:
            for content in answer.iter_bytes(MB):
                come += len(content)
                highest = max(highest, process.memory_info().rss)
        http.delete("two.bin")
    assert come == LARGE
    assert highest - before < 64 * MB, f"{(highest - before) / MB:.0f} MB more"


def test_a_broken_upload_leaves_nothing(own: Platform) -> None:
    def breaks() -> Iterator[bytes]:
        yield secrets.token_bytes(5 * MB)
        raise RuntimeError("the line broke")

    with person(own) as http, pytest.raises(RuntimeError):
        http.put("broken.bin", content=breaks(), headers={"Content-Length": str(50 * MB)})
    aside = own.root / "aside" / "webdav"
    eventually(lambda: not list(aside.iterdir()), "nothing is left aside")
    assert not (space(own) / "broken.bin").exists()


def test_strangers_and_those_without_files_are_refused(own: Platform) -> None:
    with httpx.Client(base_url=f"{address(own)}/", timeout=60) as nobody:
        assert nobody.request("PROPFIND", "", headers={"Depth": "1"}).status_code == 401
        wrong = nobody.request("PROPFIND", "", headers={"Depth": "1"}, auth=("scientist", "a-wrong-password"))
        assert wrong.status_code == 401
    with person(own, "vera") as vera:
        assert vera.request("PROPFIND", "", headers={"Depth": "1"}).status_code == 403


def test_each_person_sees_their_own_files(own: Platform) -> None:
    with person(own, "developer") as developer, person(own) as scientist:
        assert developer.put("mine.txt", content=b"developer's").status_code == 201
        assert scientist.get("mine.txt").status_code == 404
        assert scientist.get("..%2fdeveloper%2fmine.txt").status_code == 400


def test_a_token_for_reading_files_alone_reads_and_no_more(own: Platform) -> None:
    with own.hub("scientist") as hub:
        asked = {"note": "files", "scopes": ["custom:gavip:read:files!user"]}
        made = hub.post("/users/scientist/tokens", json=asked)
    assert made.status_code == 201, made.text
    token = made.json()
    with httpx.Client(base_url=f"{address(own)}/", auth=("any", token["token"]), timeout=60) as http:
        assert http.request("PROPFIND", "", headers={"Depth": "1"}).status_code == 207
        assert http.put("no.txt", content=b"no").status_code == 403
    with httpx.Client(headers={"Authorization": f"token {token['token']}"}, timeout=60) as http:
        assert http.get(f"{own.api}/jobs").status_code == 403


def answers(http: httpx.Client) -> bool:
    """Tell whether the server answers; the proxy hangs up where there is none behind it."""
    with suppress(httpx.TransportError):
        return http.get(".health").status_code == httpx.codes.OK
    return False


def test_a_killed_server_comes_back_and_leaves_nothing_half_written(own: Platform) -> None:
    old = own.pid("webdav")
    assert old

    def killed() -> Iterator[bytes]:
        yield secrets.token_bytes(5 * MB)
        os.kill(old, signal.SIGKILL)
        yield secrets.token_bytes(5 * MB)

    with person(own) as http:
        try:
            code = http.put(
                "killed.bin", content=killed(), headers={"Content-Length": str(10 * MB)}
            ).status_code
        except httpx.HTTPError:
            code = 0
        assert code in {0, 502, 503}
        eventually(lambda: own.pid("webdav") not in {None, old}, "there is a new one")
        eventually(lambda: answers(http), "it answers")
        assert http.get("killed.bin").status_code == 404
    assert not list((own.root / "aside" / "webdav").iterdir())
    with own.browserless() as nobody:
        eventually(lambda: nobody.get("/services/gavip/api/health").json()["webdav"] is True, "health tells")


def test_no_token_is_in_a_log(own: Platform) -> None:
    with person(own) as http:
        http.put("logged.txt", content=b"x")
    log = own.log("webdav")
    assert "logged.txt" in log
    assert own.token("scientist") not in log + own.log("proxy") + own.log("service")
