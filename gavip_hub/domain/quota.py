"""What somebody may hold at once, what is held, and which limit stands in the way."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from gavip_hub.domain.container import Kind

PLATFORM = "platform"
"""Name of the pool that all containers share; never a user's."""

LimitName = Literal["memory_mb", "cpu", "servers"]
_UNITS: dict[LimitName, str] = {"memory_mb": "MB of memory", "cpu": "cores", "servers": "servers"}


@dataclass(frozen=True, kw_only=True)
class Quota:
    """Limits of a pool; None where there is none. `jobs` counts those that wait as well."""

    memory_mb: int
    cpu: float
    jobs: int | None = None
    servers: int | None = None


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What is held now, counted from the ledger."""

    memory_mb: int = 0
    cpu: float = 0.0
    servers: int = 0


@dataclass(frozen=True, kw_only=True)
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
    promised: bool = False
    """There is room, but somebody who came before waits for it."""

    @property
    def words(self) -> str:
        """Return the sentence for the person who waits."""
        whose = "the platform" if self.pool == PLATFORM else "your pool"
        unit = _UNITS[self.limit]
        words = f"needs {self.wanted:g} {unit}; {whose} has {self.free:g} of {self.allowed:g} free"
        return f"{words}, for which somebody waits who came before" if self.promised else words

    @property
    def free(self) -> float:
        """Return what is left, never below nothing."""
        return max(0.0, round(self.allowed - self.used, 3))


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
    )


def shortage(pool: str, want: Want, quota: Quota, usage: Usage) -> Shortage | None:
    """Return the first limit of the pool that one more container would break, or None."""
    for limit, wanted, used, allowed in _limits(want, quota, usage):
        # Cores are sums of floats: a thousandth of one is no shortage.
        if used + wanted > allowed + 1e-3:
            return Shortage(pool=pool, limit=limit, wanted=wanted, used=used, allowed=allowed)
    return None


def platform_shortage(want: Want, quota: Quota, usage: Usage, *, promised: Usage) -> Shortage | None:
    """Return the first limit of the platform that one more container would break, now or once promises are kept."""
    short = shortage(PLATFORM, want, quota, usage)
    if short is not None:
        return short
    kept = replace(usage, memory_mb=usage.memory_mb + promised.memory_mb, cpu=usage.cpu + promised.cpu)
    short = shortage(PLATFORM, want, quota, kept)
    return replace(short, used=getattr(usage, short.limit), promised=True) if short else None


def _limits(want: Want, quota: Quota, usage: Usage) -> list[tuple[LimitName, float, float, float]]:
    limits: list[tuple[LimitName, float, float, float]] = [
        ("memory_mb", want.memory_mb, usage.memory_mb, quota.memory_mb),
        ("cpu", want.cpu, usage.cpu, quota.cpu),
    ]
    if quota.servers is not None and want.kind is not Kind.JOB:
        limits.append(("servers", 1, usage.servers, quota.servers))
    return limits
