"""Health goes bad for each part that is not well, says which, and is well again with it."""

import asyncio

from gavip_hub.health import answers
from gavip_hub.storage.lease import lease
from gavip_hub.supervise.installation import free_ports
from tests.support.service import health, running_service, until
from tests.support.webdav import running_dav


async def when(client, *, well):
    """Wait until it is well, or not, and return what it tells."""

    async def found():
        status, told = await health(client)
        return told if (status == 200) is well else None

    return await until(found, seconds=60)


async def test_a_hub_that_answers_with_errors(service, ann):
    await when(ann, well=True)
    service.hub.away = True
    told = await when(ann, well=False)
    service.hub.away = False
    assert (told["hub"], told["database"], told["scheduler"]) == (False, True, True)
    assert told["problems"] == ["The Hub does not answer."]
    assert (await when(ann, well=True))["problems"] == []


async def test_a_hub_that_stands_still_holds_up_no_answer(service, ann):
    service.hub.frozen = asyncio.Event()
    told = await when(ann, well=False)
    service.hub.frozen.set()
    assert told["problems"] == ["The hub did not answer within 3 s."]
    await when(ann, well=True)


async def test_a_scheduler_that_hangs(service, ann):
    scheduler, released = service.service.scheduler, asyncio.Event()
    scheduler._tick_seconds = 0.2
    looks = service.backend.check

    async def hangs(handles):
        await released.wait()
        return await looks(handles)

    service.backend.check = hangs
    told = await when(ann, well=False)
    released.set()
    assert (told["scheduler"], told["hub"]) == (False, True)
    assert "has not looked at the jobs for" in told["problems"][0]
    await when(ann, well=True)


async def test_a_service_that_stands_by_says_so_until_it_leads(tmp_path):
    url = f"sqlite:///{tmp_path / 'gavip.sqlite'}"
    other = lease(url, "scheduler")
    assert other.hold()
    async with running_service(tmp_path / "root", database_url=url) as service, service.client() as nobody:
        told = await when(nobody, well=False)
        other.release()
        assert told["problems"] == ["Another service schedules jobs: this one stands by."]
        await when(nobody, well=True)


async def test_webdav_that_is_down():
    [nothing] = free_ports(1)
    assert not await answers(f"http://127.0.0.1:{nothing}")


def test_webdav_that_is_up(tmp_path):
    with running_dav(tmp_path / "root") as dav:
        assert asyncio.run(answers(f"http://127.0.0.1:{dav.port}"))
