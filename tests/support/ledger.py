"""Jobs, servers and the ledger, with real services and a real database, under everything that can happen."""

import shutil
import tempfile
from itertools import pairwise
from pathlib import Path
from random import Random
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from sqlalchemy import func, select

from gavip_hub.domain.container import Kind
from gavip_hub.domain.ending import End
from gavip_hub.domain.job import FINAL, LIVE, MOST_ATTEMPTS, JobState
from gavip_hub.domain.ledger import OPEN
from gavip_hub.exceptions import GavipError
from gavip_hub.services.past import PastRuns
from gavip_hub.services.releases import ReleaseService
from gavip_hub.services.reservations import ReservationService
from gavip_hub.services.servers import ServerService
from gavip_hub.services.wishes import Wish
from gavip_hub.storage import events, ids
from gavip_hub.storage.database import Database
from gavip_hub.storage.disk import DiskSpace
from gavip_hub.storage.migrate import upgrade
from gavip_hub.storage.repositories import Repositories
from gavip_hub.storage.schema import Attempt, Container, Event, Job, Spending
from gavip_hub.testing import ManualClock, exit_record
from tests.support.engine import RELEASE, Engine, prepared
from tests.support.environments import environments_of
from tests.support.turns import POLICIES
from tests.support.walks import Count

PLATFORM_MB = 1000
USER_MB = 600
OWNER = st.sampled_from(["ann", "bob"])
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
    servers = Bundle("servers")

    def __init__(self, count: Count) -> None:
        super().__init__()
        self.count = count
        # Chance would order jobs of the same moment otherwise, and a walk could not be repeated.
        self.chance = patch.object(ids.secrets, "randbits", Random(0).getrandbits)
        self.chance.start()
        self.root = Path(tempfile.mkdtemp(prefix="gavip-machine-"))
        self.url = f"sqlite:///{self.root / 'gavip.sqlite'}"
        self.limits = {"platform_memory_mb": PLATFORM_MB, "user_mb": USER_MB}
        upgrade(self.url)
        self._begin(prepared(self.url), ManualClock())
        self.owners: dict[str, str] = {}
        self.ended: dict[str, JobState] = {}
        self.events: dict[int, str] = {}
        self.newest = 0

    def _begin(self, database: Database, clock: ManualClock) -> None:
        """Start a service; it holds nothing that is not in the database."""
        quota = {"memory_mb": self.limits["user_mb"], "cpu": 4.0, "jobs": 50, "servers": 5}
        limits = {"platform_memory_mb": self.limits["platform_memory_mb"], "quota": quota}
        self.engine = Engine(
            database=database,
            root=self.root,
            clock=clock,
            settings={"notebook_memory_mb": 150, **limits},
        )
        common = {"database": database, "config": self.engine.config, "clock": clock}
        releases = ReleaseService(repositories=Repositories(root=self.root), **common)
        quotas = self.engine.quotas
        disk = DiskSpace(root=self.root, reserve_mb=0)
        self.desk = ServerService(
            disk=disk,
            quotas=quotas,
            releases=releases,
            environments=environments_of(database, self.root),
            spaces=self.engine.user_spaces,
            **common,
        )
        past = PastRuns(database=database, clock=clock)
        self.reservations = ReservationService(
            database=database, quotas=quotas, servers=self.desk, past_runs=past, clock=clock
        )

    def teardown(self) -> None:
        self.chance.stop()
        self.engine.database.close()
        shutil.rmtree(self.root)

    @initialize(
        target=jobs,
        asked=st.lists(st.tuples(OWNER, st.integers(32, USER_MB)), min_size=3, max_size=6),
    )
    def arrive(self, asked):
        """Begin with a queue, so that there is something to choose from."""
        made = [
            self.submit(owner=owner, memory_mb=memory_mb, start=True, again=True)
            for owner, memory_mb in asked
        ]
        return multiple(*(job for job in made if isinstance(job, str)))

    @rule(
        target=jobs,
        owner=OWNER,
        memory_mb=st.integers(32, USER_MB),
        start=st.booleans(),
        again=st.booleans(),
    )
    def submit(self, owner, memory_mb, start, again):
        self.count["submit"] += 1
        wishes = {"memory_mb": memory_mb, "start": start, "again_with_more_memory": again}
        try:
            job = self.engine.submit(owner=owner, **wishes).id
        except GavipError:
            return multiple()
        self.owners[job] = owner
        return job

    @rule(job=jobs, act=st.sampled_from(["start", "cancel", "delete"]))
    def ask(self, job, act):
        """Do what its owner may at any time; a refusal changes nothing."""
        self.count[act] += 1
        method = getattr(self.engine.jobs, act)
        groups = {"groups": ()} if act == "start" else {}
        try:
            method(owner=self.owners[job], job=job, **groups)
        except GavipError:
            return

    @rule()
    def look(self):
        """Make a pass of the scheduler."""
        self.count["look"] += 1
        pending, there = self.engine.lifecycle.waiting()
        ranking = self.engine.policy.rank(pending, there)
        for job, wait in ranking:
            if wait is None:
                self._claim(job)
        self.engine.lifecycle.explain({job: wait for job, wait in ranking if wait})

    @rule(job=jobs)
    def claim_out_of_turn(self, job):
        """Claim what a loop with an old ranking would."""
        self.count["claim"] += 1
        self._claim(job)

    def _claim(self, job):
        order = self.engine.lifecycle.claim_one(job)
        if order is not None:
            self.count["start"] += 1
            self._has_room(order.owner)

    def _has_room(self, owner):
        """Count what is held right after something was started, apart from how the services count."""
        held = self._held()
        assert held.get(owner, 0) <= self.limits["user_mb"]
        assert sum(held.values()) <= self.limits["platform_memory_mb"]

    def _held(self):
        memory = func.coalesce(func.sum(Container.memory_mb), 0)
        with self.engine.database.reading() as session:
            rows = session.execute(
                select(Container.owner, memory).where(Container.state.in_(OPEN)).group_by(Container.owner)
            )
            return dict(rows.all())

    @rule(job=jobs, attempt=st.integers(1, 3))
    def run(self, job, attempt):
        self.count["run"] += 1
        self.engine.lifecycle.run_one(job, attempt)

    @rule(job=jobs, attempt=st.integers(1, 3), how=st.sampled_from(sorted(ENDS)))
    def finish(self, job, attempt, how):
        """End an attempt, also one that is not there or has ended already."""
        self.count["finish"] += 1
        self.engine.lifecycle.finish_one(job, attempt, End(exit=ENDS[how]))

    @rule()
    def run_out(self):
        """Have the oldest job that is alive killed for lack of memory, and nothing left of it."""
        self.count["run out"] += 1
        for alive in self.engine.lifecycle.live()[:1]:
            state = self.engine.lifecycle.finish_one(alive.job, alive.attempt, End(exit=ENDS["memory"]))
            self.engine.lifecycle.clear_one(alive.job, alive.attempt)
            self.count["more memory"] += state is JobState.QUEUED

    @rule(job=jobs, attempt=st.integers(1, 3))
    def stop_for_time(self, job, attempt):
        self.count["stop"] += 1
        self.engine.lifecycle.begin_stop(job, attempt, "time_limit")

    @rule(job=jobs, attempt=st.integers(1, 3))
    def clear(self, job, attempt):
        self.count["clear"] += 1
        self.engine.lifecycle.clear_one(job, attempt)

    @rule()
    def purge(self):
        """Try to remove every job of which nothing is left, as the loop does: those that were deleted go."""
        self.count["purge"] += 1
        before = self._jobs()
        for job, left in zip(before, self.engine.lifecycle.uncleared(before), strict=True):
            if not left:
                self.engine.lifecycle.purge(job)
        self.count["purged"] += len(before) - len(self._jobs())

    def _jobs(self):
        with self.engine.database.reading() as session:
            return list(session.scalars(select(Job.id).order_by(Job.id)))

    @rule(target=servers, owner=OWNER)
    def open_server(self, owner):
        """Admit a notebook server, as the Hub's hook does."""
        self.count["open"] += 1
        try:
            admitted = self.desk.admit(owner=owner, groups=[], server_name="", user_options={})
        except GavipError:
            return multiple()
        self.count["opened"] += 1
        self._has_room(owner)
        return admitted.ledger_id

    @rule(server=consumes(servers))
    def close_server(self, server):
        self.count["close"] += 1
        self.desk.close(server)

    @rule(owner=OWNER, memory_mb=st.integers(50, USER_MB))
    def reserve(self, owner, memory_mb):
        """Wait for an interface before its page."""
        self.count["reserve"] += 1
        wish = Wish(
            owner=owner,
            groups=[],
            kind=Kind.INTERFACE,
            ref="stars",
            memory_mb=memory_mb,
            cpu=0.25,
            release=RELEASE,
        )
        try:
            self.reservations.wait_if_full(wish)
        except GavipError:
            return

    @rule()
    def tend(self):
        """Hold room for those who wait longest."""
        self.count["tend"] += 1
        before = self._held()
        self.reservations.tend()
        for owner, held in self._held().items():
            if held > before.get(owner, 0):
                self._has_room(owner)

    @rule(name=st.sampled_from(sorted(POLICIES)))
    def choose_policy(self, name):
        self.count["policy"] += 1
        self.engine.policy = POLICIES[name]

    @rule(limit=st.sampled_from(["platform_memory_mb", "user_mb"]), part=st.integers(3, 10))
    def restart(self, limit, part):
        """Start the service anew, with another limit in its settings: lower than what is held, or higher again."""
        self.count["restart"] += 1
        whole = {"platform_memory_mb": PLATFORM_MB, "user_mb": USER_MB}[limit]
        self.limits[limit] = whole * part // 10
        self.engine.database.close()
        self._begin(Database(url=self.url), self.engine.clock)

    @rule(seconds=st.sampled_from([1, 40, -3600, 90_000]))
    def clock(self, seconds):
        """Let time pass, or have somebody set the clock."""
        self.count["clock"] += 1
        if seconds < 0:
            self.engine.clock.set_by(seconds)
        else:
            self.engine.clock.advance(seconds)

    @invariant()
    def no_pool_is_exceeded(self):
        held = self._held()
        assert all(memory <= USER_MB for memory in held.values())
        assert sum(held.values()) <= PLATFORM_MB

    @invariant()
    def ledger_and_jobs_agree(self):
        """An open row is of the one live attempt of a job that is launching, runs or is being stopped."""
        with self.engine.database.reading() as session:
            alive = session.execute(
                select(Attempt.job, Attempt.container).where(Attempt.ended_at.is_(None))
            ).all()
            live = set(session.scalars(select(Job.id).where(Job.state.in_(LIVE))))
            of_jobs = Container.state.in_(OPEN), Container.kind == Kind.JOB
            rows = set(session.scalars(select(Container.id).where(*of_jobs)))
        assert sorted(job for job, _ in alive) == sorted(live)
        assert {container for _, container in alive} == rows

    @invariant()
    def attempts_are_few_and_get_what_the_ledger_counts(self):
        """Who agreed to more memory gets more each time that it ran out; nobody else gets another amount."""
        with self.engine.database.reading() as session:
            given = select(Attempt, Container.memory_mb, Job).join(Container).join(Job, Job.id == Attempt.job)
            rows = session.execute(given.order_by(Attempt.job, Attempt.number)).all()
        for attempt, counted, job in rows:
            assert attempt.memory_mb == counted <= job.memory_mb
            assert attempt.number <= job.attempt <= MOST_ATTEMPTS
        for (one, _, job), (after, _, same) in pairwise(rows):
            if job is same:
                ran_out = one.exit_reason == "out_of_memory"
                assert (after.memory_mb > one.memory_mb) is ran_out
                assert job.again_with_more_memory or not ran_out

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
        """New ones follow the newest that was there; old ones go only with the job that they tell of."""
        with self.engine.database.reading() as session:
            there = dict(session.execute(select(Event.id, Event.subject)).all())
            latest = events.latest(session)
            jobs = set(session.scalars(select(Job.id)))
        assert sorted(there.keys() - self.events.keys()) == list(range(self.newest + 1, latest + 1))
        gone = {self.events[number] for number in self.events.keys() - there.keys()}
        assert gone <= self.owners.keys() - jobs
        self.events, self.newest = there, latest

    @invariant()
    def nobody_has_used_less_than_nothing(self):
        with self.engine.database.reading() as session:
            assert all(row.memory >= 0 and row.cpu >= 0 for row in session.scalars(select(Spending)))
