"""Calls that are made at the same time become one transaction."""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

from gavip_hub.exceptions import DatabaseAway, DiskFull
from gavip_hub.threads import Threads

Q = TypeVar("Q")
A = TypeVar("A")

MOST = 200
"""Calls of one transaction: nobody else writes meanwhile."""


class Gathered(Generic[Q, A]):
    """Answers single calls by an act on many.

    What comes while one transaction is under way is gathered for the next, so that a busy loop pays for one commit
    where it would have paid for a hundred, and an idle one waits for nothing.

    Parameters
    ----------
    act
        Gets the questions in the order in which they came, and returns one answer each. It is called again with
        each of them alone where it raises: one job's trouble must not be its neighbours'.
    turn
        Shared by acts of which one at a time is done: those that wait for it gather more meanwhile.
    """

    def __init__(
        self,
        act: Callable[[Sequence[Q]], Sequence[A]],
        *,
        threads: Threads,
        turn: asyncio.Lock | None = None,
    ) -> None:
        self._act = act
        self._threads = threads
        self._turn = turn or asyncio.Lock()
        self._asked: list[tuple[Q, asyncio.Future[A]]] = []
        self._serving: asyncio.Task[None] | None = None

    async def __call__(self, question: Q) -> A:
        """Return the answer to one question."""
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._asked.append((question, answer))
        if self._serving is None:
            # In a context of its own: the log would name the first of many jobs otherwise.
            self._serving = asyncio.get_running_loop().create_task(self._serve(), context=Context())
        return await answer

    async def _serve(self) -> None:
        while self._asked:
            async with self._turn:
                together, self._asked = self._asked[:MOST], self._asked[MOST:]
                await self._answer(together)
        self._serving = None

    async def _answer(self, together: Sequence[tuple[Q, asyncio.Future[A]]]) -> None:
        try:
            answers = await self._threads(self._act, [question for question, _ in together])
        except Exception as error:  # noqa: BLE001 - it is whoever asked who is to have it
            if len(together) == 1 or isinstance(error, DatabaseAway | DiskFull):  # nobody's, and not over yet
                for _, future in together:
                    _settle(future, error)
            else:
                for one in together:
                    await self._answer([one])
            return
        for (_, future), answer in zip(together, answers, strict=True):
            _settle(future, answer)


def _settle(future: asyncio.Future[A], answer: A | Exception) -> None:
    """Answer, unless whoever asked is gone."""
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
