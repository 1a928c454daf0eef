"""Containers that stand ready: nobody's before they are claimed, one person's afterwards, and never given back."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from gavip_hub.backends.base import Liveness
from gavip_hub.backends.docker.container_folders import SPARE
from gavip_hub.backends.docker.spares import AFTER_A_CLAIM, FIRST_UID
from gavip_hub.domain.container import Kind
from tests.support.avis import notebook
from tests.support.docker import docker_world

pytestmark = pytest.mark.docker
LOOKS = """
import json, os, pathlib
def tried(act):
    try:
        return act()
    except OSError as error:
        return error.strerror
home = pathlib.Path("/home/ann")
print(json.dumps({
    "uid": os.getuid(), "homes": os.listdir("/home"), "cwd": os.getcwd(), "user": os.environ.get("GAVIP_USER"),
    "secret": os.environ.get("SECRET"), "diary": tried((home / "diary").read_text),
    "home written": tried(lambda: (home / "mark").write_text("x")),
    "own written": tried(lambda: pathlib.Path("mark").write_text("x")),
    "code written": tried(lambda: pathlib.Path("/avi/mark").write_text("x")),
    "passwd": open("/etc/passwd").read(),
}))
"""


@pytest.fixture
def world():
    with docker_world(spares=1) as containers:
        containers.launcher.spares.fill()
        yield containers


def spare_of(world) -> str:
    (name,) = [path.name for path in (world.root / "containers").iterdir() if path.name.startswith(SPARE)]
    return name


def interface(world, name, owner="ann"):
    """Describe an interface whose notebook looks around."""
    spec = world.spec(
        name,
        "python",
        "-m",
        "avi_kernel.interface",
        kind=Kind.INTERFACE,
        owner=owner,
        memory_mb=400,
        env=HUB | {"SECRET": owner},
    )
    checkout = world.root / "checkouts/hr/abc"
    (checkout / "app.ipynb").write_text(notebook(LOOKS))
    return spec


HUB = {
    "JUPYTERHUB_SERVICE_PREFIX": "/user/ann/hr/",
    "JUPYTERHUB_API_TOKEN": "t",
    "JUPYTERHUB_CLIENT_ID": "c",
    "JUPYTERHUB_USER": "ann",
    "JUPYTERHUB_BASE_URL": "/",
    "JUPYTERHUB_HOST": "http://gavip.localhost",
    "JUPYTERHUB_OAUTH_CALLBACK_URL": "http://hr--ann.gavip.localhost/oauth_callback",
}


def inside(world, name, code):
    """Run code in a container with the rights of what runs there."""
    import docker

    client = docker.from_env()
    result = client.containers.get(name).exec_run(
        ["/opt/gavip/bin/python", "-c", code], workdir="/home/ann/avis/hr"
    )
    return json.loads(result.output)


async def listening(state):
    async with asyncio.timeout(30):
        while not Path(state["socket"]).exists():
            await asyncio.sleep(0.01)


async def test_a_spare_becomes_a_persons_interface(world):
    spare = spare_of(world)
    (world.root / "users/ann").mkdir(parents=True, exist_ok=True)
    (world.root / "users/ann/diary").write_text("dear diary")
    number = world.inspect(spare)["Id"]
    state = world.launcher.launch(interface(world, "gavip-server-a1"))
    await listening(state)
    assert world.inspect("gavip-server-a1")["Id"] == number
    assert world.inspect("gavip-server-a1")["HostConfig"]["Memory"] == 400 << 20


async def test_it_sees_its_persons_folders_as_any_other_and_writes_to_the_avis_alone(world):
    world.places("ann")
    (world.root / "users/ann/diary").write_text("dear diary")
    world.launcher.launch(interface(world, "gavip-server-a1"))
    seen = inside(world, "gavip-server-a1", LOOKS)
    assert seen["uid"] >= FIRST_UID
    assert (seen["homes"], seen["cwd"], seen["diary"]) == (["ann"], "/home/ann/avis/hr", "dear diary")
    assert (seen["home written"], seen["code written"]) == ("Read-only file system", "Read-only file system")
    assert seen["own written"] == 1
    assert seen["passwd"].startswith("ann:")
    mark = world.root / "users/ann/avis/hr/mark"
    assert mark.stat().st_uid == (world.root / "users/ann/avis/hr").stat().st_uid != seen["uid"]


async def test_a_spare_that_waits_has_nothing_of_anybody(world):
    world.places("ann")
    (world.root / "users/ann/diary").write_text("dear diary")
    found = world.inspect(spare_of(world))
    assert {mount["Destination"] for mount in found["Mounts"]} <= {
        *(
            f"/etc/{name}"
            for name in ("passwd", "group", "hosts", "nsswitch.conf", "hostname", "resolv.conf")
        ),
        "/run/gavip",
        "/run/gavip-ways",
    }
    assert not [word for word in found["Config"]["Env"] if "TOKEN" in word]


async def test_two_people_get_two_containers_and_the_second_is_none_that_was_used(world):
    world.launcher.launch(interface(world, "gavip-server-a1"))
    async with asyncio.timeout(30):
        while not world.launcher.spares._ready():
            await asyncio.sleep(0.05)
    world.launcher.launch(interface(world, "gavip-server-b1", owner="bob"))
    one, two = (world.inspect(name) for name in ("gavip-server-a1", "gavip-server-b1"))
    assert one["Id"] != two["Id"]
    assert one["Config"]["User"] != two["Config"]["User"]


async def test_the_next_one_leaves_the_machine_to_whoever_claimed_the_last(world):
    began = time.monotonic()
    world.launcher.launch(interface(world, "gavip-server-a1"))
    async with asyncio.timeout(30):
        while not world.launcher.spares._all():
            await asyncio.sleep(0.05)
    assert time.monotonic() - began > AFTER_A_CLAIM


async def test_a_steward_that_ends_starts_no_more_of_them(world):
    world.launcher.launch(interface(world, "gavip-server-a1"))
    world.launcher.spares.empty()
    for coming in world.launcher.spares._coming:
        coming.join()
    assert world.launcher.spares._all() == set()


async def test_without_a_spare_an_interface_starts_cold(world):
    world.destroy(spare_of(world))
    state = world.launcher.launch(interface(world, "gavip-server-a1"))
    await listening(state)


async def test_a_claim_that_fails_leaves_nothing_and_an_interface_starts_cold(world, monkeypatch):
    def refuses(*_args, **_kwargs):
        raise OSError("the kernel refuses")

    monkeypatch.setattr("gavip_hub.backends.docker.spares.show", refuses)
    spare = spare_of(world)
    number = world.inspect(spare)["Id"]
    world.launcher.launch(interface(world, "gavip-server-a1"))
    assert world.inspect("gavip-server-a1")["Id"] != number
    assert world.inspect(spare) is None


async def test_spares_are_nobodys_to_clear_away_and_end_with_the_steward(world):
    assert world.launcher.names() == []
    world.launcher.spares.empty()
    assert list((world.root / "containers").glob(f"{SPARE}*")) == []


async def test_a_new_steward_takes_over_the_spares_of_the_old_one(world):
    spare = spare_of(world)
    fresh = world.fresh_launcher()
    fresh.spares.fill()
    assert spare_of(world) == spare


async def test_a_claimed_one_ends_as_any_other(world):
    state = world.launcher.launch(interface(world, "gavip-server-a1"))
    await listening(state)
    world.launcher.stop("gavip-server-a1")
    seen = await world.seen("gavip-server-a1", Liveness.EXITED)
    assert seen.exit.reason == "stopped"
    assert "The interface is at" in world.log("gavip-server-a1")
    assert not Path(state["socket"]).exists()
