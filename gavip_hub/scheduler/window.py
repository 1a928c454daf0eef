"""Which of very many waiting jobs a pass of the scheduler looks at."""

from collections import Counter
from collections.abc import Mapping
from itertools import islice

from gavip_hub.clock import Clock
from gavip_hub.domain.policy import Ranking, Waiting

FRONT = 1000
"""Places at the front of the queue that every pass looks at."""
OF_EACH_USER = 5
"""First jobs of each user that every pass looks at: the front may be all of one user, whose own pool is full."""
MANY = 3 * FRONT
"""Jobs up to which every pass looks at all of them."""
PATIENCE = 5.0
"""Seconds between two looks at all of very many, at least."""
SHARE = 20
"""A look at all of them takes at most one part in so many of the scheduler's time."""


class Window:
    """Chooses what a pass ranks: all that wait, or the front of the queue as the last ranking of all had it.

    A policy's order of those behind hardly changes from one second to the next; who came since is looked at too.
    """

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._order: list[str] = []
        self._known: set[str] = set()
        self._firsts: list[str] = []
        self._rest_until = 0.0

    def choose(self, pending: Mapping[str, Waiting]) -> tuple[list[Waiting], bool]:
        """Return the jobs to rank, and whether they are all there are."""
        if len(pending) <= MANY or self._clock.monotonic() >= self._rest_until:
            return list(pending.values()), True
        there = (job for job in self._order if job in pending)
        chosen = dict.fromkeys(islice(there, FRONT))
        chosen.update(dict.fromkeys(job for job in self._firsts if job in pending))
        chosen.update(dict.fromkeys(pending.keys() - self._known))
        return [pending[job] for job in chosen], False

    def learn(self, ranking: Ranking, pending: Mapping[str, Waiting], *, took: float) -> None:
        """Remember a ranking of all that wait, and how long it took."""
        self._order = [ranked.job for ranked in ranking if ranked.job in pending]
        self._known = set(self._order)
        self._firsts = _firsts(self._order, pending)
        self._rest_until = self._clock.monotonic() + max(PATIENCE, SHARE * took)


def _firsts(order: list[str], pending: Mapping[str, Waiting]) -> list[str]:
    seen = Counter[str]()
    firsts = []
    for job in order:
        owner = pending[job].owner
        seen[owner] += 1
        if seen[owner] <= OF_EACH_USER:
            firsts.append(job)
    return firsts
