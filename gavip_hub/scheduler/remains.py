"""What attempts leave behind: a folder that a stranger filled, and in it what is to be kept of their jobs."""

import logging
from typing import Any

from avi_kernel.protocol.runs import Outcome
from gavip_hub.domain.job import CHECK
from gavip_hub.exceptions import DiskFull, GavipError, is_full_disk
from gavip_hub.scheduler.outcomes import OutcomeReader
from gavip_hub.storage.jobs import Standing
from gavip_hub.storage.userspace import AttemptFolders

STORE_TRIES = 5
"""Troubles with an attempt's files after which its job ends without them; they are stored by a later sweep."""

log = logging.getLogger(__name__)


class Remains:
    """Takes the folders of attempts whose containers are gone; all of it blocks.

    It remembers for each attempt what was found too much, and how often something went wrong, until it is forgotten.
    """

    def __init__(self, *, folders: AttemptFolders, outcomes: OutcomeReader) -> None:
        self._folders = folders
        self._outcomes = outcomes
        self._troubles: dict[str, int] = {}
        self._too_much: dict[str, str] = {}

    def take(self, standing: Standing) -> tuple[Outcome | None, str]:
        """Give the attempt's folder its final place, and return its outcome, and what is wrong with either, in words."""
        # Kept, should reading it be tried again: a folder that has moved tells no more what was too much.
        too_much = self._too_much.get(standing.name, "") or self._store(standing)
        self._too_much[standing.name] = too_much
        outcome, defect = self._read(standing)
        return outcome, too_much or defect

    def forget(self, attempt: str) -> None:
        """Keep nothing in mind of an attempt whose end is noted."""
        self._too_much.pop(attempt, None)
        self._troubles.pop(attempt, None)

    def unstored(self) -> list[str]:
        """Return the names of the attempts whose folders have not found their final place."""
        return self._folders.unfinished()

    def store_the_rest(self, standing: Standing) -> None:
        """Store folders whose job ended without them; what fails now is tried again at the next sweep."""
        for number in range(1, standing.attempt + 1):
            try:
                self._folders.finished(owner=standing.owner, job=standing.job, attempt=number)
            except (GavipError, OSError) as error:
                log.warning("Attempt %s of %s still cannot be stored: %s", number, standing.job, error)

    def remove(self, standing: Standing) -> None:
        """Remove the folders of all attempts of a job."""
        self._folders.remove(owner=standing.owner, job=standing.job, attempts=standing.attempt)

    def _store(self, standing: Standing) -> str:
        """Give the attempt's folder its final place; return what in it was too much, in words."""
        try:
            return self._folders.finished(**_path(standing))
        except Exception as error:
            if self._is_worth_a_try(standing, error):
                raise
            log.exception("The folder of %s could not be stored; it is tried again later", standing.name)
            return ""

    def _read(self, standing: Standing) -> tuple[Outcome | None, str]:
        """Return the attempt's outcome, or why there is none that can be used."""
        try:
            # The code that a check tries would gain by a better outcome, can write the file, and end its runner
            # then; what it has not is the token with which the runner reports.
            is_told_alone = standing.pipeline == CHECK
            return self._outcomes.read(
                **_path(standing), reported=standing.outcome, with_file=not is_told_alone
            )
        except Exception as error:
            if self._is_worth_a_try(standing, error):
                raise
            log.exception("The outcome of %s cannot be read", standing.name)
            return None, "the platform could not read it."

    def _is_worth_a_try(self, standing: Standing, error: Exception) -> bool:
        """Count a trouble with an attempt's files; tell whether to wait and try again.

        A stranger filled that folder: whatever is wrong with it must not keep the job for ever.

        Raises
        ------
        DiskFull
            That is nobody's fault and passes: it is waited for however long it takes.
        """
        if is_full_disk(error):
            raise DiskFull from error
        troubles = self._troubles[standing.name] = self._troubles.get(standing.name, 0) + 1
        return troubles < STORE_TRIES


def _path(standing: Standing) -> dict[str, Any]:
    return {"owner": standing.owner, "job": standing.job, "attempt": standing.attempt}
