"""Which job is next: policies rank, the engine alone keeps the limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from typing_extensions import override

from gavip_hub.domain.container import Kind
from gavip_hub.domain.quota import Quota, Shortage, Usage, Want, platform_shortage, shortage

EXACT_PLACES = 10


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A queued job as a policy sees it."""

    job: str
    owner: str
    memory_mb: int
    cpu: float
    queued_at: datetime
    reason: str = ""
    """What its owner was told last."""

    @property
    def want(self) -> Want:
        """What its container would hold."""
        return Want(kind=Kind.JOB, memory_mb=self.memory_mb, cpu=self.cpu)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What a policy may know: limits and usage of all pools at one moment."""

    now: datetime
    platform: Quota
    platform_usage: Usage = field(default_factory=Usage)
    quotas: Mapping[str, Quota] = field(default_factory=dict)
    """Of each owner of a waiting job."""
    promised: Usage = field(default_factory=Usage)
    """What those will hold who wait for an interface: they sit before a page, and come first."""
    usages: Mapping[str, Usage] = field(default_factory=dict)


Ranking = list[tuple[str, str]]
"""Job ids, best first, each with why it waits; an empty reason means that it is to be started now."""


class Policy(Protocol):
    """Chooses; pure: the same question gets the same answer, and time is in the snapshot."""

    def rank(self, pending: Sequence[Waiting], snapshot: Snapshot) -> Ranking:
        """Order the waiting jobs and say of each why it waits, or nothing where it is to start."""
        ...


class Fifo(Policy):
    """First come, first served.

    A job that its owner's own pool holds back lets others pass. One that the platform holds back does not,
    or large jobs would wait for ever behind small ones.
    """

    @override
    def rank(self, pending: Sequence[Waiting], snapshot: Snapshot) -> Ranking:
        room = _Room(snapshot)
        ranking: Ranking = []
        blocked: Shortage | None = None
        waiting = 0
        for job in sorted(pending, key=lambda waiting: (waiting.queued_at, waiting.job)):
            own = room.own(job)
            blocked = blocked or (None if own else room.platform(job))
            if own is None and blocked is None:
                room.take(job)
                ranking.append((job.job, ""))
                continue
            waiting += 1
            ranking.append((job.job, _words(own or room.platform(job), place=waiting)))
        return ranking


class _Room:
    """What is left as a ranking goes on."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._platform = snapshot.platform_usage
        self._users = dict(snapshot.usages)

    def own(self, job: Waiting) -> Shortage | None:
        usage = self._users.get(job.owner, Usage())
        return shortage(job.owner, job.want, self._snapshot.quotas[job.owner], usage)

    def platform(self, job: Waiting) -> Shortage | None:
        return platform_shortage(
            job.want, self._snapshot.platform, self._platform, promised=self._snapshot.promised
        )

    def take(self, job: Waiting) -> None:
        self._platform = _more(self._platform, job)
        self._users[job.owner] = _more(self._users.get(job.owner, Usage()), job)


def _more(usage: Usage, job: Waiting) -> Usage:
    return replace(usage, memory_mb=usage.memory_mb + job.memory_mb, cpu=usage.cpu + job.cpu)


def _words(short: Shortage | None, *, place: int) -> str:
    why = short.words if short else "waits for a larger job that came before it"
    return f"{why}; {place_in_queue(place)}"


def place_in_queue(place: int) -> str:
    """Say how many are ahead; far back only roughly, or each start would change a thousand jobs' words."""
    ahead = place - 1
    if ahead == 0:
        return "next in the queue"
    if ahead > EXACT_PLACES:
        step = 10 ** (len(str(ahead)) - 1)
        return f"more than {ahead // step * step} jobs ahead of it"
    return f"{ahead} {'job' if ahead == 1 else 'jobs'} ahead of it"
