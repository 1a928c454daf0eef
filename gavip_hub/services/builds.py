"""Fetches the packages of new releases: a job of the submitter's finds them, the platform installs what it left."""

import logging

from pydantic import ValidationError

from avi_kernel.protocol.environments import LARGEST_LOCK, LOCK_FILE, Lock
from avi_kernel.protocol.runs import RESULTS_FOLDER
from gavip_hub.config import Gavip
from gavip_hub.domain.job import FINAL, JobState
from gavip_hub.exceptions import BadManifest, GavipError, NoRoom, NotFound, QueueFull, SpaceFull
from gavip_hub.services.jobs import JobService
from gavip_hub.services.orders import build_order
from gavip_hub.storage import builds
from gavip_hub.storage.builds import FAILED, READY
from gavip_hub.storage.database import Database
from gavip_hub.storage.disk import DiskSpace
from gavip_hub.storage.environments import Environments, Wheels
from gavip_hub.storage.schema import Job, Release
from gavip_hub.storage.userspace import AttemptFolders

log = logging.getLogger(__name__)


class BuildService:
    """Takes releases from BUILDING to READY or FAILED; all it knows is in the database, so it may end at any moment."""

    def __init__(
        self,
        *,
        database: Database,
        jobs: JobService,
        folders: AttemptFolders,
        wheels: Wheels,
        environments: Environments,
        config: Gavip,
        disk: DiskSpace,
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._folders = folders
        self._wheels = wheels
        self._environments = environments
        self._config = config
        self._disk = disk

    def look(self) -> None:
        """Take each release that waits for its packages as far as it comes now."""
        with self._database.reading() as session:
            waiting = list(builds.building(session))
        for release in waiting:
            try:
                self._look_at(release)
            except (BadManifest, NotFound, ValidationError) as error:
                self._end(release, FAILED, reason=_words(error))
            except GavipError as error:
                log.warning("%s %s is not built yet: %s", release.avi, release.version, error)
            except Exception:  # one release's trouble must not be the others'
                log.exception("%s %s is not built yet", release.avi, release.version)

    def _look_at(self, release: Release) -> None:
        with self._database.reading() as session:
            job = session.get(Job, release.build) if release.build else None
        if release.build is None:
            self._begin(release)
        elif job is None or job.deleted_at is not None:
            raise NotFound("Its build was deleted before it ended.")
        elif job.state is JobState.COMPLETED:
            self._take(release, job)
        elif job.state in FINAL:
            raise BadManifest((job.error or {}).get("message") or "Its build was cancelled.")

    def _begin(self, release: Release) -> None:
        self._disk.require_room()
        order = build_order(release, self._config)
        try:
            job = self._jobs.submit_own(owner=release.submitter, order=order)
        except (NoRoom, QueueFull, SpaceFull) as error:
            self._tell(release, f"Its build waits: {error}")
            return
        with self._database.transaction() as session:
            found = builds.locked(session, release.id)
            if found is not None:
                found.build, found.reason = job.id, ""

    def _tell(self, release: Release, reason: str) -> None:
        if release.reason != reason:
            with self._database.transaction() as session:
                if (found := builds.locked(session, release.id)) is not None:
                    found.reason = reason

    def _take(self, release: Release, job: Job) -> None:
        """Install what a build left, of which nothing is believed but the content of its files."""
        text = self._folders.read(
            owner=job.owner,
            job=job.id,
            attempt=job.attempt,
            parts=[RESULTS_FOLDER, LOCK_FILE],
            limit=LARGEST_LOCK,
        )
        lock = Lock.model_validate_json(text or b"")
        self._disk.require_room()
        for wheel in lock.wheels:
            parts = [RESULTS_FOLDER, wheel.result]
            with self._folders.open(owner=job.owner, job=job.id, attempt=job.attempt, parts=parts) as file:
                self._wheels.add(wheel, file)
        if lock.wheels:
            self._environments.installed(lock)
        self._end(release, READY, lock=lock)

    def _end(self, release: Release, state: str, *, reason: str = "", lock: Lock | None = None) -> None:
        with self._database.transaction() as session:
            found = builds.locked(session, release.id)
            if found is None:
                return
            if lock is not None and lock.wheels:
                builds.keep(session, lock)
                found.environment = lock.digest
            found.state, found.reason = state, reason
        log.info("%s %s is %s", release.avi, release.version, f"{state}: {reason}" if reason else state)


def _words(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "Its build left no list of packages that could be read."
    return str(error)
