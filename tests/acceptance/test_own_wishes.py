"""Who asks the Hub itself for an image, a mount or a size of their own gets none, in the containers of a real engine.

The control is a platform whose Hub and steward believe what they are asked: there the same requests get all of it. Where
the Hub alone does, the steward still refuses another person's folder.
"""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hub.test_hub_servers import ask_hub, ready_at_hub
from tests.support.avis import notebook
from tests.support.docker import IMAGE, need_engine
from tests.support.platform import Platform, eventually, platform_to_throw_away

pytestmark = [pytest.mark.acceptance, pytest.mark.hub, pytest.mark.docker]

WISHER, OTHER = "developer", "scientist"
ANOTHER = f"gavip/test-another:{secrets.token_hex(4)}"
RELEASE = {"release": "hello/1.0"}
SETTINGS = f"""
c.Gavip.bundled_avis = False
c.Gavip.images = {{"avi-python": "{IMAGE}", "notebook": "{IMAGE}", "another": "{ANOTHER}"}}
"""
CREDULOUS_HUB = """
from dataclasses import replace
from gavip_hub.domain.container import Mount
from gavip_hub.services.servers import ServerService

careful = ServerService.admit

def credulous(self, *, user_options, **whose):
    told = dict(user_options)
    admission = careful(self, user_options={"release": told.pop("release")}, **whose)
    spec = admission.spec
    resources = replace(spec.resources, memory_mb=told.get("memory_mb", spec.resources.memory_mb))
    mounts = (*spec.mounts, *[Mount(**mount) for mount in told.get("mounts", [])])
    image = told.get("image", spec.image)
    return replace(admission, spec=replace(spec, image=image, mounts=mounts, resources=resources))

if not hasattr(ServerService, "believes"):
    ServerService.admit, ServerService.believes = credulous, True
"""
CREDULOUS_STEWARD = """
import sys
sys.modules["__main__"].require_lawful = lambda *_, **__: None
"""
WISHES = ["image", "mounts", "memory_mb"]


@pytest.fixture(scope="module")
def another() -> Iterator[str]:
    """An image that the platform has, and that no release of its names."""
    import docker

    need_engine()
    client = docker.from_env()
    client.images.get(IMAGE).tag(ANOTHER)
    yield ANOTHER
    client.images.remove(ANOTHER)


def running(settings: str) -> Iterator[Platform]:
    with platform_to_throw_away("wishes", settings=SETTINGS + settings, options=("--docker",)) as platform:
        folder = platform.root.parent / "hello"
        folder.mkdir()
        (folder / "app.ipynb").write_text(notebook("print('hello', 6 * 7)"))
        platform.publish(folder, "hello")
        (platform.root / "users" / OTHER).mkdir(parents=True, exist_ok=True)
        (platform.root / "users" / OTHER / "diary").write_text("dear diary")
        yield platform


@pytest.fixture(scope="module")
def careful(another: str) -> Iterator[Platform]:
    yield from running("")


@pytest.fixture(scope="module")
def credulous(another: str) -> Iterator[Platform]:
    yield from running(CREDULOUS_HUB + CREDULOUS_STEWARD)


@pytest.fixture(scope="module")
def half_credulous(another: str) -> Iterator[Platform]:
    yield from running(CREDULOUS_HUB)


def wish(platform: Platform, name: str) -> dict[str, Any]:
    """Return what a stranger would add to what may be asked."""
    diary = {"source": str(platform.root / "users" / OTHER), "target": "/attempt", "writable": True}
    return {name: {"image": "another", "mounts": [diary], "memory_mb": 700}[name]}


def servers(platform: Platform) -> list[str]:
    return [path.name for path in (platform.root / "containers").glob("gavip-server-*")]


def opened(platform: Platform) -> dict[str, Any]:
    """Wait for the server that was asked for, and return what its container got; close it."""
    import docker

    eventually(lambda: ready_at_hub(platform, "hello", WISHER), "the server is ready")
    [name] = servers(platform)
    found = docker.from_env().api.inspect_container(name)
    diary = Path(f"/proc/{found['State']['Pid']}/root/attempt/diary")
    got = {
        "image": found["Config"]["Image"],
        "mounts": [path.name for path in [diary] if path.exists()],
        "memory_mb": found["HostConfig"]["Memory"] >> 20,
    }
    platform.close_servers(WISHER)
    eventually(lambda: servers(platform) == [], "its container is gone")
    return got


AS_DECLARED = {"image": IMAGE, "mounts": [], "memory_mb": 512}


@pytest.mark.parametrize("name", WISHES)
def test_a_wish_is_refused(careful: Platform, name: str) -> None:
    answer = ask_hub(careful, "hello", RELEASE | wish(careful, name), WISHER)
    assert answer.status_code == 400
    assert "and nothing else" in answer.json()["message"]
    assert servers(careful) == []


def test_a_wish_beside_the_options_is_not_heard(careful: Platform) -> None:
    wishes = {key: value for name in WISHES for key, value in wish(careful, name).items()}
    with careful.hub(WISHER) as hub:
        body = {"user_options": RELEASE, **wishes, "mem_limit": "700M", "volumes": {"/etc": "/attempt"}}
        hub.post(f"/users/{WISHER}/servers/hello", json=body).raise_for_status()
    assert opened(careful) == AS_DECLARED


@pytest.mark.parametrize(
    ("name", "got"), [("image", ANOTHER), ("mounts", ["diary"]), ("memory_mb", 700)], ids=WISHES
)
def test_where_hub_and_steward_believe_all_it_is_granted(credulous: Platform, name: str, got: object) -> None:
    ask_hub(credulous, "hello", RELEASE | wish(credulous, name), WISHER).raise_for_status()
    assert opened(credulous) == AS_DECLARED | {name: got}


def test_a_steward_gives_nobody_anothers_folder_whatever_the_hub_believes(half_credulous: Platform) -> None:
    answer = ask_hub(half_credulous, "hello", RELEASE | wish(half_credulous, "mounts"), WISHER)
    assert answer.is_error
    assert "is not a folder" in answer.json()["message"]
    assert servers(half_credulous) == []
