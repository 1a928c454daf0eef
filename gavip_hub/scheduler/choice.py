"""A pass over the queue: which jobs are to start, and what the others are to be told."""

import logging
from collections.abc import Callable, Sequence

from gavip_hub.clock import Clock
from gavip_hub.domain.policies import FairShare
from gavip_hub.domain.policy import Policy, Ranking, Snapshot, Waiting
from gavip_hub.domain.waits import Wait
from gavip_hub.exceptions import DatabaseAway, DiskFull
from gavip_hub.logs import Trouble
from gavip_hub.scheduler.news import Reach, front_of, news_of
from gavip_hub.scheduler.pending import PendingJobs
from gavip_hub.scheduler.window import Window
from gavip_hub.services.lifecycle import JobLifecycle

READ_ANEW_EVERY = 600.0
"""Seconds between two readings of the whole queue, should its events have missed anything."""

log = logging.getLogger(__name__)


class Chooser:
    """Follows the queue and asks the policy about it; one caller at a time.

    Parameters
    ----------
    policy
        Returns the policy of this moment: an operator may change it at any time.
    ranked
        Is shown each ranking, and whether it is of all who wait.
    """

    def __init__(
        self,
        *,
        lifecycle: JobLifecycle,
        policy: Callable[[], Policy],
        clock: Clock,
        ranked: Callable[[Ranking, bool], object],
    ) -> None:
        self._lifecycle = lifecycle
        self._policy = policy
        self._clock = clock
        self._ranked = ranked
        self._pending = PendingJobs(lifecycle=lifecycle)
        self._window = Window(clock=clock)
        self._read_at = clock.monotonic()
        self._failing = Trouble(log=log, what="Fair share ranks instead of the policy in force")

    def choose(self, reach: Reach) -> tuple[list[str], dict[str, Wait]]:
        """Return the jobs to be started, and what those that wait are to be told, as far as that reaches."""
        began = self._clock.monotonic()
        anew = began - self._read_at >= READ_ANEW_EVERY
        self._pending.refresh(anew=anew)
        if anew:
            self._read_at = began
        pending = self._pending.due()
        looked_at, are_all = self._window.choose(pending)
        if not looked_at:
            return [], {}
        snapshot = self._lifecycle.snapshot(self._pending.rows(looked_at))
        ranking = self._rank(looked_at, snapshot)
        self._ranked(ranking if are_all else front_of(ranking), are_all)
        if are_all:
            self._window.learn(ranking, pending, took=self._clock.monotonic() - began)
        if reach is Reach.FRONT_AND_NEW and not are_all:
            reach = Reach.FRONT  # farther back its places are not the true ones
        chosen = dict.fromkeys(ranked.job for ranked in ranking if ranked.wait is None)
        self._pending.doubt(chosen)
        return list(chosen), news_of(ranking, looked_at, reach)

    def _rank(self, jobs: Sequence[Waiting], snapshot: Snapshot) -> Ranking:
        """Ask the policy; a plug-in that fails must not end all starts."""
        try:
            ranking = self._policy().rank(jobs, snapshot)
        except (DatabaseAway, DiskFull):
            raise
        except Exception as error:  # noqa: BLE001 - it may be anybody's
            self._failing.met(error)
            return FairShare().rank(jobs, snapshot)
        self._failing.over()
        return ranking
