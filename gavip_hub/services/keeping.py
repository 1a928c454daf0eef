"""Keeps what results come of: what a job started with, what its inputs held, and what its code asked of archives."""

import json
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import distributions
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from avi_kernel.protocol.runs import MOST_QUERIES, OUTCOME_FILE, QueryNote
from gavip_hub.clock import Clock
from gavip_hub.config import Gavip
from gavip_hub.domain.job import FINAL, JobState
from gavip_hub.domain.repetition import Made, key_of
from gavip_hub.services.inputs import CHANGED, GONE, HASHED, SAME, WAITING, InputFiles
from gavip_hub.services.moves import STATE
from gavip_hub.storage import attempts, events, jobs, provenance
from gavip_hub.storage.database import Database
from gavip_hub.storage.provenance import Open
from gavip_hub.storage.provenance_schema import Comparison, Facts
from gavip_hub.storage.schema import Job
from gavip_hub.storage.userspace import AttemptFolders

PROCESSES = "process"
"""The backend whose boxes have the packages of the platform's own machine."""
MOST_NAMES = 20_000
"""Jobs that are asked for by name; where more changed, all are looked at."""
LARGEST_OUTCOME = 4 * 1024 * 1024
_QUERIES = TypeAdapter(list[QueryNote])


class ProvenanceKeeper:
    """Looks again and again at jobs that run or have ended; whatever is interrupted is done in the next look.

    Parameters
    ----------
    image_of
        Gives the name of the image of a release.
    digest_of
        Gives the digest of an image; empty where the platform runs none.
    """

    def __init__(
        self,
        *,
        database: Database,
        inputs: InputFiles,
        folders: AttemptFolders,
        config: Gavip,
        clock: Clock,
        image_of: Callable[[str, str], str],
        digest_of: Callable[[str], str],
    ) -> None:
        self._database = database
        self._inputs = inputs
        self._folders = folders
        self._config = config
        self._clock = clock
        self._image_of = image_of
        self._digest_of = digest_of
        self._after: int | None = None
        self._left: set[str] = set()

    def note(self) -> None:
        """Keep of jobs that started what cannot be found out later; quick."""
        for one in self._opened():
            if one.is_noted:
                continue
            image = self._image_of(one.avi, one.version)
            digest = self._digest_of(image)
            with self._database.transaction() as session:
                if facts := provenance.facts(session, one.job):
                    self._note(facts, one, image=image, digest=digest)

    def look(self) -> None:
        """Hash inputs of jobs that run, and close what is kept of those that ended; takes as long as the files are large."""
        for one in self._opened():
            if not one.is_noted:
                continue
            self._hash(one)
            if one.state in FINAL:
                self._close(one)

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

    def _note(self, facts: Facts, one: Open, *, image: str, digest: str) -> None:
        now = self._clock.now()
        facts.noted_at = now
        if one.attempt == 0:  # cancelled while it waited: it comes of nothing, and nothing came of it
            facts.closed_at = now
            return
        facts.image, facts.image_digest = image, digest
        facts.platform = own_packages() if self._config.backend == PROCESSES else ""
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
                facts.queries, facts.closed_at = queries, self._clock.now()
                facts.key = self._key(session, job)
                _want_comparison(session, job)

    def _key(self, session: Session, job: Job) -> str | None:
        made = made_of(session, job)
        return key_of(made) if made and job.state is JobState.COMPLETED else None

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


def made_of(session: Session, job: Job) -> Made | None:
    """Return what a job's results depend on; None where that was not kept, or an input changed while it ran."""
    facts = provenance.facts(session, job.id)
    inputs = provenance.inputs(session, job.id)
    if facts is None or facts.noted_at is None or any(row.state != SAME for row in inputs):
        return None
    return Made(
        avi=job.avi,
        version=job.version,
        commit=job.commit,
        pipeline=job.pipeline,
        parameters=job.parameters,
        inputs={row.parameter: row.sha256 or "" for row in inputs},
        archive_url=facts.archive_url,
        archive_release=facts.archive_release,
        image_digest=facts.image_digest,
        platform=facts.platform,
        environment=facts.environment or "",
    )


def _want_comparison(session: Session, job: Job) -> None:
    """Have a job that was run again compared with what it repeats, where both have results."""
    before = jobs.owned(session, owner=job.owner, job=job.again_of or "", avi=job.avi)
    if before is None or job.state is not JobState.COMPLETED or before.state is not JobState.COMPLETED:
        return
    if before.pipeline == job.pipeline and provenance.comparison(session, job.id) is None:
        session.add(Comparison(job=job.id, before=before.id, verdict="", differences={}, changes=[]))


@lru_cache
def own_packages() -> str:
    """Return a digest of this machine's own packages, in which jobs run where there are no images."""
    names = sorted(f"{each.name}=={each.version}" for each in distributions())
    return f"sha256:{sha256(chr(10).join(names).encode()).hexdigest()}"
