"""Where a job's results are from: one view of it, of which the page, PROV and the crate are made."""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy.orm import Session

from avi_kernel.protocol.provenance import ComparisonView, InputView, ProvenanceView
from gavip_hub.clock import Clock
from gavip_hub.domain.job import JobState
from gavip_hub.exceptions import NotFound
from gavip_hub.services.chain import Chain
from gavip_hub.services.recipes import ReaderOf, repeated
from gavip_hub.storage import jobs, provenance
from gavip_hub.storage.database import Database
from gavip_hub.storage.provenance_schema import Comparison, Input
from gavip_hub.storage.schema import Job

UNSUCCESSFUL = (JobState.ERROR, JobState.ABORTED, JobState.STOPPING)


class ProvenanceService:
    """Answers where jobs and their results are from.

    Parameters
    ----------
    reader
        Tells who owners of jobs are to products.
    portal
        Path of the portal, for the addresses of pages.
    """

    def __init__(
        self, *, database: Database, clock: Clock, reader: ReaderOf, portal: str = "/services/gavip"
    ) -> None:
        self._database = database
        self._clock = clock
        self._reader = reader
        self._portal = portal

    def of_job(self, *, owner: str, job: str, avi: str | None = None) -> ProvenanceView:
        """Return the chain of a job of the owner.

        Raises
        ------
        NotFound
            There is no such job of theirs.
        """
        with self._database.reading() as session:
            found = owned(session, owner=owner, job=job, avi=avi)
            return self._view(session, found)

    def inputs(self, *, owner: str, job: str, avi: str | None = None) -> list[InputView]:
        """Return the files that a job reads."""
        with self._database.reading() as session:
            found = owned(session, owner=owner, job=job, avi=avi)
            return [input_view(row) for row in provenance.inputs(session, found.id)]

    def comparison(self, *, owner: str, job: str, avi: str | None = None) -> ComparisonView:
        """Return how a job that was run again compares with what it repeats.

        Raises
        ------
        NotFound
            There is no such job of theirs, or it repeats none.
        """
        with self._database.reading() as session:
            found = owned(session, owner=owner, job=job, avi=avi)
            row = provenance.comparison(session, found.id)
            is_to_come = row is None and self._is_to_come(session, found)
        if is_to_come:
            return ComparisonView(job=job, before=found.again_of or "", verdict="waiting")
        if row is None:
            raise NotFound(
                f"Job {job} is compared with no other: only what repeats a job that completed is, once it has completed."
            )
        return comparison_view(row)

    def _is_to_come(self, session: Session, job: Job) -> bool:
        """Tell whether a job will be compared once it has completed, and all is kept that is to be kept of it."""
        facts = provenance.facts(session, job.id)
        is_over = facts is None or facts.closed_at is not None or job.state in UNSUCCESSFUL
        if is_over:
            return False
        return repeated(session, job, self._reader(job.owner, job.groups, self._clock.now())) is not None

    def snapshot(self, session: Session, job: str) -> dict[str, Any] | None:
        """Return the chain of a job as it is kept with a product; None where there is no such job."""
        found = session.get(Job, job)
        return self._view(session, found).model_dump(mode="json") if found else None

    def _view(self, session: Session, job: Job) -> ProvenanceView:
        reader = self._reader(job.owner, job.groups, self._clock.now())
        chain = Chain(session=session, portal=self._portal, reader=reader)
        chain.add(job)
        return ProvenanceView(
            of=job.id,
            made_at=self._clock.now(),
            nodes=list(chain.nodes.values()),
            edges=chain.edges,
            notes=chain.notes,
        )


def owned(session: Session, *, owner: str, job: str, avi: str | None) -> Job:
    """Return a job of somebody.

    Raises
    ------
    NotFound
        There is no such job of theirs.
    """
    found = jobs.owned(session, owner=owner, job=job, avi=avi)
    if found is None:
        raise NotFound(f"there is no job {job[:40]!r} of yours")
    return found


def input_view(row: Input) -> InputView:
    """Return an input as its owner sees it."""
    return InputView(
        parameter=row.parameter,
        path=row.path,
        size=row.size,
        sha256=row.sha256,
        product=row.product,
        state=cast(Any, row.state),
    )


def comparison_view(row: Comparison) -> ComparisonView:
    """Return a comparison as its owner sees it."""
    return ComparisonView(
        job=row.job,
        before=row.before,
        verdict=cast(Any, row.verdict if row.made_at else "waiting"),
        differences=row.differences.get("differing", {}),
        alike=row.differences.get("alike", []),
        changes=_listed(row.changes),
        made_at=row.made_at,
    )


def _listed(words: Sequence[str]) -> list[str]:
    return list(words)
