import asyncio
import json
from datetime import timedelta

import pytest

from gavip_hub.services import opening
from gavip_hub.storage import servers as rows
from tests.support.service import running_service, until


@pytest.fixture
def stars(service):
    return service.publish()


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Starts are waited for, however busy the machine is."""
    monkeypatch.setattr(opening, "REFUSED_WITHIN", 30)


async def servers(client):
    return (await client.get("/servers")).json()


async def test_an_interface_opens_at_its_own_origin(service, ann, stars):
    answer = await ann.post("/servers", json={"avi": "stars"})
    assert answer.status_code == 202
    view = answer.json()
    assert (view["state"], view["version"], view["memory_mb"]) == ("ready", "1.0", 512)
    assert view["url"].startswith("http://stars--ann.gavip.localhost")
    assert view["url"].endswith("/user/ann/stars/")
    assert [one["name"] for one in await servers(ann)] == ["stars"]


async def test_opening_it_again_gives_the_same_server(service, ann, stars):
    first = (await ann.post("/servers", json={"avi": "stars"})).json()
    assert (await ann.post("/servers", json={"avi": "stars"})).json() == first
    assert len(await servers(ann)) == 1


async def test_one_version_is_open_at_once(service, ann, stars):
    service.publish(version="2.0")
    await ann.post("/servers", json={"avi": "stars", "version": "1.0"})
    answer = await ann.post("/servers", json={"avi": "stars", "version": "2.0"})
    assert (answer.status_code, answer.json()["error"]) == (409, "conflict")


async def test_closing_gives_back_what_it_held(service, ann, stars):
    await ann.post("/servers", json={"avi": "stars"})
    assert (await ann.get("/pools")).json()[0]["memory_used_mb"] == 512
    assert (await ann.delete("/servers/stars")).json()["state"] == "stopping"
    assert await servers(ann) == []
    assert (await ann.get("/pools")).json()[0]["memory_used_mb"] == 0


async def test_a_stop_that_fails_leaves_the_server_as_it_was(service, ann, stars):
    await ann.post("/servers", json={"avi": "stars"})
    service.hub.stuck = True
    assert (await ann.delete("/servers/stars")).status_code == 503
    assert [one["state"] for one in await servers(ann)] == ["ready"]


async def test_a_stop_whose_hook_was_lost_gives_its_room_back_all_the_same(service, ann, stars):
    await ann.post("/servers", json={"avi": "stars"})
    service.hub.forgetful = True
    await ann.delete("/servers/stars")
    assert await servers(ann) == []
    assert (await ann.get("/pools")).json()[0]["memory_used_mb"] == 0


async def test_what_is_not_open_cannot_be_closed_nor_can_somebody_elses(ann, bob, stars):
    await ann.post("/servers", json={"avi": "stars"})
    assert (await bob.delete("/servers/stars")).status_code == 404
    assert len(await servers(ann)) == 1


async def test_a_private_avi_does_not_exist_for_others(service, ann):
    service.publish(avi="secret", visibility="private")
    assert (await ann.post("/servers", json={"avi": "secret"})).status_code == 404
    async with service.client("dora-token") as dora:
        assert (await dora.post("/servers", json={"avi": "secret"})).status_code == 202


async def test_a_start_that_takes_long_is_told_and_becomes_ready(service, ann, stars, monkeypatch):
    monkeypatch.setattr(opening, "REFUSED_WITHIN", 0.01)
    service.hub.slow = asyncio.Event()
    view = (await ann.post("/servers", json={"avi": "stars"})).json()
    assert view["state"] == "starting"
    service.hub.slow.set()

    async def ready():
        return [one["state"] for one in await servers(ann)] == ["ready"]

    await until(ready)


async def test_a_start_that_the_hub_does_not_wait_for_is_followed_with_its_users_own_token(
    service, ann, stars, monkeypatch
):
    monkeypatch.setattr(opening, "LOOK_SECONDS", 0.01)
    service.hub.hasty = True
    assert (await ann.post("/servers", json={"avi": "stars"})).json()["state"] == "starting"

    async def ready():
        return [one["state"] for one in await servers(ann)] == ["ready"]

    await until(ready)


async def test_where_there_is_no_room_one_waits_and_is_told_why(service, ann, bob, stars):
    service.service.core.config.platform_memory_mb = 600
    await bob.post("/servers", json={"avi": "stars"})
    waiting = (await ann.post("/servers", json={"avi": "stars"})).json()
    assert waiting["state"] == "waiting"
    assert "waits for 512 MB of memory: 1 open server holds 512 of the platform's 600 MB" in waiting["reason"]
    await bob.delete("/servers/stars")

    async def held():
        return "There is room now" in (await servers(ann))[0]["reason"]

    await until(held)
    assert (await bob.post("/servers", json={"avi": "stars"})).json()["state"] == "waiting"
    assert (await ann.post("/servers", json={"avi": "stars"})).json()["state"] == "ready"
    assert [one["state"] for one in await servers(ann)] == ["ready"]


async def test_who_waits_asks_why_and_nobody_else_learns_of_it(service, ann, bob, stars):
    service.service.core.config.platform_memory_mb = 600
    await bob.post("/servers", json={"avi": "stars"})
    await ann.post("/servers", json={"avi": "stars"})
    found = (await ann.get("/servers/stars/wait")).json()
    assert [(one["pool"], one["limit"], one["needed"]) for one in found["limits"]] == [
        ("platform", "memory_mb", 1024)
    ]
    assert found["ahead"] == 0
    assert (await bob.get("/servers/stars/wait")).status_code == 409
    async with service.client("dora-token") as dora:
        assert (await dora.get("/servers/stars/wait")).status_code == 404
    async with service.client("ann-stars-token") as interface:
        assert (await interface.get("/servers/stars/wait")).status_code == 403


async def test_who_finds_the_room_taken_at_the_last_moment_waits(service, ann, bob, stars, monkeypatch):
    """Somebody's start was under way when this one looked for room, and the Hub has just admitted it."""
    service.service.core.config.platform_memory_mb = 600
    await ann.post("/servers", json={"avi": "stars"})
    reservations = service.service.context.services.reservations
    look, seen = reservations.wait_if_full, []

    def late(wish):
        seen.append(wish)
        return look(wish) if len(seen) > 1 else None

    monkeypatch.setattr(reservations, "wait_if_full", late)
    answer = await bob.post("/servers", json={"avi": "stars"})
    assert (answer.status_code, answer.json()["state"]) == (202, "waiting")


async def test_who_gives_up_waiting_leaves_no_trace(service, ann, bob, stars):
    service.service.core.config.platform_memory_mb = 600
    await bob.post("/servers", json={"avi": "stars"})
    await ann.post("/servers", json={"avi": "stars"})
    assert (await ann.delete("/servers/stars")).status_code == 202
    assert await servers(ann) == []


async def test_what_could_never_fit_is_refused_at_once(service, ann, stars):
    service.service.core.config.platform_memory_mb = 100
    answer = await ann.post("/servers", json={"avi": "stars"})
    assert (answer.status_code, answer.json()["error"]) == (422, "too_large")


async def test_more_servers_than_the_quota_are_refused_with_the_number(service, ann, stars):
    service.service.core.config.quota = {"memory_mb": 4096, "cpu": 4.0, "jobs": 20, "servers": 1}
    service.publish(avi="galaxies")
    await ann.post("/servers", json={"avi": "stars"})
    answer = await ann.post("/servers", json={"avi": "galaxies"})
    assert (answer.status_code, answer.json()["error"]) == (409, "no_room")
    assert "you have 1 server open and may have 1" in answer.json()["message"]


async def test_an_avi_with_only_pipelines_has_nothing_to_open(service, ann):
    service.publish()
    (service.root / "users" / "dora" / "stars" / "app.ipynb").unlink()
    from avi_kernel.protocol.releases import ReleaseSubmit

    request = ReleaseSubmit(folder="stars", avi="stars", version="2.0", visibility="public")
    service.service.core.releases.submit(submitter="dora", request=request)
    answer = await ann.post("/servers", json={"avi": "stars"})
    assert answer.status_code == 400
    assert "no interface" in answer.json()["message"]


def tell(service, owner, *, short_of="memory", seconds=60):
    """Let an open interface be told that it closes."""
    core = service.service.core
    closes_at = (core.clock.now() + timedelta(seconds=seconds)).isoformat()
    with core.database.transaction() as session:
        [row] = rows.open_rows(session, owner=owner)
        row.backend_state = {"closes_at": closes_at, "short_of": short_of}


async def presence(service, silence, token="ann-stars-token"):
    async with service.client(token) as interface:
        return await interface.post("/servers/self/presence", json={"silence": silence})


async def test_an_interface_learns_that_it_is_to_close_and_says_that_it_is_used(service, ann, stars):
    await ann.post("/servers", json={"avi": "stars"})
    assert (await presence(service, 900)).json()["closes_in"] is None
    tell(service, "ann")
    told = (await presence(service, 900)).json()
    assert 0 < told["closes_in"] <= 60
    assert told["words"] == (
        "Others are waiting for memory, and this interface has not been used for a while."
    )
    assert (await servers(ann))[0]["closes_at"]
    assert (await presence(service, 3)).json()["closes_in"] is None
    assert (await servers(ann))[0]["closes_at"] is None


async def test_its_user_keeps_it_and_nobody_else_does(service, ann, bob, stars):
    await ann.post("/servers", json={"avi": "stars"})
    tell(service, "ann")
    assert (await bob.post("/servers/stars/keep")).status_code == 404
    assert (await ann.post("/servers/stars/keep")).json()["closes_at"] is None


async def test_only_an_interface_tells_of_presence_and_only_of_its_own(service, ann, bob, stars):
    service.publish(avi="galaxies")
    for client, avi in ((ann, "galaxies"), (bob, "stars")):
        await client.post("/servers", json={"avi": avi})
    for owner in ("ann", "bob"):
        tell(service, owner)
    assert (await presence(service, 1, token="ann-token")).status_code == 403
    assert (await presence(service, 1)).json()["closes_in"] is None  # its own server is not open
    assert all([(await servers(client))[0]["closes_at"] for client in (ann, bob)])


@pytest.mark.parametrize("silence", [-1, "x", None, False, 1e400, float("nan"), 10**400])
async def test_nonsense_of_an_interface_is_refused(service, silence):
    body = json.dumps({"silence": silence})
    async with service.client("ann-stars-token") as interface:
        headers = {"Content-Type": "application/json"}
        answer = await interface.post("/servers/self/presence", content=body, headers=headers)
    assert answer.status_code == 422


async def test_an_idle_interface_gives_way_to_a_job_that_the_scheduler_holds_back(tmp_path):
    limits = {"platform_memory_mb": 600, "idle_when_short": 1, "notice_when_short": 1}
    async with running_service(tmp_path / "root", **limits) as service:
        service.publish()
        async with service.client("ann-token") as ann, service.client("bob-token") as bob:
            await ann.post("/servers", json={"avi": "stars"})
            body = {"avi": "stars", "pipeline": "count", "parameters": {"radius": 2}, "memory_mb": 400}
            job = (await bob.post("/jobs", json=body)).json()["id"]

            async def runs():
                for rounds in (service.service.caretaker, service.service.evictor):
                    await rounds._act()
                return (await bob.get(f"/jobs/{job}")).json()["phase"] == "EXECUTING"

            await until(runs)
            assert await servers(ann) == []
            assert service.hub.servers == {}
        [closed] = service.service.context.services.evictions.closed_lately(owner="ann")
        assert "because others were waiting for memory" in closed.reason
