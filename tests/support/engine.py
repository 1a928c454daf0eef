"""A whole job engine for tests: real database, real folders, a fake backend, a clock that tests move."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from avi_kernel.protocol.api import JobSubmit, JobView
from avi_kernel.protocol.manifest import Manifest, PipelineSpec, ReleaseSpec, Resources
from avi_kernel.protocol.parameters import ParameterSpec
from avi_kernel.protocol.releases import ReleaseView
from gavip_hub.backends.base import JobBackend
from gavip_hub.config import Gavip
from gavip_hub.domain.container import Kind
from gavip_hub.domain.ending import End
from gavip_hub.domain.job import JobState
from gavip_hub.domain.ledger import ContainerState
from gavip_hub.domain.policies import FairShare
from gavip_hub.domain.policy import Policy
from gavip_hub.scheduler.loop import SchedulerLoop
from gavip_hub.scheduler.outcomes import OutcomeReader
from gavip_hub.scheduler.reconciler import Reconciler
from gavip_hub.scheduler.remains import Remains
from gavip_hub.scheduler.specs import JobSpecs
from gavip_hub.services.attempts import AttemptService
from gavip_hub.services.board import Board
from gavip_hub.services.claims import LaunchOrder
from gavip_hub.services.clocks import ClockService
from gavip_hub.services.endings import Ending
from gavip_hub.services.events import EventService
from gavip_hub.services.jobs import JobService
from gavip_hub.services.lifecycle import JobLifecycle, Started
from gavip_hub.services.quotas import QuotaService
from gavip_hub.storage.database import Database
from gavip_hub.storage.jobs import Standing
from gavip_hub.storage.lasting import ASKED_AT
from gavip_hub.storage.schema import Avi, Container, Release
from gavip_hub.storage.userspace import AttemptFolders, UserSpaces
from gavip_hub.testing import EPOCH, FakeBackend, ManualClock, exit_record
from gavip_hub.threads import Threads

BOUND = 60.0
"""Seconds after which something that should happen has not."""

PIPELINES = [
    PipelineSpec(
        name="plot",
        kind="notebook",
        path="pipelines/plot.ipynb",
        title="Plot",
        parameters=[
            ParameterSpec(name="radius", type="number", default=2.0, minimum=0, maximum=10, unit="deg")
        ],
    ),
    PipelineSpec(name="big", kind="notebook", path="big.ipynb", resources=Resources(memory=300, cpu=1.0)),
    PipelineSpec(
        name="grows",
        kind="notebook",
        path="grows.ipynb",
        parameters=[ParameterSpec(name="n", type="integer", default=10)],
        resources=Resources(memory="100 + 10 * n"),
    ),
    PipelineSpec(name="step", kind="notebook", path="step.ipynb", hidden=True),
]
RELEASE = ReleaseView(
    avi="stars",
    version="1.0",
    commit="c0ffee",
    state="READY",
    visibility="public",
    created_at=EPOCH,
    spec=ReleaseSpec(manifest=Manifest(title="Stars"), pipelines=PIPELINES),
)


def prepared(url: str) -> Database:
    """Return a database, whose tables are there, with one release."""
    database = Database(url=url)
    with database.transaction() as session:
        session.add(Avi(name="stars", owner="dora", title="Stars", created_at=EPOCH))
        session.flush()
        values = RELEASE.model_dump(mode="json", exclude={"created_at", "submitter"})
        session.add(Release(id="r1", digest="d", submitter="dora", created_at=EPOCH, **values))
    return database


def place_for(owner: str, *, memory_mb: int, at: datetime) -> Container:
    """Return the reservation of somebody who waits for an interface before its page."""
    wanted = {"memory_mb": memory_mb, "cpu": 1.0, "groups": [], ASKED_AT: at.isoformat()}
    return Container(
        id="s1",
        owner=owner,
        kind=Kind.RESERVATION,
        ref="stars",
        state=ContainerState.RESERVED,
        cpu=0.0,
        memory_mb=0,
        backend_state=wanted,
        reason="",
        created_at=at,
    )


class OneByOne(JobLifecycle):
    """The loop's own acts, for one job at a time."""

    def claim_one(self, job: str) -> LaunchOrder | None:
        return next(iter(self.claim([job])), None)

    def standing(self, job: str) -> Standing | None:
        return self.standings([job])[0]

    def save_state(self, job: str, attempt: int, state: dict[str, Any]) -> bool:
        return self.save_backend_states([Started(job, attempt, state)])[0]

    def run_one(self, job: str, attempt: int = 1) -> None:
        self.mark_running([(job, attempt)])

    def finish_one(self, job: str, attempt: int, end: End) -> JobState | None:
        return self.finish([Ending(job, attempt, end)])[0]

    def clear_one(self, job: str, attempt: int = 1) -> None:
        self.mark_cleared([(job, attempt)])


@dataclass
class Engine:
    """Services, folders and loop over one database; `loop()` as often as the service restarts."""

    database: Database
    root: Path
    backend: JobBackend = field(default_factory=FakeBackend)
    policy: Policy = field(default_factory=FairShare)
    settings: dict[str, Any] = field(default_factory=dict)
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        limits = {"platform_memory_mb": 4096, "platform_cpu": 8.0, "job_memory_mb": 100}
        self.config = Gavip(data_root=str(self.root), **{**limits, **self.settings})
        self.quotas = QuotaService(database=self.database, config=self.config)
        common = {"database": self.database, "config": self.config, "clock": self.clock}
        self.board = Board(clock=self.clock)
        self.jobs = JobService(quotas=self.quotas, board=self.board, **common)
        self.attempts = AttemptService(**common)
        self.events = EventService(database=self.database)
        self.lifecycle = OneByOne(database=self.database, quotas=self.quotas, clock=self.clock)
        self.clocks = ClockService(database=self.database, clock=self.clock, boot="one")
        self.folders = AttemptFolders(root=self.root)
        self.user_spaces = UserSpaces(root=self.root)

    def submit(
        self, *, owner: str = "ann", groups: Sequence[str] = (), pipeline: str = "plot", **wishes: Any
    ) -> JobView:
        """Submit a job of the one release."""
        request = JobSubmit(avi="stars", pipeline=pipeline, **wishes)
        return self.jobs.submit(owner=owner, groups=groups, request=request, release=RELEASE)

    def state(self, job: str, *, owner: str = "ann") -> str:
        return self.jobs.get(owner=owner, job=job).state

    def token(self, name: str) -> str:
        """Return the token that a fake container was given."""
        return self.backend.engine.containers[name].spec.env["GAVIP_TOKEN"]

    def write_outcome(
        self, job: str, attempt: int = 1, *, results: dict[str, bytes] | None = None, **changes: Any
    ) -> None:
        """Write what a runner would: its results and its outcome, into the attempt's folder."""
        folder = self.root / "attempts" / f"gavip-{job}-{attempt}"
        entries = []
        for name, content in (results or {}).items():
            (folder / "results" / name).write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            entries.append({"name": name, "size": len(content), "sha256": digest, "media_type": "text/plain"})
        outcome = {
            "status": "completed",
            "results": entries,
            "started_at": EPOCH.isoformat(),
            "ended_at": EPOCH.isoformat(),
            **changes,
        }
        (folder / "outcome.json").write_text(json.dumps(outcome))

    def complete(self, job: str, attempt: int = 1, *, results: dict[str, bytes] | None = None) -> None:
        """Let a running fake job end well."""
        self.write_outcome(job, attempt, results=results or {"out.txt": b"stars"})
        self.backend.engine.end(f"gavip-{job}-{attempt}", exit_record())

    def specs(self) -> JobSpecs:
        return JobSpecs(
            config=self.config,
            user_spaces=self.user_spaces,
            folders=self.folders,
            checkout=lambda avi, commit: self.root / "checkouts" / avi / commit,
            image=lambda _avi, _version: "avi-python",
            environment=lambda _avi, _version: None,
        )

    def reconciler(self, backend: JobBackend, *, threads: Threads, files: Threads) -> Reconciler:
        return Reconciler(
            lifecycle=self.lifecycle,
            backend=backend,
            specs=self.specs(),
            remains=Remains(
                folders=self.folders, outcomes=OutcomeReader(folders=self.folders, most_bytes=10_000_000)
            ),
            clock=self.clock,
            database_threads=threads,
            file_threads=files,
            silence=timedelta(seconds=self.config.silence),
        )

    @asynccontextmanager
    async def loop(self, backend: JobBackend | None = None, **options: Any) -> AsyncIterator[SchedulerLoop]:
        """Run the scheduler loop, as a service does from its start to its end."""
        used = backend or self.backend
        threads, files = Threads(size=4), Threads(size=2)
        reconciler = self.reconciler(used, threads=threads, files=files)
        loop = SchedulerLoop(
            database=self.database,
            lifecycle=self.lifecycle,
            reconciler=reconciler,
            backend=used,
            policy=lambda: self.policy,
            clock=self.clock,
            threads=threads,
            first=self.clocks.look,
            ranked=self.board.post,
            **options,
        )
        running = asyncio.create_task(loop.run())
        try:
            yield loop
        finally:
            running.cancel()
            await asyncio.wait([running])
            threads.close()
            files.close()

    async def until(self, condition: Callable[[], object]) -> None:
        """Let time pass, a little at a time, until a condition holds; fail when it never does."""
        async with asyncio.timeout(BOUND):
            while not condition():
                self.clock.advance(0.25)
                # Real threads do the work: this gives them the processor, and no time is relied upon.
                await asyncio.sleep(0.002)

    async def until_state(self, job: str, *states: str, owner: str = "ann") -> str:
        """Wait until a job is in one of these states; return it."""
        await self.until(lambda: self.state(job, owner=owner) in states)
        return self.state(job, owner=owner)
