"""What people do with their jobs: submit, start, look, cancel, delete."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy.orm import Session

from avi_kernel.protocol.api import EventView, JobList, JobSubmit, JobView, Phase, UsageView, WaitView
from avi_kernel.protocol.releases import ReleaseView
from gavip_hub.clock import Clock
from gavip_hub.config import Gavip
from gavip_hub.domain.ending import CANCELLED
from gavip_hub.domain.job import BUILD, FINAL, OWN, JobState, Target, phase_of
from gavip_hub.domain.products import Reader
from gavip_hub.exceptions import BadParameter, BadRequest, Conflict, NoRoom, NotFound, QueueFull
from gavip_hub.logs import REQUEST
from gavip_hub.services.board import Board
from gavip_hub.services.inputs import InputFiles, Named
from gavip_hub.services.moves import move, note_state
from gavip_hub.services.orders import JobOrder, order_for, pipeline_of
from gavip_hub.services.products_alone import require_jobs
from gavip_hub.services.proposals import MemoryProposals
from gavip_hub.services.quotas import QuotaService
from gavip_hub.services.recipes import ReaderOf, repeatable
from gavip_hub.services.standings import require_usable
from gavip_hub.services.views import event_view, job_row, job_view, usage_view
from gavip_hub.services.waits import NO_WAIT, wait_view
from gavip_hub.storage import attempts, catalogue, events, jobs, provenance
from gavip_hub.storage.database import Database, lock_pools
from gavip_hub.storage.ids import new_id
from gavip_hub.storage.schema import Job
from gavip_hub.storage.userfiles import UserFiles

log = logging.getLogger(__name__)
Waits = TypeVar("Waits", JobView, WaitView)
LONGEST_PAGE = 200
MOST_EVENTS = 500


class JobService:
    """A person's jobs; each method is one transaction.

    Parameters
    ----------
    portal
        Path of the portal, for the address of a job's page.
    board
        Where this process's scheduler, if it has one, shows the queue.
    held
        Returns why nothing may start now, whoever's turn it is, or nothing.
    proposals
        Propose memory; default: apart from all others.
    inputs
        Find the files that jobs read; default: those of users' own spaces.
    reader
        Tells who somebody is to products; default: who they were told to be.
    """

    def __init__(
        self,
        *,
        database: Database,
        quotas: QuotaService,
        config: Gavip,
        clock: Clock,
        portal: str = "/services/gavip",
        board: Board | None = None,
        held: Callable[[], str] = str,
        proposals: MemoryProposals | None = None,
        inputs: InputFiles | None = None,
        reader: ReaderOf = Reader,
    ) -> None:
        self._database = database
        self._board = board or Board(clock=clock)
        self._quotas = quotas
        self._config = config
        self._proposals = proposals or MemoryProposals(
            database=database, quotas=quotas, config=config, clock=clock
        )
        self._inputs = inputs or InputFiles(files=UserFiles(root=config.root))
        self._clock = clock
        self._portal = portal
        self._held = held
        self._reader = reader

    def submit(
        self, *, owner: str, groups: Sequence[str], request: JobSubmit, release: ReleaseView
    ) -> JobView:
        """Create a job of a release that the caller may run, and start it unless asked not to.

        Raises
        ------
        gavip_hub.exceptions.BadParameter
            The pipeline or one of its parameters is not acceptable, or a file that it names is not there.
        gavip_hub.exceptions.TooLarge
            It could not start even if nothing else ran.
        gavip_hub.exceptions.NoRoom
            Its owner has as many jobs as the quota allows.
        gavip_hub.exceptions.SpaceFull
            Its owner's files take more than the quota allows.
        gavip_hub.exceptions.QueueFull
            The whole platform has.
        gavip_hub.exceptions.Withdrawn
            Nobody runs jobs of that release any more.
        gavip_hub.exceptions.Forbidden
            Its AVI answers from products alone.
        """
        order = order_for(
            request, release, quotas=self._quotas, proposals=self._proposals, owner=owner, groups=groups
        )
        named = self._inputs.named(owner, pipeline_of(release, order.pipeline), order.parameters)
        return self._submit(owner=owner, groups=groups, request=request, order=order, inputs=named)

    def submit_own(self, *, owner: str, order: JobOrder) -> JobView:
        """Create a job that the platform itself runs for somebody, and start it; see `submit` for what is refused."""
        request = JobSubmit(avi=order.avi, pipeline=order.pipeline)
        return self._submit(owner=owner, groups=[], request=request, order=order)

    def _submit(
        self,
        *,
        owner: str,
        groups: Sequence[str],
        request: JobSubmit,
        order: JobOrder,
        inputs: Sequence[Named] = (),
    ) -> JobView:
        with self._database.transaction() as session:
            if order.pipeline != BUILD:  # what makes it usable comes before
                require_usable(session, avi=order.avi, version=order.version, viewer=owner)
            if order.pipeline not in OWN:
                require_jobs(session, avi=order.avi, viewer=owner)
            self._lock(session, owner)
            if request.again_of:
                self._require_repeatable(session, owner, groups, request.again_of, order.avi)
            self._require_queue(session)
            self._require_place(session, owner, groups)
            self._quotas.require_space(session, owner=owner, groups=groups)
            job = self._create(session, owner=owner, groups=groups, order=order, request=request)
            if order.pipeline not in OWN:
                catalogue.note_use(session, user=owner, avi=order.avi, at=job.created_at)
                provenance.add(session, job, [one.row(job.id) for one in inputs])
            if request.start:
                self._start(session, job, groups)
            log.info("%s submitted %s: %s of %s", owner, job.id, job.pipeline, job.avi)
            return job_view(session, job, portal=self._portal)

    def start(self, *, owner: str, groups: Sequence[str], job: str, avi: str | None = None) -> JobView:
        """Put a job that was created but not started into the queue."""
        with self._database.transaction() as session:
            self._lock(session, owner)
            self._require_queue(session)
            found = self._owned(session, owner, job, avi, lock=True)
            require_usable(session, avi=found.avi, version=found.version, viewer=owner)
            self._start(session, found, groups)
            return job_view(session, found, portal=self._portal)

    def get(self, *, owner: str, job: str, avi: str | None = None) -> JobView:
        """Return a job of the owner; with `avi`, only if it is that AVI's."""
        with self._database.reading() as session:
            view = job_view(session, self._owned(session, owner, job, avi), portal=self._portal)
        return self._as_queued(view) if view.state == JobState.QUEUED else view

    def wait(self, *, owner: str, job: str, avi: str | None = None) -> WaitView:
        """Tell why a job waits, when it will probably start, and what would start it sooner.

        Raises
        ------
        gavip_hub.exceptions.Conflict
            It does not wait.
        """
        with self._database.reading() as session:
            found = self._owned(session, owner, job, avi)
            seen = self._board.wait_of(job)
            view = wait_view(session, found, self._quotas, seen=seen, at=self._clock.now(), avi=avi)
        return self._as_held(view)

    def usage(self, *, owner: str, job: str, avi: str | None = None) -> UsageView:
        """Tell what a job's newest attempt used over time.

        Raises
        ------
        gavip_hub.exceptions.NotFound
            There is no such job of theirs, or it never ran.
        """
        with self._database.reading() as session:
            found = self._owned(session, owner, job, avi)
            starts = attempts.of_job(session, job)
            if not starts:
                raise NotFound("the job has not run yet: there is nothing that it used")
            return usage_view(found, starts[-1])

    def page(
        self,
        *,
        owner: str,
        before: str | None = None,
        limit: int = 50,
        avi: str | None = None,
        phase: Phase | None = None,
    ) -> JobList:
        """Return the owner's jobs, newest first, one page at a time."""
        if not 1 <= limit <= LONGEST_PAGE:
            raise BadRequest(f"limit must be from 1 to {LONGEST_PAGE}; got {limit}", field="limit")
        states = None if phase is None else [state for state in JobState if phase_of(state) is phase]
        with self._database.reading() as session:
            found = jobs.page(session, owner=owner, before=before, limit=limit + 1, avi=avi, states=states)
            counts = jobs.result_counts(session, [job.id for job in found])
        more = found[limit - 1].id if len(found) > limit else None
        rows = [job_row(job, portal=self._portal, count=counts.get(job.id, 0)) for job in found[:limit]]
        items = [self._as_queued(row) if row.state == JobState.QUEUED else row for row in rows]
        return JobList(items=items, next=more)

    def events(self, *, owner: str, job: str, after: int = 0, avi: str | None = None) -> list[EventView]:
        """Return what happened to a job after an event, oldest first: so many that there may be more."""
        with self._database.reading() as session:
            self._owned(session, owner, job, avi)
            found = events.of_subject(session, owner=owner, subject=job, after=after, limit=MOST_EVENTS)
            return [event_view(row) for row in found]

    def cancel(self, *, owner: str, job: str, avi: str | None = None) -> JobView:
        """End a job: at once where it waits, as soon as its container is gone where it runs.

        Raises
        ------
        gavip_hub.exceptions.Conflict
            It has ended already.
        """
        with self._database.transaction() as session:
            found = self._owned(session, owner, job, avi, lock=True)
            self._cancel(session, found)
            return job_view(session, found, portal=self._portal)

    def delete(self, *, owner: str, job: str, avi: str | None = None) -> None:
        """Hide a job at once and have it removed with its results; one that runs is cancelled first."""
        now = self._clock.now()
        with self._database.transaction() as session:
            found = self._owned(session, owner, job, avi, lock=True)
            found.deleted_at = now
            session.flush()
            if found.state in FINAL or found.state is JobState.STOPPING:
                note_state(session, found, at=now)
            else:
                self._cancel(session, found)

    def _as_queued(self, view: JobView) -> JobView:
        """Say why it waits also where the scheduler has not come to note it: in a long queue that takes minutes."""
        seen = None if view.reason else self._board.wait_of(view.id)
        told = {"reason": seen.words, "starts_by": seen.starts_by} if seen else {}
        return self._as_held(view.model_copy(update=told))

    def _as_held(self, view: Waits) -> Waits:
        """Say what keeps everybody waiting, if anything does; not kept with each job, on a disk that is full."""
        held = self._held()
        return view.model_copy(update={"reason": f"waits: {held}", "starts_by": None}) if held else view

    def _lock(self, session: Session, owner: str) -> None:
        """Hold the owner's pool, before anything else is held, so that counting jobs and adding one are one act."""
        lock_pools(session, f"user:{owner}")

    def _require_place(self, session: Session, owner: str, groups: Sequence[str]) -> None:
        """Refuse one job more than the quota; one that is not started yet counts, or nothing would bound those."""
        allowed = self._quotas.of(groups).jobs
        held = jobs.count_held(session, owner=owner)
        if allowed is not None and held >= allowed:
            raise NoRoom(
                f"you have {held} jobs that have not ended, and your quota allows {allowed}: "
                "wait for one to end, or cancel one"
            )

    def _require_repeatable(
        self, session: Session, owner: str, groups: Sequence[str], again_of: str, avi: str
    ) -> None:
        """Refuse to repeat what somebody may not see: an interface sees jobs of its own AVI alone."""
        reader = self._reader(owner, groups, self._clock.now())
        if not repeatable(session, reader, again_of, avi=avi):
            raise BadParameter(
                f"{again_of[:40]!r} is no job of yours of {avi}, and no product of it that is open to you",
                field="again_of",
            )

    def _require_queue(self, session: Session) -> None:
        """Refuse what a scheduler that is far behind would only see much later."""
        most = self._config.queue_limit
        if jobs.are_waiting(session, most):
            raise QueueFull(
                f"{most} jobs wait on the platform, and it takes no more now: "
                f"try again in {QueueFull.retry_after} seconds"
            )

    def _create(
        self, session: Session, *, owner: str, groups: Sequence[str], order: JobOrder, request: JobSubmit
    ) -> Job:
        now = self._clock.now()
        job = Job(
            id=new_id("j", now=now),
            owner=owner,
            groups=list(groups),
            again_of=request.again_of,
            # Whose size past runs told chose none: where that was too little, it is the platform's to choose again.
            again_with_more_memory=request.again_with_more_memory or order.memory_source == "past_runs",
            state=JobState.PENDING,
            target=Target.RUN,
            created_at=now,
            attempt=0,
            request=REQUEST.get(),
            **order.columns(),
        )
        session.add(job)
        session.flush()
        note_state(session, job, at=now)
        return job

    def _start(self, session: Session, job: Job, groups: Sequence[str]) -> None:
        # The table has ways back to QUEUED from a running job: they are the platform's, not a person's.
        if job.state is not JobState.PENDING:
            raise Conflict(f"the job is {phase_of(job.state)}: only a PENDING job can be started")
        now = self._clock.now()
        move(session, job, JobState.QUEUED, at=now, queued_at=now, groups=list(groups))

    def _cancel(self, session: Session, job: Job) -> None:
        now = self._clock.now()
        asked = {"target": Target.ABORT, "stop_code": CANCELLED, "reason": "", **NO_WAIT}
        if job.state in (JobState.PENDING, JobState.QUEUED):
            move(session, job, JobState.ABORTED, at=now, ended_at=now, **asked)
        else:
            move(session, job, JobState.STOPPING, at=now, **asked)

    def _owned(self, session: Session, owner: str, job: str, avi: str | None, *, lock: bool = False) -> Job:
        found = jobs.owned(session, owner=owner, job=job, avi=avi, lock=lock)
        if found is None:
            raise NotFound(f"there is no job {job[:40]!r} of yours")
        return found
