"""Read what a job wrote about its own end: a stranger's file, believed only as far as it can be checked."""

import hashlib
import os
from itertools import accumulate
from typing import Any

from pydantic import ValidationError

from avi_kernel.protocol.runs import OUTCOME_FILE, RESULTS_FOLDER, Outcome, ResultEntry
from gavip_hub.exceptions import NotFound
from gavip_hub.storage.userspace import AttemptFolders

LARGEST_OUTCOME = 4 * 1024 * 1024
"""Bytes."""
PIECE = 1024 * 1024
SHOWN = 200


class BadOutcome(Exception):
    """What the job wrote cannot be used; the message says why."""


class OutcomeReader:
    """Reads and verifies the outcome of an attempt whose container is gone.

    Parameters
    ----------
    folders
        Opens files beneath an attempt's folder and follows no links.
    most_bytes
        What all results together may hold.
    """

    def __init__(self, *, folders: AttemptFolders, most_bytes: int) -> None:
        self._folders = folders
        self._most_bytes = most_bytes

    def read(
        self, *, owner: str, job: str, attempt: int, reported: dict[str, Any] | None, with_file: bool = True
    ) -> tuple[Outcome | None, str]:
        """Return the outcome with its results verified, or None and why not; None and nothing where there is none.

        Parameters
        ----------
        reported
            What came over the API; used where no file was written, as when the disk was full.
        with_file
            Whether a file counts at all.
        """
        path = {"owner": owner, "job": job, "attempt": attempt}
        try:
            outcome = self._parsed(path, reported, with_file=with_file)
            if outcome is None:
                return None, ""
            return self._verified(path, outcome), ""
        except BadOutcome as error:
            return None, str(error)

    def _parsed(
        self, path: dict[str, Any], reported: dict[str, Any] | None, *, with_file: bool
    ) -> Outcome | None:
        named = {**path, "parts": [OUTCOME_FILE], "limit": LARGEST_OUTCOME}
        content = self._folders.read(**named) if with_file else None
        try:
            if content is not None:
                return Outcome.model_validate_json(content)
            return None if reported is None else Outcome.model_validate(reported)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BadOutcome(
                f"`{OUTCOME_FILE}` is not valid at {where[:SHOWN] or 'its start'}: {first['msg']}."
            ) from None

    def _verified(self, path: dict[str, Any], outcome: Outcome) -> Outcome:
        if outcome.status == "error":  # a failed job keeps those of its results that are what it says
            within = self._within_bounds(_first_of_each_name(outcome))
            kept = [entry for entry in within if not self._problem(path, entry)]
            return outcome.model_copy(update={"results": kept})
        entries = _first_of_each_name(outcome)
        if len(entries) != len(outcome.results):
            raise BadOutcome("two results have the same name.")
        if sum(entry.size for entry in entries) > self._most_bytes:
            raise BadOutcome(f"its results hold more than {self._most_bytes // PIECE} MB.")
        for entry in entries:
            problem = self._problem(path, entry)
            if problem:
                raise BadOutcome(f"result `{entry.name}` {problem}.")
        return outcome

    def _within_bounds(self, entries: list[ResultEntry]) -> list[ResultEntry]:
        """Return as many as may be read: a size is only a claim, but no more than that is read."""
        totals = accumulate(entry.size for entry in entries)
        return [entry for entry, total in zip(entries, totals, strict=True) if total <= self._most_bytes]

    def _problem(self, path: dict[str, Any], entry: ResultEntry) -> str:
        """Return why a result is not what its entry says, or nothing."""
        try:
            with self._folders.open(**path, parts=[RESULTS_FOLDER, entry.name]) as file:
                size = os.fstat(file.fileno()).st_size
                if size != entry.size:
                    return f"has {size} bytes, not {entry.size}"
                digest = hashlib.sha256()
                while piece := file.read(PIECE):
                    digest.update(piece)
        except NotFound:
            return "is missing"
        return "" if digest.hexdigest() == entry.sha256 else "was changed after its hash was taken"


def _first_of_each_name(outcome: Outcome) -> list[ResultEntry]:
    return list({entry.name: entry for entry in reversed(outcome.results)}.values())[::-1]
