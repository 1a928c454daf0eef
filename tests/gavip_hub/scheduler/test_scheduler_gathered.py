import asyncio
from collections.abc import Sequence

import pytest

from gavip_hub.exceptions import DatabaseAway, Unavailable
from gavip_hub.scheduler.gathered import MOST, Gathered
from gavip_hub.threads import Threads


@pytest.fixture
def threads():
    made = Threads(size=2)
    yield made
    made.close()


class Doubler:
    """Doubles numbers, refuses any batch with a 13 in it, and remembers what it was asked at once."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.asked.append(list(numbers))
        if 13 in numbers:
            raise Unavailable("not 13")
        return [2 * number for number in numbers]


async def test_calls_of_one_moment_are_one_act(threads):
    act = Doubler()
    double = Gathered(act, threads=threads)
    assert await asyncio.gather(*(double(number) for number in range(5))) == [0, 2, 4, 6, 8]
    assert act.asked == [[0, 1, 2, 3, 4]]


async def test_a_call_alone_waits_for_nobody(threads):
    act = Doubler()
    assert await Gathered(act, threads=threads)(4) == 8
    assert act.asked == [[4]]


async def test_no_act_is_asked_too_much(threads):
    act = Doubler()
    double = Gathered(act, threads=threads)
    await asyncio.gather(*(double(100 + number) for number in range(MOST + 1)))
    assert [len(together) for together in act.asked] == [MOST, 1]


async def test_who_waits_for_its_turn_gathers_more_meanwhile(threads):
    turn, act = asyncio.Lock(), Doubler()
    double = Gathered(act, threads=threads, turn=turn)
    async with turn:  # another act's
        first = asyncio.create_task(double(1))
        await asyncio.sleep(0)
        second = asyncio.create_task(double(2))
        await asyncio.sleep(0)
        assert act.asked == []
    assert [await first, await second] == [2, 4]
    assert act.asked == [[1, 2]]


async def test_ones_trouble_is_not_its_neighbours(threads):
    double = Gathered(Doubler(), threads=threads)
    answers = await asyncio.gather(double(1), double(13), double(2), return_exceptions=True)
    assert answers[0] == 2
    assert isinstance(answers[1], Unavailable)
    assert answers[2] == 4


async def test_a_database_that_is_away_is_asked_once_for_all(threads):
    asked = []

    def away(questions):
        asked.append(list(questions))
        raise DatabaseAway

    ask = Gathered(away, threads=threads)
    answers = await asyncio.gather(ask(1), ask(2), return_exceptions=True)
    assert [type(answer) for answer in answers] == [DatabaseAway, DatabaseAway]
    assert asked == [[1, 2]]


async def test_who_is_gone_gets_no_answer_and_the_others_do(threads):
    double = Gathered(Doubler(), threads=threads)
    gone, there = asyncio.ensure_future(double(1)), asyncio.ensure_future(double(2))
    await asyncio.sleep(0)
    gone.cancel()
    assert await there == 4
    assert gone.cancelled()


async def test_it_serves_again_after_it_had_nothing_to_do(threads):
    double = Gathered(Doubler(), threads=threads)
    assert [await double(1), await double(2)] == [2, 4]
