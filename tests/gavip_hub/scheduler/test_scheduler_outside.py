"""Mirrors go on beside one another, and slow places of one person keep nobody else's waiting."""

import asyncio
import threading

import pytest

from gavip_hub.scheduler.outside import OutsideWork
from gavip_hub.threads import Threads


class Nothing:
    """Imports of which there are none."""

    def break_off(self):
        """Tell nothing."""

    def waiting(self):
        return []


class Slow:
    """Mirrors that are pushed on until they are let go."""

    def __init__(self, due):
        self._due = due
        self.begun = []
        self.go = threading.Event()

    def due(self):
        return [(avi, person) for avi, person in self._due if avi not in self.begun]

    def push(self, avi):
        self.begun.append(avi)
        self.go.wait(10)


@pytest.fixture
async def looked():
    """Look at what is due, with threads for all of it, and let it end afterwards."""
    threads, made = Threads(size=4), []

    def work(due):
        mirrors = Slow(due)
        made.append(mirrors)
        given = {"threads": threads, "long_threads": threads, "turn": None}
        return mirrors, OutsideWork(imports=Nothing(), mirrors=mirrors, **given)

    yield work
    for mirrors in made:
        mirrors.go.set()
    threads.close()


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


async def test_slow_places_of_one_person_leave_room_for_others(looked):
    mirrors, work = looked([("a1", "ann"), ("a2", "ann"), ("a3", "ann"), ("b1", "bob")])
    await work.look()
    await until(lambda: len(mirrors.begun) == 2)
    await work.look()
    assert sorted(mirrors.begun) == ["a1", "b1"]


async def test_a_persons_next_one_follows(looked):
    mirrors, work = looked([("a1", "ann"), ("a2", "ann")])
    await work.look()
    await until(lambda: mirrors.begun == ["a1"])
    mirrors.go.set()

    async def both():
        while mirrors.begun != ["a1", "a2"]:
            await work.look()

    await asyncio.wait_for(both(), 10)
