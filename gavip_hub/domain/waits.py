"""Why a queued job waits: its place, the limits that bind, and by when it starts."""

from datetime import datetime
from typing import NamedTuple

from gavip_hub.domain.container import Kind
from gavip_hub.domain.quota import NOTHING, ROUNDING, LimitName, Quota, Shortage, Usage, Want, shortages

EXACT_PLACES = 10


class Told(NamedTuple):
    """What the owner of a job that waits is told."""

    reason: str = ""
    starts_by: datetime | None = None
    """When it starts at the latest, where that is certain."""


NOTHING_TOLD = Told()


class Pool:
    """What a pool allows, holds and is asked for, as a ranking goes on; final once the ranking is made.

    Attributes
    ----------
    free_mb, free_cpu
        What is left; less than nothing where a limit was lowered.
    waiting_mb, waiting_cpu
        What the jobs ask for that wait so far.
    held_mb, held_cpu
        Of those, the ones that their owner's own pool holds back.
    """

    __slots__ = (
        "_jobs",
        "_servers",
        "free_cpu",
        "free_mb",
        "held_cpu",
        "held_mb",
        "name",
        "promised",
        "quota",
        "waiting_cpu",
        "waiting_mb",
    )

    def __init__(self, name: str, quota: Quota, promised: Usage = NOTHING, *, used: Usage = NOTHING) -> None:
        self.name = name
        self.quota = quota
        self.promised = promised
        self.free_mb: float = quota.memory_mb - promised.memory_mb - used.memory_mb
        self.free_cpu = quota.cpu - promised.cpu - used.cpu
        self.waiting_mb = self.waiting_cpu = self.held_mb = self.held_cpu = 0.0
        self._jobs, self._servers = used.jobs, used.servers - used.waiting

    @property
    def used(self) -> Usage:
        """Return what it holds."""
        return Usage(
            memory_mb=round(self.quota.memory_mb - self.promised.memory_mb - self.free_mb),
            cpu=self.quota.cpu - self.promised.cpu - self.free_cpu,
            servers=self._servers,
            jobs=self._jobs,
        )

    def take(self, memory_mb: float, cpu: float, *, is_job: bool) -> None:
        """Count one more container."""
        self.free_mb -= memory_mb
        self.free_cpu -= cpu
        self._jobs += is_job
        self._servers += not is_job

    def holds(self, memory_mb: float, cpu: float) -> bool:
        """Tell whether there is room for one more container."""
        return memory_mb <= self.free_mb and cpu <= self.free_cpu + ROUNDING

    def queue(self, memory_mb: float, cpu: float, *, is_held: bool) -> None:
        """Count one more job that waits."""
        self.waiting_mb += memory_mb
        self.waiting_cpu += cpu
        if is_held:
            self.held_mb += memory_mb
            self.held_cpu += cpu


class Wait(NamedTuple):
    """Why a job waits.

    There may be ten thousand in a ranking, so that words and shortages are made only of those that are asked for.

    Parameters
    ----------
    own_mb, own_cpu
        What those ask for in its owner's pool who are ahead.
    all_mb, all_cpu
        What those ask for on the platform who are ahead and would start as well.
    starts_by
        When it starts at the latest, if it is the one for which room is kept.
    """

    place: int
    memory_mb: int
    cpu: float
    own: Pool
    platform: Pool
    own_mb: float
    own_cpu: float
    all_mb: float
    all_cpu: float
    starts_by: datetime | None

    @property
    def limits(self) -> list[Shortage]:
        """Return every limit that stands in the way, each with the value that would let it start."""
        return [
            *self._broken(self.own, {"memory_mb": self.own_mb, "cpu": self.own_cpu}),
            *self._broken(self.platform, {"memory_mb": self.all_mb, "cpu": self.all_cpu}),
        ]

    @property
    def words(self) -> str:
        """Return the sentence for the person whose job waits."""
        return self.words_of("job")

    def words_of(self, noun: str) -> str:
        """Return the sentence for the person who waits, among others of that noun."""
        first = next((short for short in self.limits if not short.fits_alone), None)
        if first is None:
            why = "waits for its turn: those ahead of it need the room first"
        else:
            # Far back without what is held now, or each start and end would change a thousand jobs' words.
            why = first.words if self.place <= EXACT_PLACES + 1 else first.brief
        return f"{why}; {place_in_queue(self.place, noun)}"

    @property
    def told(self) -> Told:
        """Return what its owner is told."""
        return Told(self.words, self.starts_by)

    def behind(self, head: "Wait") -> "Wait":
        """Return it with one more job ahead."""
        is_own = head.own is self.own
        return self._replace(
            place=self.place + 1,
            own_mb=self.own_mb + is_own * head.memory_mb,
            own_cpu=self.own_cpu + is_own * head.cpu,
            all_mb=self.all_mb + head.memory_mb,
            all_cpu=self.all_cpu + head.cpu,
        )

    def first(self) -> "Wait":
        """Return it as the head of the queue."""
        return self._replace(place=1, own_mb=0, own_cpu=0.0, all_mb=0, all_cpu=0.0)

    def _broken(self, pool: Pool, ahead: dict[LimitName, float]) -> list[Shortage]:
        want = Want(kind=Kind.JOB, memory_mb=self.memory_mb, cpu=self.cpu)
        return shortages(pool.name, want, pool.quota, pool.used, promised=pool.promised, ahead=ahead)


def place_in_queue(place: int, noun: str = "job") -> str:
    """Say how many are ahead; far back only roughly, or each start would change a thousand jobs' words."""
    ahead = place - 1
    if ahead == 0:
        return "next in the queue"
    if ahead > EXACT_PLACES:
        step = 10 ** (len(str(ahead)) - 1)
        return f"more than {ahead // step * step} {noun}s ahead of it"
    return f"{ahead} {noun if ahead == 1 else noun + 's'} ahead of it"
