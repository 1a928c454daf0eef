"""How much somebody does at once: a slow reader holds a file or a connection."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from avi_kernel.protocol.api import Profile
from gavip_hub.exceptions import NoRoom

MOST_READS = 12
"""A browser opens six connections."""
MOST_WRITES = 2
"""Each has a thread of the four that read and write everybody's files."""
MOST_STREAMS = 12
MOST_TRANSFERS = 3
PUSH_SECONDS = 60.0

Holder = tuple[str, str | None]
"""A person, or one AVI for its user: a stranger's AVI takes nothing away from the person."""


class AtOnce:
    """Counts what each holder does at this moment.

    Parameters
    ----------
    most
        Of one holder at once.
    refusal
        What is said to who wants more; `{most}` stands for the number.
    """

    def __init__(self, *, most: int, refusal: str) -> None:
        self.most = most
        self._refusal = refusal
        self._held: Counter[Holder] = Counter()

    @contextmanager
    def one(self, profile: Profile) -> Iterator[None]:
        """Count one more while the block lasts.

        Raises
        ------
        NoRoom
            There are as many as there may be.
        """
        holder = (profile.name, profile.avi)
        if self._held[holder] >= self.most:
            raise NoRoom(self._refusal.format(most=self.most))
        self._held[holder] += 1
        try:
            yield
        finally:
            self._held -= Counter([holder])  # and forgets who holds nothing any more

    def held(self, profile: Profile) -> int:
        """Return how many there are."""
        return self._held[profile.name, profile.avi]


class OneByOne:
    """Lets those who want the same thing have it one after the other.

    Parameters
    ----------
    seconds
        After which who still waits is refused.
    """

    def __init__(self, *, seconds: float, refusal: str) -> None:
        self._seconds = seconds
        self._refusal = refusal
        self._locks: dict[str, asyncio.Lock] = {}
        self._waiting: Counter[str] = Counter()

    @asynccontextmanager
    async def turn(self, thing: str) -> AsyncIterator[None]:
        """Have a thing while the block lasts.

        Raises
        ------
        NoRoom
            Somebody else has it for too long.
        """
        lock = self._locks.setdefault(thing, asyncio.Lock())
        self._waiting[thing] += 1
        try:
            try:
                await asyncio.wait_for(lock.acquire(), self._seconds)
            except TimeoutError:
                raise NoRoom(self._refusal.format(thing=thing)) from None
            try:
                yield
            finally:
                lock.release()
        finally:
            self._waiting -= Counter([thing])
            if not self._waiting[thing]:
                del self._locks[thing]


def reads() -> AtOnce:
    """Return what counts files that are read."""
    return AtOnce(
        most=MOST_READS,
        refusal="You read {most} files at once already; wait until one of them has come.",
    )


def writes() -> AtOnce:
    """Return what counts pieces of files that are written, and files that are looked at whole."""
    return AtOnce(
        most=MOST_WRITES,
        refusal="You write {most} files at once already; wait until a piece of one of them has come.",
    )


def streams() -> AtOnce:
    """Return what counts streams of events."""
    return AtOnce(most=MOST_STREAMS, refusal="You follow events in {most} places already; close one of them.")


def transfers() -> AtOnce:
    """Return what counts clones and pushes."""
    return AtOnce(
        most=MOST_TRANSFERS,
        refusal="You clone and push in {most} places at once already; wait until one of them is through.",
    )


def pushes() -> OneByOne:
    """Return what lets one push after the other into a repository."""
    return OneByOne(
        seconds=PUSH_SECONDS, refusal="Somebody pushes to {thing} at this moment: push again in a minute."
    )
