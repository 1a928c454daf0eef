"""What every job backend must do, whatever it starts containers with.

A test module imports all of this and gives a fixture `world`: the engine under the backend.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Protocol

import pytest

from gavip_hub.backends.base import Handle, JobBackend, Liveness, State
from gavip_hub.domain.container import ContainerSpec
from gavip_hub.exceptions import Unavailable

BOUND = 20.0
"""Seconds after which something that should happen has not."""


class World(Protocol):
    """An engine, real or not, with programs for containers."""

    def backend(self) -> JobBackend:
        """Return a backend that knows nothing of earlier ones, as after a restart of the service."""

    def endless(self, name: str) -> ContainerSpec:
        """Describe a container that runs until it is stopped."""

    async def end(self, name: str, code: int) -> None:
        """Have a container of `endless` end by itself with this exit status."""

    async def destroy(self, name: str) -> None:
        """Make a container vanish with no record, as a crash of its node would."""

    async def hang(self, name: str) -> None:
        """Have what watches over a container take no notice of a request to end."""

    async def long_after(self, name: str) -> None:
        """Let so much time pass since the first request to end that it will never be heard."""


async def until(condition: Callable, *wanted: object) -> object:
    """Wait until an asynchronous condition gives one of the wanted values; fail when it never does."""
    async with asyncio.timeout(BOUND):
        while (value := await condition()) not in wanted:
            await asyncio.sleep(0.01)
    return value


async def started(backend: JobBackend, spec: ContainerSpec) -> Handle:
    states: list[State] = [state async for state in backend.start(spec)]
    return Handle(name=spec.name, state=states[-1])


async def liveness(backend: JobBackend, handle: Handle) -> Liveness:
    return (await backend.check([handle]))[0].liveness


async def test_a_started_container_runs(world):
    backend = world.backend()
    handle = await started(backend, world.endless("gavip-ja-1"))
    await until(lambda: liveness(backend, handle), Liveness.RUNNING)


async def test_states_survive_a_database(world):
    async for state in world.backend().start(world.endless("gavip-ja-1")):
        assert json.loads(json.dumps(state)) == state


async def test_an_ended_container_tells_its_exit_status(world):
    backend = world.backend()
    handle = await started(backend, world.endless("gavip-ja-1"))
    await until(lambda: liveness(backend, handle), Liveness.RUNNING)
    await world.end(handle.name, 3)
    await until(lambda: liveness(backend, handle), Liveness.EXITED)
    (seen,) = await backend.check([handle])
    assert (seen.exit.exit_code, seen.exit.reason) == (3, "exited")


async def test_a_container_nobody_started_is_lost(world):
    (seen,) = await world.backend().check([Handle(name="gavip-jnone-1", state={})])
    assert (seen.liveness, seen.exit) == (Liveness.LOST, None)


async def test_a_destroyed_container_is_lost(world):
    backend = world.backend()
    handle = await started(backend, world.endless("gavip-ja-1"))
    await until(lambda: liveness(backend, handle), Liveness.RUNNING)
    await world.destroy(handle.name)
    await until(lambda: liveness(backend, handle), Liveness.LOST)


async def test_a_name_that_lives_is_not_started_twice(world):
    backend = world.backend()
    handle = await started(backend, world.endless("gavip-ja-1"))
    with pytest.raises(Unavailable):
        await started(backend, world.endless("gavip-ja-1"))
    await until(lambda: liveness(backend, handle), Liveness.RUNNING)


async def test_stop_ends_a_container(world):
    backend = world.backend()
    handle = await started(backend, world.endless("gavip-ja-1"))
    await backend.stop(handle)
    await until(lambda: liveness(backend, handle), Liveness.EXITED, Liveness.LOST)


async def test_stop_again_does_no_harm(world):
    backend = world.backend()
    handle = await started(backend, world.endless("gavip-ja-1"))
    await backend.stop(handle)
    await backend.stop(handle)
    await until(lambda: liveness(backend, handle), Liveness.EXITED, Liveness.LOST)
    await backend.stop(handle)


async def test_stop_again_ends_in_the_end_what_takes_no_notice(world):
    backend = world.backend()
    handle = await started(backend, world.endless("gavip-ja-1"))
    await until(lambda: liveness(backend, handle), Liveness.RUNNING)
    await world.hang(handle.name)
    await backend.stop(handle)
    await world.long_after(handle.name)
    await world.backend().stop(handle)
    await until(lambda: liveness(backend, handle), Liveness.EXITED, Liveness.LOST)


async def test_stopping_and_removing_what_never_was_does_no_harm(world):
    backend = world.backend()
    await backend.stop(Handle(name="gavip-jnone-1", state={}))
    await backend.remove(Handle(name="gavip-jnone-1", state={}))
    assert await backend.owned() == []


async def test_a_container_is_owned_until_it_is_removed(world):
    backend = world.backend()
    handle = await started(backend, world.endless("gavip-ja-1"))
    assert await backend.owned() == [handle.name]
    await backend.stop(handle)
    await until(lambda: liveness(backend, handle), Liveness.EXITED, Liveness.LOST)
    assert await backend.owned() == [handle.name]
    await backend.remove(handle)
    await backend.remove(handle)
    assert await backend.owned() == []


async def test_a_removed_container_is_lost(world):
    backend = world.backend()
    handle = await started(backend, world.endless("gavip-ja-1"))
    await backend.stop(handle)
    await until(lambda: liveness(backend, handle), Liveness.EXITED, Liveness.LOST)
    await backend.remove(handle)
    assert await liveness(backend, handle) is Liveness.LOST


async def test_observations_come_in_the_order_of_the_handles(world):
    backend = world.backend()
    one = await started(backend, world.endless("gavip-ja-1"))
    two = await started(backend, world.endless("gavip-jb-1"))
    nobody = Handle(name="gavip-jnone-1", state={})
    await until(lambda: liveness(backend, one), Liveness.RUNNING)
    await until(lambda: liveness(backend, two), Liveness.RUNNING)
    await world.end(two.name, 5)
    await until(lambda: liveness(backend, two), Liveness.EXITED)
    seen = await backend.check([two, nobody, one])
    assert [each.liveness for each in seen] == [Liveness.EXITED, Liveness.LOST, Liveness.RUNNING]


async def test_a_new_backend_finds_what_an_old_one_started(world):
    handle = await started(world.backend(), world.endless("gavip-ja-1"))
    fresh = world.backend()
    await until(lambda: liveness(fresh, handle), Liveness.RUNNING)
    assert await fresh.owned() == [handle.name]
    await fresh.stop(handle)
    await until(lambda: liveness(fresh, handle), Liveness.EXITED, Liveness.LOST)


async def test_a_start_whose_state_was_never_saved_can_be_cleaned_up(world):
    await started(world.backend(), world.endless("gavip-ja-1"))
    fresh, unsaved = world.backend(), Handle(name="gavip-ja-1", state={})
    await fresh.stop(unsaved)
    await until(lambda: liveness(fresh, unsaved), Liveness.EXITED, Liveness.LOST)
    await fresh.remove(unsaved)
    assert await fresh.owned() == []


async def test_the_end_is_still_known_after_a_restart(world):
    backend = world.backend()
    handle = await started(backend, world.endless("gavip-ja-1"))
    await until(lambda: liveness(backend, handle), Liveness.RUNNING)
    await world.end(handle.name, 7)
    fresh = world.backend()
    await until(lambda: liveness(fresh, handle), Liveness.EXITED)
    (seen,) = await fresh.check([handle])
    assert seen.exit.exit_code == 7
