"""What came of a job that was run again is compared with what had come of it before: with a job's results, or a product's files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from avi_kernel.protocol.runs import RESULTS_FOLDER
from gavip_hub.backends.comparing import NOT_COMPARED as TOO_LONG
from gavip_hub.backends.comparing import Comparer
from gavip_hub.clock import Clock
from gavip_hub.domain.repetition import Made, changes, is_product
from gavip_hub.exceptions import NotFound
from gavip_hub.services.moves import note_provenance
from gavip_hub.services.recipes import ReaderOf, made_of, recipe_of
from gavip_hub.storage import products, provenance, recipes
from gavip_hub.storage.blobs import Blobs
from gavip_hub.storage.database import Database
from gavip_hub.storage.jobs import owned
from gavip_hub.storage.schema import Job, Result
from gavip_hub.storage.userspace import AttemptFolders

REPRODUCED, DIFFERS, NOT_COMPARED = "reproduced", "differs", "not_compared"
UNKNOWN = "what one of the two ran with was not kept, or an input changed while it ran"
MOST_SECONDS = 600.0
"""Of one job, after which no further result is compared by value: others wait for their turn."""
GONE = "what this job repeats, or a result of it, is gone"


@dataclass(frozen=True, kw_only=True)
class _Side:
    """One of the two: its results by name, and what they come of."""

    digests: Mapping[str, str]
    open: Callable[[str], BinaryIO]
    made: Made | None
    whole: bool = True
    """Whether it holds all results that there were."""


class ComparisonMaker:
    """Makes the comparisons that are wanted; what is interrupted is made in the next look.

    Parameters
    ----------
    reader
        Tells who owners of jobs are to products.
    """

    def __init__(
        self,
        *,
        database: Database,
        folders: AttemptFolders,
        blobs: Blobs,
        comparer: Comparer,
        clock: Clock,
        reader: ReaderOf,
    ) -> None:
        self._database = database
        self._folders = folders
        self._blobs = blobs
        self._comparer = comparer
        self._clock = clock
        self._reader = reader

    def look(self) -> None:
        """Make them, one after the other."""
        with self._database.reading() as session:
            wanted = [(one.job, one.before) for one in provenance.comparisons_to_make(session)]
        for job, before in wanted:
            self._make(job, before)

    def _make(self, after: str, before: str) -> None:
        with self._database.reading() as session:
            job = session.get(Job, after)
            if job is None:
                return
            old, new = self._before(session, job, before), self._of_job(session, job)
        verdict, differing, alike, known = self._judged(old, new)
        with self._database.transaction() as session:
            row, job = provenance.comparison(session, after), session.get(Job, after)
            if row is None or job is None:
                return
            row.verdict, row.changes, row.made_at = verdict, list(known), self._clock.now()
            row.differences = {"differing": differing, "alike": alike}
            session.flush()
            note_provenance(session, job, at=row.made_at, verdict=verdict)

    def _before(self, session: Session, job: Job, before: str) -> _Side | None:
        """Return what a job repeats, if its owner may still see it."""
        if is_product(before):
            return self._of_product(session, job, before)
        found = owned(session, owner=job.owner, job=before)
        return self._of_job(session, found) if found else None

    def _of_job(self, session: Session, job: Job) -> _Side:
        results = {row.name: row for row in session.scalars(select(Result).where(Result.job == job.id))}
        digests = {name: row.sha256 for name, row in results.items()}
        owner = job.owner

        def open_result(name: str) -> BinaryIO:
            row = results[name]
            parts = [RESULTS_FOLDER, name]
            return self._folders.open(owner=owner, job=row.job, attempt=row.attempt, parts=parts)

        return _Side(digests=digests, open=open_result, made=made_of(session, job))

    def _of_product(self, session: Session, job: Job, product: str) -> _Side | None:
        reader = self._reader(job.owner, job.groups, self._clock.now())
        recipe = recipes.of(session, product)
        if recipe is None or products.readable(session, product, reader) is None:
            return None
        digests = products.contents(session, product)
        return _Side(
            digests=digests,
            open=lambda name: self._blobs.open(digests[name]),
            made=recipe_of(session, product),
            whole=recipe.whole,
        )

    def _judged(self, old: _Side | None, new: _Side) -> tuple[str, dict[str, str], list[str], Sequence[str]]:
        """Return the verdict, how results differ, which are the same but for their bytes, and what is not as it was."""
        if old is None:
            return NOT_COMPARED, {}, [], [GONE]
        try:
            differing, alike = self._compared(old, new)
        except NotFound:
            return NOT_COMPARED, {}, [], [GONE]
        known = changes(old.made, new.made) if old.made and new.made else [UNKNOWN]
        return DIFFERS if differing else REPRODUCED, differing, alike, known

    def _compared(self, old: _Side, new: _Side) -> tuple[dict[str, str], list[str]]:
        before, after = old.digests, new.digests
        found = dict.fromkeys(before.keys() - after.keys(), "only the first run made it")
        if old.whole:
            found |= dict.fromkeys(after.keys() - before.keys(), "only the second run made it")
        end = self._clock.monotonic() + MOST_SECONDS
        words = {
            name: self._difference(name, old, new) if self._clock.monotonic() < end else TOO_LONG
            for name in sorted(before.keys() & after.keys())
            if before[name] != after[name]
        }
        found |= {name: how for name, how in words.items() if how}
        return dict(sorted(found.items())), sorted(name for name, how in words.items() if not how)

    def _difference(self, name: str, old: _Side, new: _Side) -> str:
        with old.open(name) as one, new.open(name) as other:
            return self._comparer.difference(name, (one, other))
