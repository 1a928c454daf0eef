"""Why a queued job waits: its place, the limits that bind, and by when it starts."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from gavip_hub.domain.quota import NOTHING, LimitName, Quota, Shortage, Usage, Want, shortages

EXACT_PLACES = 10


class Amount(NamedTuple):
    """Memory and cores together."""

    memory_mb: float = 0
    cpu: float = 0.0

    def plus(self, memory_mb: float, cpu: float) -> "Amount":
        """Return more."""
        return Amount(self.memory_mb + memory_mb, self.cpu + cpu)

    def more(self, other: "Amount") -> "Amount":
        """Return both together."""
        return Amount(self.memory_mb + other.memory_mb, self.cpu + other.cpu)

    def less(self, other: "Amount") -> "Amount":
        """Return what is left without the other."""
        return Amount(self.memory_mb - other.memory_mb, self.cpu - other.cpu)


NO_AMOUNT = Amount()


class Told(NamedTuple):
    """What the owner of a job that waits is told."""

    reason: str = ""
    starts_by: datetime | None = None
    """When it starts at the latest, where that is certain."""


NOTHING_TOLD = Told()


@dataclass(kw_only=True, slots=True)
class Pool:
    """What a pool allows and holds, as a ranking goes on; final once the ranking is made."""

    name: str
    quota: Quota
    promised: Usage
    used: Usage = NOTHING

    @property
    def free(self) -> Amount:
        """Return what is left; less than nothing where a limit was lowered."""
        return Amount(
            self.quota.memory_mb - self.used.memory_mb - self.promised.memory_mb,
            self.quota.cpu - self.used.cpu - self.promised.cpu,
        )

    def take(self, want: Want) -> None:
        """Count one more container."""
        self.used = self.used.plus(want)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """Why a job waits.

    There may be ten thousand in a ranking, so that words and shortages are made only of those that are asked for.

    Parameters
    ----------
    ahead_own, ahead
        What those ask for who come first and would start as well: in its owner's pool, and on the platform.
    starts_by
        When it starts at the latest, if it is the one for which room is kept.
    """

    place: int
    want: Want
    own: Pool
    platform: Pool
    ahead_own: Amount
    ahead: Amount
    starts_by: datetime | None = None

    @property
    def limits(self) -> list[Shortage]:
        """Return every limit that stands in the way, each with the value that would let it start."""
        return [*self._broken(self.own, self.ahead_own), *self._broken(self.platform, self.ahead)]

    @property
    def words(self) -> str:
        """Return the sentence for the person who waits."""
        first = next((short for short in self.limits if not short.fits_alone), None)
        turn = "waits for its turn: those ahead of it need the room first"
        return f"{first.words if first else turn}; {place_in_queue(self.place)}"

    @property
    def told(self) -> Told:
        """Return what its owner is told."""
        return Told(self.words, self.starts_by)

    def behind(self, head: "Wait") -> "Wait":
        """Return it with one more job ahead."""
        is_own = head.own is self.own
        return replace(
            self,
            place=self.place + 1,
            ahead_own=self.ahead_own.plus(head.want.memory_mb, head.want.cpu) if is_own else self.ahead_own,
            ahead=self.ahead.plus(head.want.memory_mb, head.want.cpu),
        )

    def _broken(self, pool: Pool, ahead: Amount) -> list[Shortage]:
        queue: dict[LimitName, float] = {"memory_mb": ahead.memory_mb, "cpu": ahead.cpu}
        return shortages(pool.name, self.want, pool.quota, pool.used, promised=pool.promised, ahead=queue)


def place_in_queue(place: int) -> str:
    """Say how many are ahead; far back only roughly, or each start would change a thousand jobs' words."""
    ahead = place - 1
    if ahead == 0:
        return "next in the queue"
    if ahead > EXACT_PLACES:
        step = 10 ** (len(str(ahead)) - 1)
        return f"more than {ahead // step * step} jobs ahead of it"
    return f"{ahead} {'job' if ahead == 1 else 'jobs'} ahead of it"
