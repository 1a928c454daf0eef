"""What somebody has used lately; half of it is forgotten every day."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from gavip_hub.domain.quota import Quota

HALF_LIFE = timedelta(days=1)
_RATE = math.log(2) / HALF_LIFE.total_seconds()


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What was used, as it weighs at a moment."""

    memory: float = 0.0
    """MB times seconds."""
    cpu: float = 0.0
    """Cores times seconds."""
    at: datetime

    def later(self, at: datetime) -> "Spent":
        """Return what it weighs at a later moment; to one that is earlier, since the clock was set back, it is the same."""
        kept = 0.5 ** (max(timedelta(), at - self.at) / HALF_LIFE)
        return Spent(memory=self.memory * kept, cpu=self.cpu * kept, at=at)

    def plus(self, *, memory_mb: float, cpu: float, since: datetime, until: datetime) -> "Spent":
        """Return it with what a container used that held so much for a while."""
        now = self.later(until)
        seconds = _weight(since, until)
        return Spent(memory=now.memory + memory_mb * seconds, cpu=now.cpu + cpu * seconds, at=now.at)

    def seconds_of(self, whole: Quota) -> float:
        """Return it in seconds of the whole platform, by the resource of which it is the larger part."""
        return max(self.memory / max(1, whole.memory_mb), self.cpu / max(1e-3, whole.cpu))


def _weight(since: datetime, until: datetime) -> float:
    """Return the seconds from one moment to another, as they weigh at the end: the integral of the decay."""
    lasted = max(0.0, (until - since).total_seconds())
    return -math.expm1(-_RATE * lasted) / _RATE
