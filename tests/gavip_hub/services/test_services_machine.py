"""Jobs and the ledger under random orders of everything that can happen: a model checked after every step.

`make acceptance` walks much farther: see `GAVIP_MACHINE_EXAMPLES`.
"""

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule
from sqlalchemy import func, select

from gavip_hub.domain.ending import End
from gavip_hub.domain.job import FINAL, LIVE, JobState
from gavip_hub.domain.ledger import OPEN
from gavip_hub.exceptions import GavipError
from gavip_hub.storage.migrate import upgrade
from gavip_hub.storage.schema import Attempt, Container, Event, Job, Spending
from gavip_hub.testing import exit_record
from tests.support.engine import Engine, prepared

EXAMPLES = int(os.environ.get("GAVIP_MACHINE_EXAMPLES", "15"))
PLATFORM_MB = 1000
USER_MB = 600
ENDS = {
    "well": exit_record(),
    "badly": exit_record(code=3),
    "memory": exit_record(code=137, reason="out_of_memory"),
    "lost": None,
    "stopped": exit_record(code=143, reason="stopped"),
}


class JobsAndLedger(RuleBasedStateMachine):
    """Users, the scheduler and the backend act in any order; a loop that is late, doubled or repeats itself included."""

    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="gavip-machine-"))
        url = f"sqlite:///{self.root / 'gavip.sqlite'}"
        upgrade(url)
        quota = {"memory_mb": USER_MB, "cpu": 4.0, "jobs": 50, "servers": 5}
        self.engine = Engine(
            database=prepared(url),
            root=self.root,
            settings={"platform_memory_mb": PLATFORM_MB, "quota": quota},
        )
        self.owners: dict[str, str] = {}
        self.ended: dict[str, JobState] = {}

    def teardown(self) -> None:
        self.engine.database.close()
        shutil.rmtree(self.root)

    @rule(
        target=jobs,
        owner=st.sampled_from(["ann", "bob"]),
        memory_mb=st.integers(32, USER_MB),
        start=st.booleans(),
    )
    def submit(self, owner, memory_mb, start):
        try:
            job = self.engine.submit(owner=owner, memory_mb=memory_mb, start=start).id
        except GavipError:
            return multiple()
        self.owners[job] = owner
        return job

    @rule(job=jobs, act=st.sampled_from(["start", "cancel", "delete"]))
    def ask(self, job, act):
        """Do what its owner may at any time; a refusal changes nothing."""
        method = getattr(self.engine.jobs, act)
        groups = {"groups": ()} if act == "start" else {}
        try:
            method(owner=self.owners[job], job=job, **groups)
        except GavipError:
            return

    @rule()
    def look(self):
        """Make a pass of the scheduler."""
        pending, there = self.engine.lifecycle.waiting()
        ranking = self.engine.policy.rank(pending, there)
        for job, wait in ranking:
            if wait is None:
                self.engine.lifecycle.claim_one(job)
        self.engine.lifecycle.explain({job: wait for job, wait in ranking if wait})

    @rule(job=jobs)
    def claim_out_of_turn(self, job):
        """Claim what a loop with an old ranking would."""
        self.engine.lifecycle.claim_one(job)

    @rule(job=jobs, attempt=st.integers(1, 3))
    def run(self, job, attempt):
        self.engine.lifecycle.run_one(job, attempt)

    @rule(job=jobs, attempt=st.integers(1, 3), how=st.sampled_from(sorted(ENDS)))
    def finish(self, job, attempt, how):
        """End an attempt, also one that is not there or has ended already."""
        self.engine.lifecycle.finish_one(job, attempt, End(exit=ENDS[how]))

    @rule(job=jobs, attempt=st.integers(1, 3))
    def stop_for_time(self, job, attempt):
        self.engine.lifecycle.begin_stop(job, attempt, "time_limit")

    @rule(job=jobs, attempt=st.integers(1, 3))
    def clear(self, job, attempt):
        self.engine.lifecycle.clear_one(job, attempt)

    @rule(job=jobs)
    def purge(self, job):
        """Remove a deleted job of which nothing is left, as the loop does."""
        if not self.engine.lifecycle.uncleared([job])[0]:
            self.engine.lifecycle.purge(job)

    @rule(seconds=st.sampled_from([1, 40, -3600, 90_000]))
    def clock(self, seconds):
        """Let time pass, or have somebody set the clock."""
        if seconds < 0:
            self.engine.clock.set_by(seconds)
        else:
            self.engine.clock.advance(seconds)

    @invariant()
    def no_pool_is_exceeded(self):
        held = func.coalesce(func.sum(Container.memory_mb), 0)
        with self.engine.database.reading() as session:
            rows = session.execute(
                select(Container.owner, held).where(Container.state.in_(OPEN)).group_by(Container.owner)
            ).all()
        assert all(memory <= USER_MB for _, memory in rows)
        assert sum(memory for _, memory in rows) <= PLATFORM_MB

    @invariant()
    def ledger_and_jobs_agree(self):
        """An open row is of the one live attempt of a job that is launching, runs or is being stopped."""
        with self.engine.database.reading() as session:
            alive = session.execute(
                select(Attempt.job, Attempt.container).where(Attempt.ended_at.is_(None))
            ).all()
            live = set(session.scalars(select(Job.id).where(Job.state.in_(LIVE))))
            rows = set(session.scalars(select(Container.id).where(Container.state.in_(OPEN))))
        assert sorted(job for job, _ in alive) == sorted(live)
        assert {container for _, container in alive} == rows

    @invariant()
    def no_job_is_lost_and_what_ended_stays_ended(self):
        with self.engine.database.reading() as session:
            states = dict(session.execute(select(Job.id, Job.state)).all())
        assert (
            self.owners.keys() - states.keys() <= self.ended.keys()
        )  # removed once it had ended, never before
        for job, state in states.items():
            assert self.ended.get(job, state) is state
            if state in FINAL:
                self.ended[job] = state

    @invariant()
    def events_are_numbered_without_a_gap(self):
        with self.engine.database.reading() as session:
            numbers = list(session.scalars(select(Event.id).order_by(Event.id)))
        assert numbers == sorted(set(numbers))

    @invariant()
    def nobody_has_used_less_than_nothing(self):
        with self.engine.database.reading() as session:
            assert all(row.memory >= 0 and row.cpu >= 0 for row in session.scalars(select(Spending)))


JobsAndLedger.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestJobsAndLedger = JobsAndLedger.TestCase
