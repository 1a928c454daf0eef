"""Checks of releases: a job of the submitter's tries all of it, and leaves a scorecard."""

import logging

from pydantic import ValidationError

from avi_kernel.protocol.called import Called, joined
from avi_kernel.protocol.checks import SCORECARD_FILE, CheckView
from avi_kernel.protocol.runs import RESULTS_FOLDER
from avi_kernel.protocol.scorecard import LARGEST_REPORT, Mark, Scorecard, unjudged
from gavip_hub.clock import Clock
from gavip_hub.config import Gavip
from gavip_hub.domain.badges import badges
from gavip_hub.domain.job import FINAL, JobState
from gavip_hub.exceptions import Forbidden, GavipError
from gavip_hub.services.catalogue import open_release
from gavip_hub.services.jobs import JobService
from gavip_hub.services.orders import check_order
from gavip_hub.services.quotas import QuotaService
from gavip_hub.services.surroundings import archive_of
from gavip_hub.storage import checks, members
from gavip_hub.storage.database import Database
from gavip_hub.storage.schema import Check, Job, Release
from gavip_hub.storage.userspace import AttemptFolders

NO_RECORD = "Not judged: there is no whole record of what its box called. Have it checked once more."

log = logging.getLogger(__name__)


class CheckService:
    """Has releases checked, and shows what was found; all it knows is in the database."""

    def __init__(
        self,
        *,
        database: Database,
        jobs: JobService,
        folders: AttemptFolders,
        quotas: QuotaService,
        config: Gavip,
        clock: Clock,
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._folders = folders
        self._quotas = quotas
        self._config = config
        self._clock = clock

    def view(self, *, viewer: str, avi: str, version: str) -> CheckView:
        """Return the check of a release that is open to somebody; what is to be changed is for its authors."""
        with self._database.reading() as session:
            release, project = open_release(session, viewer=viewer, avi=avi, version=version)
            return check_view(
                checks.of_release(session, release.id), writes=members.may_write(session, project, viewer)
            )

    def ask(self, *, author: str, avi: str, version: str) -> CheckView:
        """Have a release checked, once more where it was.

        Raises
        ------
        Forbidden
            Who asks is none of its authors.
        """
        with self._database.transaction() as session:
            release, project = open_release(session, viewer=author, avi=avi, version=version)
            if not members.may_write(session, project, author):
                raise Forbidden(f"{avi} is {project.owner}'s: who may write it has it checked.")
            check = checks.of_release(session, release.id)
            if check is None or check.scorecard is not None:  # one that goes on is not begun anew
                checks.want(session, release.id)
            session.flush()
            return _view(checks.of_release(session, release.id))

    def look(self) -> None:
        """Take each check that has found nothing yet as far as it comes now."""
        with self._database.reading() as session:
            waiting = list(checks.open_ones(session))
        for check, release in waiting:
            try:
                self._look_at(check, release)
            except GavipError as error:
                log.warning("%s %s is not checked yet: %s", release.avi, release.version, error)
            except Exception:  # one release's trouble must not be the others'
                log.exception("%s %s is not checked yet", release.avi, release.version)

    def _look_at(self, check: Check, release: Release) -> None:
        if check.job is None:
            order = check_order(release, self._config, most_mb=self._quotas.most_memory([]))
            job = self._jobs.submit_own(owner=release.submitter, order=order)
            with self._database.transaction() as session:
                if (found := checks.of_release(session, release.id)) is not None:
                    found.job = job.id
            return
        with self._database.reading() as session:
            ended = session.get(Job, check.job)
        if ended is None or ended.deleted_at is not None or ended.state in FINAL:
            self._keep(release, self._found(ended, release))

    def _found(self, job: Job | None, release: Release) -> Scorecard:
        """Return the scorecard that a job left, or one that says why there is none."""
        if job is not None and job.state is JobState.COMPLETED and job.deleted_at is None:
            text = self._folders.read(
                owner=job.owner,
                job=job.id,
                attempt=job.attempt,
                parts=[RESULTS_FOLDER, SCORECARD_FILE],
                limit=LARGEST_REPORT,
            )
            try:
                card = Scorecard.model_validate_json(text or b"")
                card = card.model_copy(update={"checked_at": job.ended_at or self._clock.now()})
                return self._with_calls(card, release)
            except ValidationError:
                return self._none("Its check left no scorecard that could be read.")
        if job is None or job.deleted_at is not None:
            return self._none("Its check was deleted.")
        return self._none(
            f"Its check did not end well: {(job.error or {}).get('message') or 'it was cancelled'}"
        )

    def _with_calls(self, card: Scorecard, release: Release) -> Scorecard:
        """Put what the box's own record tells in place of what was told inside, where an AVI's code may lie."""
        with self._database.reading() as session:
            check = checks.of_release(session, release.id)
        if check is None or check.called is None:
            return card.with_mark(Mark(key="hosts", state="skipped", sentence=NO_RECORD))
        called = [Called.model_validate(one) for one in check.called]
        own = release.spec.get("manifest", {}).get("hosts", [])
        return card.with_calls(joined(called, card.hosts, [*own, archive_of(self._config)]))

    def _none(self, reason: str) -> Scorecard:
        return Scorecard(marks=unjudged([], reason=reason), checked_at=self._clock.now())

    def _keep(self, release: Release, card: Scorecard) -> None:
        with self._database.transaction() as session:
            if (found := checks.of_release(session, release.id)) is not None:
                found.scorecard = card.model_dump(mode="json")
                found.badges = [badge.model_dump(mode="json") for badge in badges(card)]


def check_view(check: Check | None, *, writes: bool) -> CheckView:
    """Return a check as people see it.

    Parameters
    ----------
    writes
        Who sees it may write its AVI.
    """
    view = _view(check)
    return view if writes else _for_others(view)


def _view(check: Check | None) -> CheckView:
    if check is None:
        return CheckView(wanted=False)
    card = Scorecard.model_validate(check.scorecard) if check.scorecard else None
    return CheckView(wanted=True, job=check.job, scorecard=card)


def _for_others(view: CheckView) -> CheckView:
    """Leave out what is for authors: where they may look, and what lines of their code stand there."""
    if view.scorecard is None:
        return view.model_copy(update={"job": None})
    marks = [mark.model_copy(update={"change": "", "details": []}) for mark in view.scorecard.marks]
    return view.model_copy(
        update={"job": None, "scorecard": view.scorecard.model_copy(update={"marks": marks})}
    )
