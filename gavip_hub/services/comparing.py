"""What came of a job that was run again is compared with what had come of it before."""

from collections.abc import Mapping, Sequence
from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from avi_kernel.protocol.runs import RESULTS_FOLDER
from gavip_hub.clock import Clock
from gavip_hub.domain.repetition import changes
from gavip_hub.exceptions import NotFound
from gavip_hub.services.keeping import made_of
from gavip_hub.storage import provenance
from gavip_hub.storage.comparing import Comparer
from gavip_hub.storage.database import Database
from gavip_hub.storage.jobs import owned
from gavip_hub.storage.provenance_schema import Comparison
from gavip_hub.storage.schema import Job, Result
from gavip_hub.storage.userspace import AttemptFolders

REPRODUCED, DIFFERS, NOT_COMPARED = "reproduced", "differs", "not_compared"
UNKNOWN = "what one of the two ran with was not kept, or an input changed while it ran"
GONE = "the job that this one repeats, or a result of it, is gone"


class ComparisonMaker:
    """Makes the comparisons that are wanted; what is interrupted is made in the next look."""

    def __init__(
        self, *, database: Database, folders: AttemptFolders, comparer: Comparer, clock: Clock
    ) -> None:
        self._database = database
        self._folders = folders
        self._comparer = comparer
        self._clock = clock

    def look(self) -> None:
        """Make them, one after the other."""
        with self._database.reading() as session:
            wanted = [(one.job, one.before) for one in provenance.comparisons_to_make(session)]
        for job, before in wanted:
            self._make(job, before)

    def _make(self, after: str, before: str) -> None:
        with self._database.reading() as session:
            new = session.get(Job, after)
            old = owned(session, owner=new.owner, job=before) if new else None
            if new is None:
                return
            known = _changes(session, old, new) if old else [GONE]
            old_results, new_results = (_results(session, job) for job in (before, after))
        try:
            differing, alike = self._compared(new.owner, old_results, new_results) if old else ({}, [])
            verdict = (DIFFERS if differing else REPRODUCED) if old else NOT_COMPARED
        except NotFound:
            differing, alike, verdict, known = {}, [], NOT_COMPARED, [GONE]
        with self._database.transaction() as session:
            row = provenance.comparison(session, after)
            if row is not None:
                _fill(row, verdict, differing, alike, known)
                row.made_at = self._clock.now()

    def _compared(
        self, owner: str, before: Mapping[str, Result], after: Mapping[str, Result]
    ) -> tuple[dict[str, str], list[str]]:
        """Return how results differ, and which are the same but for their bytes."""
        found = dict.fromkeys(before.keys() - after.keys(), "only the first run made it")
        found |= dict.fromkeys(after.keys() - before.keys(), "only the second run made it")
        words = {
            name: self._difference(owner, before[name], after[name])
            for name in sorted(before.keys() & after.keys())
            if before[name].sha256 != after[name].sha256
        }
        found |= {name: how for name, how in words.items() if how}
        return dict(sorted(found.items())), sorted(name for name, how in words.items() if not how)

    def _difference(self, owner: str, before: Result, after: Result) -> str:
        with self._open(owner, before) as one, self._open(owner, after) as other:
            return self._comparer.difference(before.name, (one, other))

    def _open(self, owner: str, result: Result) -> BinaryIO:
        parts = [RESULTS_FOLDER, result.name]
        return self._folders.open(owner=owner, job=result.job, attempt=result.attempt, parts=parts)


def _results(session: Session, job: str) -> dict[str, Result]:
    found = session.scalars(select(Result).where(Result.job == job))
    return {row.name: row for row in found}


def _changes(session: Session, before: Job, after: Job) -> Sequence[str]:
    one, other = made_of(session, before), made_of(session, after)
    return changes(one, other) if one and other else [UNKNOWN]


def _fill(
    row: Comparison, verdict: str, differing: dict[str, str], alike: list[str], known: Sequence[str]
) -> None:
    row.verdict = verdict
    row.differences = {"differing": differing, "alike": alike}
    row.changes = list(known)
