"""What is shared is read by whom it is shared with, by every door and in what runs already, until it is taken back."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.docker import IMAGE, need_engine
from tests.support.matrix import CONTENT, FILE, GROUP, MEMBERS, PEOPLE, Door, Who
from tests.support.matrix_boxes import OWN, ContainerDoor, avi_that_tries
from tests.support.matrix_doors import (
    AVI,
    ApiDoor,
    DavDoor,
    FilesDoor,
    LinkDoor,
    PortalDoor,
    differences,
)
from tests.support.matrix_world import Clients, World, kept, make_world
from tests.support.platform import LocalJar, Platform, eventually, platform_to_throw_away
from tests.support.published import follow, publish, submit
from tests.support.webdav import MOUNT

pytestmark = [pytest.mark.hub, pytest.mark.acceptance, pytest.mark.timeout(600)]
OWNER, READER = PEOPLE[Who.OWNER], PEOPLE[Who.MEMBER]
COMMAND = Path(sys.executable).with_name("gavip")
SOON = 5.0
"""Seconds: a second or two, and a machine that does other things too."""
USERS = dict.fromkeys(PEOPLE.values(), "scientist") | {
    PEOPLE[Who.VISITOR]: "anonymous",
    "operator": "operator",
}
SETTINGS = f"""
c.Gavip.bundled_avis = False
c.Gavip.check_releases = False
c.Gavip.users = {USERS}
c.Gavip.groups = {{"{GROUP}": {list(MEMBERS)}}}
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
    with platform_to_throw_away("sharing", settings=settings, options=options) as platform:
        publish(platform, AVI, folder=avi_that_tries(tmp_path_factory.mktemp("avis") / AVI), version="1.0")
        yield platform


once = pytest.mark.parametrize("own", ["processes"], indirect=True)
"""What is the same whatever containers are made of."""


def api(platform: Platform, user: str | None) -> httpx.Client:
    return (
        platform.client(user) if user else httpx.Client(base_url=platform.api, transport=platform.transport())
    )


def files_of(platform: Platform, user: str | None) -> httpx.Client:
    auth = ("any", platform.token(user)) if user else None
    return httpx.Client(
        base_url=f"{platform.url}{MOUNT}/", auth=auth, transport=platform.transport(), timeout=60
    )


def host_of(platform: Platform, _user: str | None) -> httpx.Client:
    return platform.browserless()


class Sessions:
    """People who signed in with a browser, each once."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._cookies: dict[str, LocalJar] = {}

    def __call__(self, user: str | None) -> httpx.Client:
        if user and user not in self._cookies:
            with self._platform.signed_in(user) as http:
                http.get("/services/gavip/")
                self._cookies[user] = http.cookies.jar  # type: ignore[assignment]
        return httpx.Client(
            base_url=f"{self._platform.url}/services/gavip",
            transport=self._platform.transport(),
            cookies=self._cookies.get(user or ""),
            timeout=60,
        )


def change_group(platform: Platform, method: str, user: str) -> None:
    with platform.hub("operator") as hub:
        changed = hub.request(method, f"/groups/{GROUP}/users", json={"users": [user]})
    assert changed.is_success, changed.text


def upload(platform: Platform, user: str, path: str, content: str) -> None:
    folder = path.rpartition("/")[0]
    with files_of(platform, user) as files:
        assert not folder or files.request("MKCOL", folder).status_code in (201, 405)
        assert files.put(path, content=content.encode()).is_success


@pytest.fixture(scope="module")
def people(own: Platform) -> Iterator[Clients]:
    """Programs of all people."""
    with kept(partial(api, own)) as clients:
        yield clients


@pytest.fixture(scope="module")
def world(own: Platform, people: Clients) -> World:
    upload(own, OWNER, f"data/{FILE}", CONTENT)
    for who in {PEOPLE[who] for who in PEOPLE if who != Who.VISITOR}:
        upload(own, who, OWN, "mine")
    leave = partial(change_group, own, "DELETE", PEOPLE[Who.LEFT])
    return make_world(people, leave=leave, host=own.url)


def test_containers_answer_by_the_table(world: World, people: Clients) -> None:
    door = ContainerDoor(world=world, clients=people)
    door.run()
    assert differences(Door.CONTAINER, door.ask) == {}


@once
def test_webdav_answers_by_the_table(own: Platform, world: World) -> None:
    with kept(partial(files_of, own)) as clients:
        assert differences(Door.WEBDAV, DavDoor(world=world, clients=clients).ask) == {}


@once
def test_links_and_files_answer_by_the_table(own: Platform, world: World, people: Clients) -> None:
    with kept(partial(host_of, own)) as clients:
        assert differences(Door.LINK, LinkDoor(world=world, clients=clients).ask) == {}
    assert differences(Door.FILES, FilesDoor(world=world, clients=people).ask) == {}


@once
def test_pages_of_browsers_answer_by_the_table(own: Platform, world: World) -> None:
    """It comes last of these, as its owner removes what they share."""
    with kept(Sessions(own)) as clients:
        assert differences(Door.PORTAL, PortalDoor(world=world, clients=clients).ask) == {}


@once
def test_the_api_answers_by_the_table(own: Platform, people: Clients) -> None:
    change_group(own, "POST", PEOPLE[Who.LEFT])
    leave = partial(change_group, own, "DELETE", PEOPLE[Who.LEFT])
    world = make_world(people, leave=leave, host=own.url)
    assert differences(Door.API, ApiDoor(world=world, clients=people).ask) == {}


@pytest.fixture
def product(own: Platform) -> Iterator[tuple[httpx.Client, str]]:
    """The owner, and a product of theirs that is ready."""
    upload(own, OWNER, "stars/m45.txt", "stars-of-m45")
    with own.client(OWNER) as owner:
        made = owner.post("/products", json={"path": "stars", "title": "M45"}).json()["id"]
        eventually(lambda: owner.get(f"/products/{made}").json()["state"] == "READY", "it is ready")
        yield owner, made
        owner.delete(f"/products/{made}")


@dataclass(frozen=True)
class Watching:
    """A box of the reader's that looks again and again."""

    client: httpx.Client
    job: str

    def last(self) -> tuple[float, list[str]]:
        """Return when the last look began that saw what was there before, and what it sees now."""
        text = str(self.client.get(f"/jobs/{self.job}/log").json()["text"])
        whole = text.rpartition("\n")[0].splitlines()  # a line may have come in part
        seen = [line.split() for line in whole if line.startswith("SEES")]
        return (float(seen[-1][1]), seen[-1][2:]) if seen else (0.0, ["nothing yet"])


@pytest.fixture(scope="module")
def watching(own: Platform) -> Iterator[Watching]:
    with own.client(READER) as client:
        job = submit(client, AVI, "looks")
        follow(client, job, until={"EXECUTING"})
        box = Watching(client, job)
        eventually(lambda: box.last()[0] > 0, "the reader's box looks")
        yield box
        client.post(f"/jobs/{job}/cancel")


def revoked(_own: Platform, owner: httpx.Client, product: str, share: str) -> float:
    assert owner.delete(f"/products/{product}/shares/{share}").is_success
    return time.time()


def removed(_own: Platform, owner: httpx.Client, product: str, _share: str) -> float:
    assert owner.delete(f"/products/{product}").is_success
    return time.time()


def left(own: Platform, _owner: httpx.Client, _product: str, _share: str) -> float:
    change_group(own, "DELETE", READER)
    return time.time()


def ended(_own: Platform, owner: httpx.Client, product: str, share: str) -> float:
    [found] = [one for one in owner.get(f"/products/{product}/shares").json() if one["id"] == share]
    return datetime.fromisoformat(found["expires_at"]).timestamp()


Ends = Callable[[Platform, httpx.Client, str, str], float]
SCENES: dict[str, tuple[str, str, Ends]] = {
    "the user's share is revoked": ("user", READER, revoked),
    "the group's share is revoked": ("group", GROUP, revoked),
    "everyone's share is revoked": ("everyone", "", revoked),
    "the product is removed": ("user", READER, removed),
    "the share ends by the clock": ("user", READER, ended),
    "the reader leaves the group": ("group", GROUP, left),
}


@pytest.mark.parametrize("scene", SCENES)
def test_what_runs_sees_it_no_more_once(
    own: Platform, product: tuple[httpx.Client, str], watching: Watching, scene: str
) -> None:
    kind, subject, end = SCENES[scene]
    owner, made = product
    change_group(own, "POST", READER)
    until = (datetime.now(UTC) + timedelta(seconds=6)).isoformat() if end is ended else None
    asked = {"kind": kind, "subject": subject, "expires_at": until}
    share = owner.post(f"/products/{made}/shares", json=asked).json()["id"]
    eventually(lambda: "stars-of-m45" in " ".join(watching.last()[1]), "the reader's box sees it")
    with own.client(READER) as reader:
        assert reader.get(f"/products/{made}/content", params={"path": "m45.txt"}).text == "stars-of-m45"
    over = end(own, owner, made, share)
    eventually(lambda: watching.last()[1] == [], "the reader's box sees it no more")
    assert watching.last()[0] - over < SOON
    with own.client(READER) as reader:
        eventually(
            lambda: reader.get(f"/products/{made}").status_code == httpx.codes.NOT_FOUND, "nor does the API"
        )
    assert time.time() - over < 2 * SOON


def test_a_job_whose_input_is_taken_back_before_it_starts_says_so(
    own: Platform, product: tuple[httpx.Client, str]
) -> None:
    owner, made = product
    share = owner.post(f"/products/{made}/shares", json={"kind": "user", "subject": READER}).json()["id"]
    with own.client(READER) as reader:
        place = reader.get(f"/products/{made}").json()["container_path"]
        asked = {"avi": AVI, "pipeline": "match", "parameters": {"stars": f"{place}/m45.txt"}}
        job = reader.post("/jobs", json={**asked, "start": False}).json()["id"]
        owner.delete(f"/products/{made}/shares/{share}")
        reader.post(f"/jobs/{job}/start")
        found = follow(reader, job)
        assert "No such file" in reader.get(f"/jobs/{job}/log").json()["text"]
        [named] = reader.get(f"/jobs/{job}/inputs").json()
    assert (found["phase"], named["state"], named["product"]) == ("ERROR", "gone", made)


@once
def test_a_product_is_a_copy_that_its_owner_does_not_reach(
    own: Platform, product: tuple[httpx.Client, str]
) -> None:
    owner, made = product
    upload(own, OWNER, "stars/m45.txt", "changed")
    answer: Any = owner.get(f"/products/{made}/content", params={"path": "m45.txt"})
    assert answer.text == "stars-of-m45"


@once
def test_the_command_does_the_same(own: Platform, product: tuple[httpx.Client, str], tmp_path: Path) -> None:
    _, made = product
    settings = {f"XDG_{name}_HOME": str(tmp_path / name) for name in ("CONFIG", "CACHE")}
    environ = {"PATH": "/usr/bin:/bin", "GAVIP_TOKEN": own.token(OWNER), **settings}

    def ran(*words: str) -> str:
        command = [COMMAND, "--url", own.url, *words]
        return subprocess.run(
            command, env=environ, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    assert "M45" in ran("product", "make", "--path", "stars", "--title", "M45")
    assert READER in ran("share", "make", made, "user", "--subject", READER)
    assert READER in ran("share", "list", made)
    with own.client(OWNER) as owner:
        [share] = owner.get(f"/products/{made}/shares").json()
        ran("share", "revoke", made, share["id"])
        assert owner.get(f"/products/{made}/shares").json() == []


@once
def test_the_operators_view_of_the_folders_is_closed(own: Platform) -> None:
    for name in ("me", "groups"):
        assert Path(own.root / "shared" / name).stat().st_mode & 0o777 == 0o711
