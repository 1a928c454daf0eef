"""The records of local jobs: a JSON file a job, beside the folder of its attempt."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from avi_kernel.protocol.api import JobView, LogPart, Phase
from avi_kernel.protocol.runs import LOG_FILE, RESULTS_FOLDER, JobError

FINAL = frozenset({Phase.COMPLETED, Phase.ERROR, Phase.ABORTED})
_LONGEST_PART = 64 * 1024


class Unknown(Exception):
    """There is no such thing here."""


class LocalStore:
    """What is known of the jobs of one folder.

    Parameters
    ----------
    folder
        Where records and attempts lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._views: dict[str, JobView] = {}
        for record in folder.glob("*.json"):
            self._load(record)

    def _load(self, record: Path) -> None:
        try:
            view = JobView.model_validate_json(record.read_text("utf-8"))
        except ValidationError:
            return  # of another version of this program; its files stay
        self._views[view.id] = view
        if view.phase not in FINAL:
            stopped = JobError(code="platform", message="gavip dev ended before this job did")
            self.change(view.id, phase=Phase.ERROR, state="ERROR", error=stopped)

    def attempt(self, job: str) -> Path:
        """Return the folder of a job's only attempt."""
        return self._folder / job

    def list(self) -> list[JobView]:
        """Return all jobs, newest first."""
        return sorted(self._views.values(), key=lambda view: view.created_at, reverse=True)

    def get(self, job: str) -> JobView:
        """Return one job."""
        if job not in self._views:
            raise Unknown(f"There is no job {job}.")
        return self._views[job]

    def save(self, view: JobView) -> JobView:
        """Keep a job."""
        self._folder.mkdir(parents=True, exist_ok=True)
        record = self._folder / f"{view.id}.json"
        partial = record.with_suffix(".part")
        partial.write_text(view.model_dump_json(indent=1), "utf-8")
        partial.replace(record)
        self._views[view.id] = view
        return view

    def change(self, job: str, **changes: Any) -> JobView:
        """Keep a job with some of its fields changed."""
        return self.save(self.get(job).model_copy(update=changes))

    def forget(self, job: str) -> None:
        """Drop a job's record."""
        self._views.pop(job)
        (self._folder / f"{job}.json").unlink(missing_ok=True)

    def log(self, job: str, offset: int) -> LogPart:
        """Return a piece of a job's log; a negative offset counts from the end."""
        ended = self.get(job).phase in FINAL
        path = self.attempt(job) / LOG_FILE
        if not path.is_file():
            return LogPart(text="", next_offset=0, ended=ended)
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size + offset) if offset < 0 else min(offset, size))
            part = file.read(_LONGEST_PART)
            return LogPart(
                text=part.decode("utf-8", "replace"),
                next_offset=file.tell(),
                ended=ended and file.tell() >= size,
            )

    def result(self, job: str, name: str) -> Path:
        """Return the file of a result that the job listed."""
        if name not in {entry.name for entry in self.get(job).results}:
            raise Unknown(f"Job {job} has no result {name}.")
        path = self.attempt(job) / RESULTS_FOLDER / name
        if path.is_symlink() or not path.is_file():
            raise Unknown(f"The result {name} of job {job} is not there any more.")
        return path
