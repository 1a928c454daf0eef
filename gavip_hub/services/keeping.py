"""Keeps what results come of: what a job started with, what its inputs held, and what its code asked of archives."""

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from avi_kernel.protocol.runs import MOST_QUERIES, OUTCOME_FILE, QueryNote
from gavip_hub import __version__
from gavip_hub.clock import Clock
from gavip_hub.config import Gavip
from gavip_hub.domain.job import FINAL, JobState
from gavip_hub.domain.products import Reader
from gavip_hub.services.inputs import CHANGED, GONE, HASHED, SAME, WAITING, InputFiles
from gavip_hub.services.moves import STATE, note_provenance
from gavip_hub.services.recipes import ReaderOf, Snapshot, keep_recipe, key_for, no_snapshot, repeated
from gavip_hub.services.surroundings import RunsIn, Surroundings
from gavip_hub.storage import attempts, events, jobs, products, provenance, recipes
from gavip_hub.storage.database import Database
from gavip_hub.storage.provenance import Open
from gavip_hub.storage.provenance_schema import Comparison, Facts
from gavip_hub.storage.schema import Job
from gavip_hub.storage.userspace import AttemptFolders

MOST_NAMES = 20_000
"""Jobs that are asked for by name; where more changed, all are looked at."""
LARGEST_OUTCOME = 4 * 1024 * 1024
_QUERIES = TypeAdapter(list[QueryNote])


class ProvenanceKeeper:
    """Looks again and again at jobs that run or have ended; whatever is interrupted is done in the next look.

    Parameters
    ----------
    surroundings
        Tells what a job runs in.
    reader
        Tells who owners of jobs are to products.
    snapshot
        Tells the chain of a job, for the products that are made of it.
    """

    def __init__(
        self,
        *,
        database: Database,
        inputs: InputFiles,
        folders: AttemptFolders,
        config: Gavip,
        clock: Clock,
        surroundings: Surroundings,
        reader: ReaderOf,
        snapshot: Snapshot = no_snapshot,
    ) -> None:
        self._database = database
        self._inputs = inputs
        self._folders = folders
        self._config = config
        self._clock = clock
        self._surroundings = surroundings
        self._reader = reader
        self._snapshot = snapshot
        self._after: int | None = None
        self._is_caught_up = False
        self._left: set[str] = set()

    def note(self) -> None:
        """Keep of jobs that started what cannot be found out later; quick."""
        for one in self._opened():
            if one.is_noted:
                continue
            found = self._surroundings.of(one.avi, one.version)
            with self._database.transaction() as session:
                if facts := provenance.facts(session, one.job):
                    self._note(facts, one, found)

    def look(self) -> None:
        """Hash inputs of jobs that run, and close what is kept of those that ended; takes as long as the files are large."""
        self._catch_up()
        for one in self._opened():
            if not one.is_noted:
                continue
            self._hash(one)
            if one.state in FINAL:
                self._close(one)

    def _catch_up(self) -> None:
        """Keep what products ran with that were made before the platform kept that; once after each start."""
        if self._is_caught_up:
            return
        with self._database.reading() as session:
            waiting = [product.id for product in recipes.waiting(session)]
        for name in waiting:  # one by one: there may be thousands, and others write meanwhile
            with self._database.transaction() as session:
                if product := products.one(session, name):
                    keep_recipe(session, product, self._snapshot)
        self._is_caught_up = True

    def _opened(self) -> list[Open]:
        """Return jobs of which something is to be kept: all at first, then those to which something happened, or still does."""
        with self._database.reading() as session:
            until = events.latest(session)
            names = None
            if self._after is not None:
                names = self._left | set(events.subjects_since(session, after=self._after, kinds=(STATE,)))
            if names is not None and len(names) > MOST_NAMES:
                names = None
            found = provenance.opened(session, names) if names is None or names else []
        self._after, self._left = until, {one.job for one in found}
        return found

    def _note(self, facts: Facts, one: Open, found: RunsIn) -> None:
        now = self._clock.now()
        facts.noted_at = now
        if one.attempt == 0:  # cancelled while it waited: it comes of nothing, and nothing came of it
            facts.closed_at = now
            return
        facts.image, facts.image_digest, facts.platform = found.image, found.digest, found.platform
        facts.gavip = __version__
        facts.archive_url = self._config.archive_url
        facts.archive_name = self._config.archive_name
        facts.archive_release = self._config.archive_release

    def _hash(self, one: Open) -> None:
        with self._database.reading() as session:
            waiting = [
                (row.parameter, row.path)
                for row in provenance.inputs(session, one.job)
                if row.state == WAITING
            ]
        for parameter, path in waiting:
            found = self._inputs.content(one.owner, path, since=one.started_at)
            kept = {"size": found.size, "stamp": found.stamp, "sha256": found.sha256, "state": found.state}
            self._keep_input(one.job, parameter, kept)

    def _keep_input(self, job: str, parameter: str, values: dict[str, Any]) -> None:
        with self._database.transaction() as session:
            row = next((row for row in provenance.inputs(session, job) if row.parameter == parameter), None)
            for name, value in values.items() if row else ():
                setattr(row, name, value)

    def _close(self, one: Open) -> None:
        with self._database.reading() as session:
            hashed = [
                (row.parameter, row.path, row.stamp)
                for row in provenance.inputs(session, one.job)
                if row.state == HASHED
            ]
        for parameter, path, stamp in hashed:
            now = self._inputs.stamp(one.owner, path)
            self._keep_input(
                one.job, parameter, {"state": SAME if now == stamp else CHANGED if now else GONE}
            )
        queries = self._queries(one)
        with self._database.transaction() as session:
            facts, job = provenance.facts(session, one.job), jobs.locked(session, one.job)
            if facts and job:
                self._finish(session, facts, job, queries)

    def _finish(self, session: Session, facts: Facts, job: Job, queries: list[dict[str, Any]]) -> None:
        now = self._clock.now()
        facts.queries, facts.closed_at = queries, now
        facts.key = key_for(session, job)
        session.flush()
        for product in recipes.waiting(session, job=job.id):
            keep_recipe(session, product, self._snapshot)
        _want_comparison(session, job, self._reader(job.owner, job.groups, now))
        if queries or job.again_of or provenance.inputs(session, job.id):
            session.flush()
            note_provenance(session, job, at=now)

    def _queries(self, one: Open) -> list[dict[str, Any]]:
        """Return what the job's code said that it asked: over the API, or else in its folder."""
        with self._database.reading() as session:
            starts = attempts.of_job(session, one.job)
            reported = starts[-1].outcome if starts else None
        told = reported if reported is not None else self._left_outcome(one)
        try:
            found = _QUERIES.validate_python((told or {}).get("queries", []))
        except (ValidationError, AttributeError):
            return []
        return [query.model_dump(mode="json") for query in found[:MOST_QUERIES]]

    def _left_outcome(self, one: Open) -> dict[str, Any]:
        content = self._folders.read(
            owner=one.owner,
            job=one.job,
            attempt=one.attempt,
            parts=[OUTCOME_FILE],
            limit=LARGEST_OUTCOME,
        )
        try:
            found = json.loads(content) if content else {}
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


def _want_comparison(session: Session, job: Job, reader: Reader) -> None:
    """Have a job that was run again compared with what it repeats, where both have results."""
    if job.state is not JobState.COMPLETED or provenance.comparison(session, job.id) is not None:
        return
    before = repeated(session, job, reader)
    if before is not None:
        session.add(Comparison(job=job.id, before=before, verdict="", differences={}, changes=[]))
