"""A platform without a machine: the real policies and the real count of pools, under everything that can happen."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gavip_hub.domain.container import Kind
from gavip_hub.domain.policies import FairShare, Fifo, SmallestFirst
from gavip_hub.domain.policy import Holding, Policy, Ranking, Snapshot, Waiting, spent_by
from gavip_hub.domain.quota import NOTHING, PLATFORM, ROUNDING, Quota, Usage, Want, shortage
from gavip_hub.domain.spending import Spent
from gavip_hub.domain.waits import NOTHING_TOLD, Told
from gavip_hub.testing import EPOCH
from tests.support.walks import Count, picked

USERS = ("ann", "bob", "cid")
WHOLE = Quota(memory_mb=1000, cpu=8.0)
USER = Quota(memory_mb=600, cpu=5.0)
POLICIES: dict[str, Policy] = {"fair": FairShare(), "fifo": Fifo(), "smallest": SmallestFirst()}
MOST_WAITING = 20
MOST_ATTEMPTS = 3
PICK = st.integers(0, 99)
OWNER = st.sampled_from(USERS)
ASKED = st.tuples(OWNER, st.integers(1, 60), st.integers(1, 10), st.integers(1, 3600), st.integers(1, 10))
"""Owner, tens of MB, halves of a core, seconds that it may run, and tenths of them that it does."""


class Turns(RuleBasedStateMachine):
    """Users, operators, jobs and the clock act in any order; the scheduler looks after each event."""

    def __init__(self, count: Count) -> None:
        super().__init__()
        self.count = count
        self.now = EPOCH
        self.policy: Policy = FairShare()
        self.platform, self.quotas = WHOLE, dict.fromkeys(USERS, USER)
        self.asked_for = NOTHING
        self.waiting: dict[str, Waiting] = {}
        self.running: dict[str, Holding] = {}
        self.opened: dict[str, Holding] = {}
        self.final: dict[str, str] = {}
        self.lasts: dict[str, timedelta] = {}
        self.ends: dict[str, datetime] = {}
        self.attempts: dict[str, int] = {}
        self.jobs: dict[str, Waiting] = {}
        self.spent: dict[str, Spent] = {}
        self.promises: dict[str, datetime] = {}
        self.made = 0

    # What users do.

    @precondition(lambda self: len(self.waiting) < MOST_WAITING)
    @rule(asked=st.lists(ASKED, min_size=1, max_size=6))
    def submit(self, asked: list[tuple[str, int, int, int, int]]) -> None:
        for owner, tens, halves, limit, part in asked:
            self.count["submit"] += 1
            job = self._name("j")
            self.jobs[job] = self.waiting[job] = Waiting(
                job=job,
                owner=owner,
                memory_mb=tens * 10,
                cpu=halves / 2,
                time_limit=limit,
                queued_at=self.now,
            )
            self.lasts[job] = timedelta(seconds=max(1, limit * part // 10))  # an honest limit
            self.attempts[job] = 0
            self._look()

    @precondition(lambda self: self.waiting)
    @rule(pick=PICK)
    def cancel_waiting(self, pick: int) -> None:
        self.count["cancel"] += 1
        job = picked(list(self.waiting), pick)
        del self.waiting[job]
        self._end_as(job, "ABORTED")
        self._look()

    @precondition(lambda self: self.running)
    @rule(pick=PICK, how=st.sampled_from(["COMPLETED", "ERROR", "ABORTED"]))
    def end_early(self, pick: int, how: str) -> None:
        job = picked(list(self.running), pick)
        self._free(job)
        self._end_as(job, how)
        self._look()

    @precondition(lambda self: len(self.opened) < 3)
    @rule(owner=OWNER, tens=st.integers(1, 30))
    def open_interface(self, owner: str, tens: int) -> None:
        """Who sits before a page comes before what runs by itself, promised or not."""
        self.count["open"] += 1
        if self._shortage(owner, Kind.INTERFACE, tens * 10, 0.25, promised=NOTHING):
            return
        self.opened[self._name("s")] = Holding(
            owner=owner, kind=Kind.INTERFACE, memory_mb=tens * 10, cpu=0.25, since=self.now
        )
        self.promises.clear()
        self._look()

    @precondition(lambda self: self.opened)
    @rule(pick=PICK)
    def close_interface(self, pick: int) -> None:
        self.count["close"] += 1
        self._spend(self.opened.pop(picked(list(self.opened), pick)))
        self._look()

    # What operators do, and what happens to the platform.

    @rule(name=st.sampled_from(sorted(POLICIES)))
    def choose_policy(self, name: str) -> None:
        self.count["policy"] += 1
        self.policy = POLICIES[name]
        self._look()

    @rule(
        what=st.sampled_from(["limits", "clock", "reserve"]),
        owner=st.none() | OWNER,
        tenths=st.integers(3, 10),
    )
    def disturb(self, what: str, owner: str | None, tenths: int) -> None:
        """Do what may break a promise, since somebody wants it so."""
        self.count[what] += 1
        if what == "reserve":  # somebody waits for an interface, or gives it up
            self.asked_for = Usage(memory_mb=300 - tenths * 30, cpu=1 - tenths / 10)
        elif what == "clock":
            self.now -= timedelta(seconds=tenths**4)
        elif owner is None:  # also below what is held
            self.platform = _part(WHOLE, tenths)
        else:
            self.quotas[owner] = _part(USER, tenths)
        self.promises.clear()
        self._look()

    @precondition(lambda self: self.running)
    @rule(pick=PICK)
    def lose_attempt(self, pick: int) -> None:
        """The platform fails a job: it waits again, at most three times."""
        self.count["fail"] += 1
        job = picked(list(self.running), pick)
        self._free(job)
        if self.attempts[job] < MOST_ATTEMPTS:
            self.waiting[job] = replace(self.jobs[job], told=NOTHING_TOLD)
        else:
            self._end_as(job, "ERROR")
        self._look()

    @rule()
    def restart(self) -> None:
        """A service that starts anew reads its rows in any order, and chooses what the old one would have."""
        self.count["restart"] += 1
        before = self._rank()
        self.waiting = dict(reversed(self.waiting.items()))
        self.running = dict(reversed(self.running.items()))
        assert [(one.job, one.wait is None) for one in self._rank()] == [
            (one.job, one.wait is None) for one in before
        ]

    @rule(seconds=st.integers(1, 5000))
    def pass_time(self, seconds: int) -> None:
        """Let time pass; what has run for as long as it lasts ends then, and the scheduler looks."""
        self.count["time"] += 1
        self._until(self.now + timedelta(seconds=seconds))

    def teardown(self) -> None:
        """Nobody comes any more, and the limits are as they were: everybody gets what they asked for."""
        self.platform, self.quotas, self.asked_for = WHOLE, dict.fromkeys(USERS, USER), NOTHING
        self.opened.clear()
        self._look()
        patience = self.now + sum((job.limit for job in self.waiting.values()), timedelta())
        patience = max([patience, *self.ends.values()]) + (patience - self.now)
        while self.waiting:
            assert self.running, "those who wait have the platform to themselves, and nothing starts"
            self._until(min(self.ends.values()))
            assert self.now <= patience, "somebody waits for longer than all the others may run"
        self._until(max(self.ends.values(), default=self.now))
        self.no_job_is_lost()
        assert self.final.keys() == self.jobs.keys()

    # What holds after every event.

    @invariant()
    def no_job_is_lost(self) -> None:
        """Each is at one place, and what has ended stays as it ended."""
        places = [self.waiting.keys(), self.running.keys(), self.final.keys()]
        assert sum(map(len, places)) == len(self.jobs)
        assert set().union(*places) == self.jobs.keys()
        assert self.running.keys() == self.ends.keys()

    @invariant()
    def nobody_has_used_less_than_nothing(self) -> None:
        assert all(one.memory >= 0 and one.cpu >= 0 for one in self.spent.values())

    # How it goes on.

    def _look(self) -> None:
        """Make a pass of the scheduler, and hold it to what it may do."""
        ranking = self._rank()
        assert sorted(one.job for one in ranking) == sorted(self.waiting)
        for one in ranking:
            if one.wait is None:
                self._start(one.job)
            else:
                self._tell(one.job, one.wait.told)

    def _rank(self) -> Ranking:
        holdings = [*self.running.values(), *self.opened.values()]
        return self.policy.rank(
            list(self.waiting.values()),
            Snapshot(
                now=self.now,
                platform=self.platform,
                whole=WHOLE,
                quotas=self.quotas,
                holdings=holdings,
                promised=self.asked_for,
                spent=spent_by(self.spent, holdings, whole=WHOLE, now=self.now),
            ),
        )

    def _start(self, job: str) -> None:
        """Start a job as the engine does: the ledger has the last word, and it must agree."""
        self.count["start"] += 1
        asked = self.waiting.pop(job)
        assert job not in self.running
        short = self._shortage(asked.owner, Kind.JOB, asked.memory_mb, asked.cpu, promised=self.asked_for)
        assert short is None
        self.attempts[job] += 1
        self.running[job] = Holding(
            owner=asked.owner,
            kind=Kind.JOB,
            memory_mb=asked.memory_mb,
            cpu=asked.cpu,
            since=self.now,
            ends_at=self.now + asked.limit,
        )
        self.ends[job] = self.now + self.lasts[job]
        self._fits(asked.owner)
        promised = self.promises.pop(job, self.now)
        assert self.now <= promised, f"{job} starts after it was promised to"

    def _fits(self, owner: str) -> None:
        """Count both pools apart from how the platform counts them."""
        for held, quota in ((self._held(owner), self.quotas[owner]), (self._held(None), self.platform)):
            assert held[0] <= quota.memory_mb
            assert held[1] <= quota.cpu + ROUNDING

    def _held(self, owner: str | None) -> tuple[int, float]:
        everything = [*self.running.values(), *self.opened.values()]
        held = [one for one in everything if owner in {None, one.owner}]
        return sum(one.memory_mb for one in held), sum(one.cpu for one in held)

    def _shortage(self, owner: str, kind: Kind, memory_mb: int, cpu: float, *, promised: Usage) -> object:
        want = Want(kind=kind, memory_mb=memory_mb, cpu=cpu)
        own, everybody = (Usage(memory_mb=held[0], cpu=held[1]) for held in map(self._held, (owner, None)))
        return shortage(owner, want, self.quotas[owner], own) or shortage(
            PLATFORM, want, self.platform, everybody, promised=promised
        )

    def _tell(self, job: str, told: Told) -> None:
        self.waiting[job] = replace(self.waiting[job], told=told)
        if told.starts_by is not None and told.starts_by >= self.now:
            self.promises.setdefault(job, told.starts_by)

    def _until(self, end: datetime) -> None:
        while self.ends and (first := min(self.ends, key=lambda job: (self.ends[job], job))):
            if self.ends[first] > end:
                break
            self.now = max(self.now, self.ends[first])
            self._free(first)
            self._end_as(first, "COMPLETED")
            self._look()
        self.now = max(self.now, end)
        assert all(at >= self.now or job not in self.waiting for job, at in self.promises.items())

    def _free(self, job: str) -> None:
        del self.ends[job]
        self._spend(self.running.pop(job))

    def _spend(self, held: Holding) -> None:
        before = self.spent.get(held.owner, Spent(at=held.since))
        self.spent[held.owner] = before.plus(
            memory_mb=held.memory_mb, cpu=held.cpu, since=held.since, until=self.now
        )

    def _end_as(self, job: str, how: str) -> None:
        self.count["end"] += how != "ABORTED"
        assert job not in self.final
        self.final[job] = how
        self.promises.pop(job, None)

    def _name(self, letter: str) -> str:
        self.made += 1
        return f"{letter}{self.made:04d}"


def _part(quota: Quota, tenths: int) -> Quota:
    return replace(quota, memory_mb=quota.memory_mb * tenths // 10, cpu=quota.cpu * tenths / 10)
