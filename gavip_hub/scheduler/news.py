"""What a pass of the scheduler has to tell the owners of jobs that wait."""

from collections.abc import Sequence
from enum import Enum

from gavip_hub.domain.policy import Ranking, Waiting
from gavip_hub.domain.waits import Wait

FRONT = 500
"""Places at the front of the queue of which every pass tells what is new."""


class Reach(Enum):
    """Of whom news are told: to put all of a long queue in words at every pass would take longer than the pass."""

    NOBODY = "nobody"
    FRONT = "front"
    FRONT_AND_NEW = "front and new"
    """Also of those that were told nothing yet."""
    ALL = "all"


def front_of(ranking: Ranking) -> Ranking:
    """Return the front of a ranking that is not of all who wait: farther back its places are not the true ones."""
    return [ranked for ranked in ranking if ranked.wait is None or ranked.wait.place <= FRONT]


def news_of(ranking: Ranking, pending: Sequence[Waiting], reach: Reach) -> dict[str, Wait]:
    """Return why jobs wait, of those whose owners were told something else or nothing yet, the first ones first."""
    if reach is Reach.NOBODY:
        return {}
    told = {job.job: job.told for job in pending}

    def is_looked_at(job: str, wait: Wait) -> bool:
        is_new = reach is Reach.FRONT_AND_NEW and not told[job].reason
        return reach is Reach.ALL or wait.place <= FRONT or is_new

    return {
        job: wait
        for job, wait in ranking
        if wait is not None
        and job in told  # a policy may be anybody's
        and is_looked_at(job, wait)
        and wait.told != told[job]
    }
