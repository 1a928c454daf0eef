"""Which job is next: what a policy is asked, and what it answers. Policies rank; the engine alone keeps the limits."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from gavip_hub.domain.container import Kind
from gavip_hub.domain.quota import Quota, Usage
from gavip_hub.domain.spending import Spent
from gavip_hub.domain.waits import NOTHING_TOLD, Told, Wait


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A queued job as a policy sees it."""

    job: str
    owner: str
    memory_mb: int
    cpu: float
    time_limit: int
    """Seconds that it may run; it is ended then, so that others can be promised a time."""
    queued_at: datetime
    pipeline: str = ""
    """`<avi>/<pipeline>`: jobs of one pipeline run for similar times."""
    told: Told = NOTHING_TOLD
    """What its owner was told last: also, when it was promised to start, as the head of the queue."""

    @property
    def limit(self) -> timedelta:
        """How long it may run."""
        return timedelta(seconds=self.time_limit)


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """A container of any kind that holds room now."""

    owner: str
    kind: Kind
    memory_mb: int
    cpu: float
    since: datetime
    ends_at: datetime | None = None
    """When it is ended at the latest; None: its user decides."""
    gives_way_at: datetime | None = None
    """When it is closed for others, if nobody uses it before."""
    pipeline: str | None = None
    """Of a job: `<avi>/<pipeline>`."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What a policy may know: limits, what is held and what was used, at one moment."""

    now: datetime
    platform: Quota
    whole: Quota
    """What shares are parts of: the platform's pool as it was at start, so that a raised limit changes nobody's turn."""
    quotas: Mapping[str, Quota] = field(default_factory=dict)
    """Of each owner of a waiting job."""
    holdings: Sequence[Holding] = ()
    """All open containers of everybody."""
    promised: Usage = field(default_factory=Usage)
    """What those will hold who wait for an interface: they sit before a page, and come first."""
    kept: Mapping[str, Usage] = field(default_factory=dict)
    """Of each owner's pool, what their own interfaces will hold that wait."""
    spent: Mapping[str, float] = field(default_factory=dict)
    """Seconds of the whole platform that each user has used, decayed; see `gavip_hub.domain.spending`."""

    def share(self, memory_mb: int, cpu: float) -> float:
        """Return the dominant share: the larger of the parts of the whole memory and of all cores, 0 to 1."""
        return max(memory_mb / max(1, self.whole.memory_mb), cpu / max(1e-3, self.whole.cpu))


def pipeline_key(avi: str, pipeline: str) -> str:
    """Return the name by which jobs of one pipeline are known here."""
    return f"{avi}/{pipeline}"


def spent_by(
    spent: Mapping[str, Spent], holdings: Iterable[Holding], *, whole: Quota, now: datetime
) -> dict[str, float]:
    """Return the seconds of the whole platform that each user has used, with what they hold at this moment."""
    total = defaultdict(lambda: Spent(at=now), {owner: one.later(now) for owner, one in spent.items()})
    for held in holdings:
        total[held.owner] = total[held.owner].plus(
            memory_mb=held.memory_mb, cpu=held.cpu, since=held.since, until=now
        )
    return {owner: one.seconds_of(whole) for owner, one in total.items()}


class Ranked(NamedTuple):
    """A place in a ranking."""

    job: str
    wait: Wait | None
    """Why it waits; None: it is to be started now."""


Ranking = list[Ranked]
"""All waiting jobs, best first."""


class Policy(Protocol):
    """Chooses; pure: the same question gets the same answer, and time is in the snapshot."""

    def rank(self, pending: Sequence[Waiting], snapshot: Snapshot) -> Ranking:
        """Order the waiting jobs and say of each why it waits, or that it is to start."""
        ...
