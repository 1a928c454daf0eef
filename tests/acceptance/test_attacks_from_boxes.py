"""From a stranger's job, interface or notebook, what is the platform's and other people's cannot be read.

The stranger's code notes each try, which is the mark that it ran. The control is a platform without walls: there
the same code gets all of it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.docker import need_engine
from tests.support.platform import Platform, eventually, platform_to_throw_away
from tests.support.published import follow, publish, submit
from tests.support.spied import (
    OTHER,
    SPY,
    Theirs,
    allowed,
    listeners,
    plan,
    produced,
    publish_private,
    spied_by_interface,
    spied_by_job,
    spied_by_notebook,
)

pytestmark = [pytest.mark.acceptance, pytest.mark.hub, pytest.mark.sandbox, pytest.mark.timeout(600)]

BOXES = {"job": spied_by_job, "interface": spied_by_interface, "notebook": spied_by_notebook}
UNREADABLE = [
    "database",
    "Hub's database",
    "cookie secret",
    "proxy's token",
    "service's token",
    "service's log",
    "another user's file",
    "another user's job",
    "another user's product",
    "another user's code",
    "the system's passwords",
]
UNREACHABLE = [
    "proxy_api port",
    "hub port",
    "service port",
    "public port",
    "AF_INET SOCK_STREAM",
    "AF_INET SOCK_DGRAM",
    "AF_UNIX SOCK_STREAM",
    "AF_UNIX SOCK_STREAM abstract",
    "another user's server",
]


TOKEN_USES = [
    "jobs",
    "another user's job",
    "another user's product",
    "a job of another AVI",
    "an AVI",
    "users of the Hub",
    "a token",
    "another user's server",
]


def attacked(platform: Platform, folder: Path) -> dict[str, Any]:
    """Return what the stranger's code got from its boxes, while another user works with the platform."""
    with platform.client(SPY) as client:
        walls = client.get("/health").json()["sandbox"]
    assert (walls == "enforced") == (platform.config.sandbox != "off")
    for avi in ("spy", "sleeps", "works"):
        publish(platform, avi)
    publish_private(platform)
    platform.open_avi("works", OTHER)
    with platform.client(OTHER) as other, listeners(folder) as places:
        product, address = produced(platform, other)
        job = submit(other, "sleeps", parameters={"seconds": 300})
        eventually(lambda: "asleep" in other.get(f"/jobs/{job}/log").text, "the other user's job runs")
        tries = plan(platform, places, Theirs(job=job, product=product, product_address=address))
        got = {box: spy(platform, tries) for box, spy in BOXES.items()}
        got["allowed"] = allowed(platform, tries)
        other.post(f"/jobs/{job}/cancel")
        follow(other, job)
    for user in (OTHER, SPY):
        platform.close_servers(user)
    return got


@pytest.fixture(scope="module", params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def walled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """What they got on the platform as it is, with boxes of this machine and with an engine's containers."""
    if request.param == "docker":
        need_engine()
        settings = "c.Gavip.bundled_avis = False"
        with platform_to_throw_away("attacked", settings=settings, options=("--docker",)) as platform:
            yield attacked(platform, tmp_path_factory.mktemp("contained"))
    else:
        platform = request.getfixturevalue("platform")
        yield attacked(platform, tmp_path_factory.mktemp("walled"))


@pytest.fixture(scope="module")
def unwalled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What they got in the control."""
    settings = 'c.Gavip.sandbox = "off"\nc.Gavip.bundled_avis = False'
    # Without walls a kernel's sockets lie below the data root, and a socket's path has 107 characters at most.
    with platform_to_throw_away("unwalled", settings=settings) as platform:
        yield attacked(platform, tmp_path_factory.mktemp("listeners"))


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_is_not_there(walled: Any, unwalled: Any, box: str, name: str) -> None:
    # An image has a file of its own with nobody's passwords in it, which its user cannot read.
    refusals = [
        "No such file or directory",
        *(["Permission denied"] if name == "the system's passwords" else []),
    ]
    assert any(refusal in walled[box]["files"][name]["refused"] for refusal in refusals)
    assert unwalled[box]["files"][name]["got"]


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("name", UNREACHABLE)
def test_a_socket_is_not_reached(walled: Any, unwalled: Any, box: str, name: str) -> None:
    assert "refused" in walled[box]["sockets"][name]
    assert unwalled[box]["sockets"][name]["got"]


@pytest.mark.docker
@pytest.mark.parametrize("box", BOXES)
def test_the_engine_is_not_reached(walled: Any, unwalled: Any, box: str) -> None:
    need_engine()
    assert "No such file or directory" in walled[box]["sockets"]["the engine"]["refused"]
    assert "HTTP/1." in unwalled[box]["sockets"]["the engine"]["got"]


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("name", ["a port of the machine", "the Hub"])
def test_the_way_out_does_not_lead_in(walled: Any, unwalled: Any, box: str, name: str) -> None:
    assert "403" in walled[box]["addresses"][name]["refused"]
    assert unwalled[box]["addresses"][name]["got"]


@pytest.mark.parametrize("box", BOXES)
def test_a_clouds_metadata_address_is_not_reached(walled: Any, unwalled: Any, box: str) -> None:
    """Many machines have none, and some answer with refusals of their own: without walls there is a way to it at least."""
    assert "Network is unreachable" in walled[box]["sockets"]["metadata address"]["refused"]
    assert "403" in walled[box]["addresses"]["metadata address"]["refused"]
    assert "Network is unreachable" not in str(unwalled[box]["sockets"]["metadata address"])


@pytest.mark.parametrize("name", TOKEN_USES)
def test_a_jobs_token_is_good_for_its_own_reports_alone(walled: Any, name: str) -> None:
    assert walled["job"]["token"][name]["got"] in (401, 403)
    assert walled["allowed"][name] < 400


@pytest.mark.parametrize("name", TOKEN_USES[1:])
def test_an_interfaces_token_is_good_for_its_own_avi_alone(walled: Any, name: str) -> None:
    assert walled["interface"]["token"][name]["got"] in (403, 404)
    assert walled["interface"]["token"]["jobs"]["got"] == 200


@pytest.mark.parametrize("box", BOXES)
def test_no_environment_of_the_platform_is_read(walled: Any, unwalled: Any, box: str) -> None:
    assert walled[box]["environments"] == []
    assert len(unwalled[box]["environments"]) == 3


@pytest.mark.parametrize("box", BOXES)
def test_no_token_of_another_job_is_read(walled: Any, unwalled: Any, box: str) -> None:
    assert walled[box]["owners"] == ([SPY] if box == "job" else [])
    assert OTHER in unwalled[box]["owners"]


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("name", ["sockets of boxes", "users", "boxes"])
def test_a_folder_is_not_listed(walled: Any, unwalled: Any, box: str, name: str) -> None:
    assert "No such file or directory" in walled[box]["listed"][name]["refused"]
    assert unwalled[box]["listed"][name]["got"]
