"""What is shared is seen in a container that runs already, by whom it is shared with, until it is revoked."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.avis import notebook, write_avi
from tests.support.docker import IMAGE, need_engine
from tests.support.platform import Platform, eventually, platform_to_throw_away
from tests.support.published import follow, publish, submit

pytestmark = [pytest.mark.hub, pytest.mark.acceptance]
OWNER, READER, STRANGER = "developer", "scientist", "operator"
COMMAND = Path(sys.executable).with_name("gavip")
CONTENT = "stars-of-m45"
LOOKS = """
import os, pathlib, time
shared = pathlib.Path(os.environ["GAVIP_USER_SPACE"], "shared")
seen = None
for _ in range(3000):
    found = sorted(f"{path.relative_to(shared)}={path.read_text()}" for path in shared.rglob("*.txt"))
    if found != seen:
        seen = found
        print("SEES", found, flush=True)
    try:
        (next(shared.rglob("*.txt")).parent / "mine").write_text("x")
        print("WROTE", flush=True)
    except (OSError, StopIteration):
        pass
    time.sleep(0.1)
"""
SETTINGS = """
c.Gavip.bundled_avis = False
c.Gavip.check_releases = False
c.Gavip.groups = {"survey": ["developer", "scientist"]}
"""
DOCKER = f"""
c.Gavip.images = {{"avi-python": "{IMAGE}", "notebook": "{IMAGE}"}}
"""


@pytest.fixture(scope="module", params=["processes", pytest.param("docker", marks=pytest.mark.docker)])
def own(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform with an AVI that tells what it sees below `shared`."""
    settings, options = SETTINGS, ()
    if request.param == "docker":
        need_engine()
        settings, options = SETTINGS + DOCKER, ("--docker",)
    folder = tmp_path_factory.mktemp("avis") / "looks"
    files = {"avi.toml": 'title = "Looks"\n', "pipelines/main.ipynb": notebook(LOOKS)}
    with platform_to_throw_away("sharing", settings=settings, options=options) as platform:
        publish(platform, "looks", folder=write_avi(folder, files))
        yield platform


@pytest.fixture
def product(own: Platform) -> Iterator[tuple[httpx.Client, str]]:
    """The owner, and a product of theirs that is ready."""
    file = own.root / "users" / OWNER / "data" / "m45.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(CONTENT)
    with own.client(OWNER) as owner:
        made = owner.post("/products", json={"path": "data", "title": "M45"}).json()["id"]
        eventually(lambda: owner.get(f"/products/{made}").json()["state"] == "READY", "it is ready")
        yield owner, made
        owner.delete(f"/products/{made}")


@pytest.fixture
def running(own: Platform) -> Iterator[dict[str, str]]:
    """Jobs that run and look, of a reader and of a stranger."""
    jobs = {}
    for who in (READER, STRANGER):
        with own.client(who) as client:
            jobs[who] = submit(client, "looks")
            follow(client, jobs[who], until={"EXECUTING"})
            eventually(lambda who=who: bool(seen(own, who, jobs[who])), f"{who} looks")
    yield jobs
    for who, job in jobs.items():
        with own.client(who) as client:
            client.post(f"/jobs/{job}/cancel")


def seen(platform: Platform, who: str, job: str) -> list[str]:
    """Return what a job saw, look by look where it changed."""
    with platform.client(who) as client:
        text = str(client.get(f"/jobs/{job}/log").json()["text"])
    assert "WROTE" not in text
    return [line for line in text.splitlines() if line.startswith("SEES")]


@pytest.mark.parametrize(
    ("kind", "subject", "stranger_sees"),
    [("user", READER, False), ("group", "survey", False), ("everyone", "", True)],
)
def test_what_is_shared_is_seen_in_what_runs_until_it_is_revoked(
    own: Platform,
    product: tuple[httpx.Client, str],
    running: dict[str, str],
    kind: str,
    subject: str,
    stranger_sees: bool,
) -> None:
    owner, made = product
    share = owner.post(f"/products/{made}/shares", json={"kind": kind, "subject": subject}).json()
    with own.client(READER) as reader:
        path = reader.get(f"/products/{made}").json()["container_path"]
        assert reader.get(f"/products/{made}/content", params={"path": "m45.txt"}).text == CONTENT
    wanted = f"{path.removeprefix('shared/')}/m45.txt={CONTENT}"
    eventually(lambda: wanted in seen(own, READER, running[READER])[-1], "the reader sees it")
    begun = time.monotonic()
    assert owner.delete(f"/products/{made}/shares/{share['id']}").status_code == httpx.codes.NO_CONTENT
    assert time.monotonic() - begun < 5
    eventually(lambda: seen(own, READER, running[READER])[-1] == "SEES []", "the reader sees it no more")
    strangers = [line for line in seen(own, STRANGER, running[STRANGER]) if CONTENT in line]
    assert bool(strangers) == stranger_sees
    with own.client(READER) as reader:
        assert reader.get(f"/products/{made}").status_code == httpx.codes.NOT_FOUND


def test_a_product_is_a_copy_that_its_owner_does_not_reach(
    own: Platform, product: tuple[httpx.Client, str]
) -> None:
    owner, made = product
    (own.root / "users" / OWNER / "data" / "m45.txt").write_text("changed")
    answer: Any = owner.get(f"/products/{made}/content", params={"path": "m45.txt"})
    assert answer.text == CONTENT


def test_the_command_does_the_same(own: Platform, product: tuple[httpx.Client, str], tmp_path: Path) -> None:
    _, made = product
    settings = {f"XDG_{name}_HOME": str(tmp_path / name) for name in ("CONFIG", "CACHE")}
    environ = {"PATH": "/usr/bin:/bin", "GAVIP_TOKEN": own.token(OWNER), **settings}

    def ran(*words: str) -> str:
        command = [COMMAND, "--url", own.url, *words]
        return subprocess.run(
            command, env=environ, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    assert "M45" in ran("product", "make", "--path", "data", "--title", "M45")
    assert READER in ran("share", "make", made, "user", "--subject", READER)
    assert READER in ran("share", "list", made)
    with own.client(OWNER) as owner:
        [share] = owner.get(f"/products/{made}/shares").json()
        ran("share", "revoke", made, share["id"])
        assert owner.get(f"/products/{made}/shares").json() == []


def test_the_operators_view_of_the_folders_is_closed(own: Platform) -> None:
    for name in ("me", "groups"):
        assert Path(own.root / "shared" / name).stat().st_mode & 0o777 == 0o711
