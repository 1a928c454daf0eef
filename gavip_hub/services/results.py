"""What jobs leave behind: results and logs, opened without trusting their paths."""

import codecs
from dataclasses import dataclass
from typing import BinaryIO

from avi_kernel.protocol.api import JobView, LogPart
from avi_kernel.protocol.runs import LOG_FILE, RESULTS_FOLDER, ResultEntry
from gavip_hub.domain.job import FINAL, JobState
from gavip_hub.exceptions import BadRequest, NotFound
from gavip_hub.services.jobs import JobService
from gavip_hub.storage.database import Database
from gavip_hub.storage.schema import Result
from gavip_hub.storage.userspace import AttemptFolders

LOG_PIECE = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class OpenResult:
    """A result with its job and its content."""

    job: JobView
    entry: ResultEntry
    file: BinaryIO


class ResultService:
    """Results and logs of a person's jobs."""

    def __init__(self, *, database: Database, jobs: JobService, folders: AttemptFolders) -> None:
        self._database = database
        self._jobs = jobs
        self._folders = folders

    def open(self, *, owner: str, job: str, name: str, avi: str | None = None) -> OpenResult:
        """Open one result; the caller closes its file.

        Raises
        ------
        NotFound
            The job has no such result, or its file is gone.
        """
        view = self._jobs.get(owner=owner, job=job, avi=avi)
        entry = next((one for one in view.results if one.name == name), None)
        with self._database.reading() as session:
            row = session.get(Result, (job, name))
        if entry is None or row is None:
            raise NotFound(f"Job {job} has no result {name!r}.")
        parts = [RESULTS_FOLDER, name]
        file = self._folders.open(owner=owner, job=job, attempt=row.attempt, parts=parts)
        return OpenResult(job=view, entry=entry, file=file)

    def log(
        self, *, owner: str, job: str, offset: int = 0, limit: int = LOG_PIECE, avi: str | None = None
    ) -> LogPart:
        """Return a piece of the log of a job's newest attempt.

        Parameters
        ----------
        offset
            In bytes; negative: so many from the end.
        """
        return self.log_of(self._jobs.get(owner=owner, job=job, avi=avi), offset=offset, limit=limit)

    def log_of(self, view: JobView, *, offset: int = 0, limit: int = LOG_PIECE) -> LogPart:
        """Return the same for whom the job was just shown."""
        ended = JobState(view.state) in FINAL
        try:
            with self._open_log(view) as file:
                return _piece(file, offset=offset, limit=limit, ended=ended)
        except NotFound:
            return LogPart(text="", next_offset=max(0, offset), ended=ended)

    def _open_log(self, job: JobView) -> BinaryIO:
        if not job.attempts:
            raise NotFound("It has not started yet.")
        number = max(attempt.number for attempt in job.attempts)
        return self._folders.open(owner=job.owner, job=job.id, attempt=number, parts=[LOG_FILE])


def _piece(file: BinaryIO, *, offset: int, limit: int, ended: bool) -> LogPart:
    size = file.seek(0, 2)
    start = max(0, size + offset) if offset < 0 else offset
    if start > size:
        raise BadRequest(f"The log has {size} bytes; asked was from {start}.", field="offset")
    file.seek(start)
    content = file.read(limit)
    at_end = start + len(content) >= size
    # A character may still be half written, or cut by the limit: it comes with the next piece.
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(content, final=at_end and ended)
    pending = 0 if at_end and ended else len(decoder.getstate()[0])
    return LogPart(text=text, next_offset=start + len(content) - pending, ended=ended and at_end)
