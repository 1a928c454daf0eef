"""What somebody may hold at once, what is held, and which limit stands in the way."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from gavip_hub.domain.container import Kind

PLATFORM = "platform"
"""Name of the pool that all containers share; never a user's."""

LimitName = Literal["memory_mb", "cpu", "servers"]
ROUNDING = 1e-3
"""Cores are sums of floats: a thousandth of one is no shortage."""


@dataclass(frozen=True, kw_only=True)
class Quota:
    """Limits of a pool; None where there is none. `jobs` counts those that wait as well, `space_mb` is of files."""

    memory_mb: int
    cpu: float
    jobs: int | None = None
    servers: int | None = None
    space_mb: int | None = None


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What is held now, counted from the ledger."""

    memory_mb: int = 0
    cpu: float = 0.0
    servers: int = 0
    jobs: int = 0
    """Running ones; those that wait hold nothing."""
    waiting: int = 0
    """Of the servers, those for which somebody waits."""

    def __add__(self, other: "Usage") -> "Usage":
        """Return what both hold together."""
        return Usage(
            memory_mb=self.memory_mb + other.memory_mb,
            cpu=self.cpu + other.cpu,
            servers=self.servers + other.servers,
            jobs=self.jobs + other.jobs,
            waiting=self.waiting + other.waiting,
        )

    def with_one_more(self, want: "Want") -> "Usage":
        """Return it with one more container."""
        is_job = want.kind is Kind.JOB
        return replace(
            self,
            memory_mb=self.memory_mb + want.memory_mb,
            cpu=self.cpu + want.cpu,
            jobs=self.jobs + is_job,
            servers=self.servers + (not is_job),
        )


NOTHING = Usage()


@dataclass(frozen=True, kw_only=True, slots=True)
class Want:
    """What one more container would hold."""

    kind: Kind
    memory_mb: int
    cpu: float


@dataclass(frozen=True, kw_only=True)
class Shortage:
    """The limit that stands in the way, and the numbers behind it."""

    pool: str
    limit: LimitName
    wanted: float
    used: float
    allowed: float
    kept: float = 0.0
    """For those who came before and wait for an interface."""
    ahead: float = 0.0
    """What those ask for who are ahead in the queue."""
    usage: Usage = field(default_factory=Usage)
    """All that the pool holds."""

    @property
    def is_platforms(self) -> bool:
        """Whether it is everybody's pool that is full, and not one's own."""
        return self.pool == PLATFORM

    @property
    def needed(self) -> float:
        """Return the value of the limit with which it would start."""
        return self.used + self.kept + self.ahead + self.wanted

    @property
    def fits_alone(self) -> bool:
        """Whether there is room for it now, and only those ahead of it stand in the way."""
        return self.used + self.kept + self.wanted <= self.allowed + ROUNDING

    @property
    def words(self) -> str:
        """Return the sentence for the person who waits."""
        if self.limit == "servers":
            held = amount("servers", self.used)
            return f"waits for a free place: you have {held} open and may have {self.allowed:g}"
        held, allowed, unit = _of(self.used, self.allowed, self.limit)
        whose = "the platform's" if self.is_platforms else "your"
        words = (
            f"waits for {amount(self.limit, self.wanted)}: {self._holders}{held} of {whose} {allowed} {unit}"
        )
        would_fit = self.used + self.wanted <= self.allowed + ROUNDING
        return words + (f", and the rest is kept for {self._keepers}" if would_fit else "")

    @property
    def brief(self) -> str:
        """Return the sentence without what is held at this moment."""
        whose = "the platform" if self.is_platforms else "your pool"
        return f"waits for {amount(self.limit, self.wanted)}: {whose} is full"

    @property
    def _keepers(self) -> str:
        return (
            "those who wait for an interface" if self.is_platforms else "your interface that waits for room"
        )

    @property
    def _holders(self) -> str:
        servers = self.usage.servers - self.usage.waiting
        things = [_counted(self.usage.jobs, "running job"), _counted(servers, "open server")]
        named = " and ".join(thing for thing in things if thing)
        many = self.usage.jobs + servers
        whose = "" if self.is_platforms else "your "
        return f"{whose}{named} {'holds' if many == 1 else 'hold'} " if named else "in use are "


def quota_for(
    groups: Iterable[str], default: Mapping[str, float], grants: Mapping[str, Mapping[str, float]]
) -> Quota:
    """Return the default plus what each of the groups grants on top; a group counts once."""
    total = dict(default)
    for group in sorted(set(groups)):
        for limit, more in grants.get(group, {}).items():
            if limit in total:  # a limit that the default leaves open stays open
                total[limit] += more
    return Quota(
        memory_mb=int(total["memory_mb"]),
        cpu=float(total["cpu"]),
        jobs=int(total["jobs"]) if "jobs" in total else None,
        servers=int(total["servers"]) if "servers" in total else None,
        space_mb=int(total["space_mb"]) if "space_mb" in total else None,
    )


def shortage(
    pool: str, want: Want, quota: Quota, usage: Usage, *, promised: Usage = NOTHING
) -> Shortage | None:
    """Return the first limit of the pool that one more container would break, now or once promises are kept."""
    return next(iter(shortages(pool, want, quota, usage, promised=promised)), None)


def shortages(
    pool: str,
    want: Want,
    quota: Quota,
    usage: Usage,
    *,
    promised: Usage = NOTHING,
    ahead: Mapping[LimitName, float] | None = None,
) -> list[Shortage]:
    """Return every limit of the pool that one more container would break.

    Parameters
    ----------
    promised
        What is kept for those who wait for an interface.
    ahead
        What those ask for who are ahead in the queue.
    """
    queue = ahead or {}
    found = [
        Shortage(
            pool=pool,
            limit=limit,
            wanted=wanted,
            used=used,
            allowed=allowed,
            kept=kept,
            ahead=queue.get(limit, 0.0),
            usage=usage,
        )
        for limit, wanted, used, kept, allowed in _limits(want, quota, usage, promised)
    ]
    return [short for short in found if short.needed > short.allowed + ROUNDING]


def amount(limit: LimitName, value: float) -> str:
    """Return a value of a limit with its unit, as people read it."""
    if limit == "memory_mb":
        return f"{_number(value / 1024)} GB of memory" if value >= 1024 else f"{value:g} MB of memory"  # noqa: PLR2004
    if limit == "cpu":
        return f"{_number(value)} {'core' if value == 1 else 'cores'}"
    return _counted(round(value), "server") or "no server"


def _of(used: float, allowed: float, limit: LimitName) -> tuple[str, str, str]:
    """Return two values and their common unit."""
    if limit == "cpu":
        return _number(used), _number(allowed), "cores"
    if allowed >= 1024:  # noqa: PLR2004 - MB of a GB
        return _number(used / 1024), _number(allowed / 1024), "GB of memory"
    return f"{used:g}", f"{allowed:g}", "MB of memory"


def _number(value: float) -> str:
    return f"{max(0.0, value):.1f}".removesuffix(".0")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}" if count else ""


def _limits(
    want: Want, quota: Quota, usage: Usage, promised: Usage
) -> list[tuple[LimitName, float, float, float, float]]:
    limits: list[tuple[LimitName, float, float, float, float]] = [
        ("memory_mb", want.memory_mb, usage.memory_mb, promised.memory_mb, quota.memory_mb),
        ("cpu", want.cpu, usage.cpu, promised.cpu, quota.cpu),
    ]
    if quota.servers is not None and want.kind is not Kind.JOB:
        limits.append(("servers", 1, usage.servers, 0, quota.servers))
    return limits
