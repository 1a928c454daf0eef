import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from avi_kernel.protocol.api import Profile
from gavip_hub.handlers import events
from tests.support.service import until

ANN = Profile(name="ann", roles=["scientist"])


@asynccontextmanager
async def following(client, **headers):
    """Follow the stream; gives what returns the next event, as name, id and data."""
    async with client.stream("GET", "/events", headers=headers, timeout=20) as answer:
        assert answer.status_code == 200
        lines = answer.aiter_lines()

        async def following_one():
            event = {}
            async for line in lines:
                if not line and "data" in event:
                    return event["event"], int(event["id"]), json.loads(event["data"])
                if line.startswith(":"):
                    return "comment", None, line
                name, _, value = line.partition(": ")
                event[name] = value
            return None

        yield following_one


@pytest.fixture
def stars(service):
    return service.publish()


async def submit(client, avi="stars"):
    return (await client.post("/jobs", json={"avi": avi, "pipeline": "count", "start": False})).json()["id"]


async def test_what_happens_is_told_as_it_happens(ann, stars):
    async with following(ann) as next_event:
        job = await submit(ann)
        name, _, event = await next_event()
    assert (name, event["subject"], event["data"]["phase"]) == ("job.state", job, "PENDING")


async def test_a_reader_that_was_away_misses_nothing_and_gets_nothing_twice(ann, stars):
    async with following(ann) as next_event:
        first = await submit(ann)
        _, last, _ = await next_event()
    second, third = await submit(ann), await submit(ann)
    async with following(ann, **{"Last-Event-ID": str(last)}) as next_event:
        subjects = [(await next_event())[2]["subject"] for _ in range(2)]
    assert subjects == [second, third]
    assert first not in subjects


async def test_nobody_hears_of_others(ann, bob, stars):
    async with following(bob) as next_event:
        await submit(ann)
        own = await submit(bob)
        assert (await next_event())[2]["subject"] == own


async def test_an_interface_hears_of_its_own_avi_only(service, ann, stars):
    service.publish(avi="galaxies")
    async with service.client("ann-stars-token") as interface, following(interface) as next_event:
        await submit(ann, avi="galaxies")
        own = await submit(ann)
        assert (await next_event())[2]["subject"] == own


async def test_news_of_another_process_are_heard(service, ann, stars):
    async with following(ann) as next_event:
        admission = service.hub.ledger.admit(
            owner="ann", groups=[], server_name="stars", user_options={"release": "stars/1.0"}
        )
        name, _, event = await next_event()
        assert (name, event["data"]["state"]) == ("server.state", "starting")
        service.hub.ledger.close(admission.ledger_id)
        assert (await next_event())[2]["data"]["state"] == "stopped"


async def test_a_quiet_stream_is_kept_alive(ann, monkeypatch):
    monkeypatch.setattr(events, "PING_SECONDS", 0.05)
    async with following(ann) as next_event:
        assert (await next_event())[0] == "comment"


async def test_a_stream_is_kept_alive_while_only_others_have_news(service, ann, monkeypatch):
    monkeypatch.setattr(events, "PING_SECONDS", 0.2)

    async def others():
        while True:
            service.service.context.feed.ring()
            await asyncio.sleep(0.05)

    async with following(ann) as next_event:
        busy = asyncio.create_task(others())
        async with asyncio.timeout(5):
            assert (await next_event())[0] == "comment"
        busy.cancel()


async def test_a_stream_ends_in_time_so_that_sign_in_is_looked_at_again(ann, monkeypatch):
    monkeypatch.setattr(events, "LONGEST_STREAM", 0.2)
    async with following(ann) as next_event:
        assert await next_event() is None


@pytest.fixture
def streams(service):
    service.service.context.streams.most = 1
    return service.service.context.streams


async def test_one_person_cannot_hold_any_number_of_streams(ann, streams):
    async with following(ann):
        assert (await ann.get("/events")).status_code == 409


async def test_an_avis_streams_are_none_of_its_users(service, ann, stars, streams):
    async with service.client("ann-stars-token") as interface, following(interface):
        assert (await interface.get("/events")).status_code == 409
        async with following(ann) as next_event:
            await submit(ann)
            assert (await next_event())[0] == "job.state"


async def test_a_reader_that_left_is_not_counted(ann, streams):
    async with following(ann):
        pass

    async def gone():
        return streams.held(ANN) == 0

    await until(gone)
    async with following(ann):
        assert streams.held(ANN) == 1


async def test_a_made_up_event_number_is_refused(ann):
    assert (await ann.get("/events", headers={"Last-Event-ID": "latest"})).status_code == 400
