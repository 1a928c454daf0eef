"""While an engine hangs, the service goes on, and what is to end is ended."""

import asyncio

from tornado.netutil import Resolver

from gavip_hub.backends.base import Handle, Liveness
from gavip_hub.backends.launched import LaunchedBackend
from tests.support.hanging import hanging

ONE = Handle(name="gavip-ja-1", state={})


async def test_addresses_are_still_found_and_ends_still_asked_for():
    with hanging() as launcher:
        backend = LaunchedBackend(launcher=launcher)
        checks = [asyncio.create_task(backend.check([ONE])) for _ in range(8)]
        await asyncio.sleep(0)  # all have asked
        await asyncio.wait_for(Resolver().resolve("127.0.0.1", 80), 1)
        await asyncio.wait_for(backend.stop(ONE), 5)
    assert launcher.stopped == [ONE.name]
    assert [seen.liveness for (seen,) in await asyncio.gather(*checks)] == [Liveness.RUNNING] * 8


async def test_whom_a_container_called_is_read_from_its_own_folder(tmp_path):
    line = '{"host": "a.example", "port": 443, "allowed": true}\n'
    (tmp_path / "egress.log").write_text(f"{line}{line}half a li")
    with hanging() as launcher:
        backend = LaunchedBackend(launcher=launcher)
        found = await backend.called(Handle(name=ONE.name, state={"run_dir": str(tmp_path)}))
        gone = await backend.called(Handle(name=ONE.name, state={"run_dir": str(tmp_path / "gone")}))
        unknown = await backend.called(ONE)
    assert [(one.host, one.port, one.times) for one in found] == [("a.example", 443, 2)]
    assert (gone, unknown) == (None, None)


async def test_a_record_that_was_full_is_not_whole_and_none_at_all_is_no_call(tmp_path):
    here = Handle(name=ONE.name, state={"run_dir": str(tmp_path)})
    with hanging() as launcher:
        backend = LaunchedBackend(launcher=launcher)
        assert await backend.called(here) == []
        (tmp_path / "egress.log.1").touch()
        assert await backend.called(here) is None
