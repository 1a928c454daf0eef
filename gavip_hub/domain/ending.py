"""What becomes of a job whose container is gone; pure, so that every case can be told by a test."""

from dataclasses import dataclass, replace

from avi_kernel.protocol.boxes import ExitRecord
from avi_kernel.protocol.runs import JobError, Outcome, ResultEntry
from gavip_hub.domain.job import MOST_ATTEMPTS, AttemptState, JobState
from gavip_hub.domain.memory import more_after

CANCELLED = "cancelled"
TIME_LIMIT = "time_limit"
OUT_OF_MEMORY = "out_of_memory"
LONGEST = 1000
"""Characters of a failure's words that are passed on: some come from programs that say anything."""

_ATTEMPT_STATES = {
    JobState.COMPLETED: AttemptState.COMPLETED,
    JobState.ERROR: AttemptState.ERROR,
    JobState.ABORTED: AttemptState.ABORTED,
    JobState.QUEUED: AttemptState.ERROR,
}


@dataclass(frozen=True, kw_only=True)
class End:
    """What was found when the container was gone."""

    exit: ExitRecord | None = None
    """None: lost, or never there."""
    outcome: Outcome | None = None
    """As its runner wrote it, its results verified."""
    defect: str = ""
    """Why what the runner wrote cannot be used, or not all of it, in words."""
    failure: str = ""
    """What the platform did wrong, in words, where that is known already."""


@dataclass(frozen=True, kw_only=True)
class Stint:
    """What was asked of the attempt that ended."""

    attempt: int
    memory_mb: int
    time_limit: int
    stop_code: str | None = None
    step: str = ""
    cell: int | None = None
    """Index of the cell that ran when it last reported."""
    most_mb: int | None = None
    """What its pools allow, where its owner agreed that it is started again with more memory; None: they did not."""

    @property
    def place(self) -> str:
        """Return where it was, in words that follow a verb; empty where it told nothing."""
        words = f" in cell {self.cell + 1}" if self.cell is not None else ""
        return f"{words} of {self.step}" if words and self.step else words


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The job's next state, with the reason in words."""

    state: JobState
    error: JobError | None = None
    results: tuple[ResultEntry, ...] = ()
    failure: str = ""
    memory_mb: int | None = None
    """What it is started again with, having run out of memory."""

    @property
    def attempt_state(self) -> AttemptState:
        """How the attempt is remembered."""
        return AttemptState.FAILED if self.failure else _ATTEMPT_STATES[self.state]


def why_ended(record: ExitRecord | None) -> str:
    """Return why a server ended, in words for its user; empty where somebody asked for it."""
    if record is None:
        return "It was lost: its box ended and left no record. That is the platform's fault, not yours."
    if record.reason == "stopped":
        return ""
    if record.reason == OUT_OF_MEMORY:
        return f"It ran out of memory: {record.message}. Views that are open at once share it: open fewer of them."
    return f"It ended by itself, with exit status {record.exit_code}. {record.message}".rstrip()


def judge(stint: Stint, end: End) -> Verdict:
    """Tell what becomes of the job.

    What the runner wrote about a success counts most: the work is done, whatever happened to the container afterwards.
    Then what was asked (a cancel), then what the platform saw, and last what the runner wrote about a failure.
    """
    told = end.outcome.error if end.outcome else None
    if told and told.cell is not None:  # it knows better than its last report
        stint = replace(stint, step=told.step, cell=told.cell)
    if end.outcome and end.outcome.status == "completed" and not end.defect:
        return Verdict(state=JobState.COMPLETED, results=tuple(end.outcome.results))
    if stint.stop_code == CANCELLED:
        return Verdict(state=JobState.ABORTED)
    error = _what_the_job_did(stint, end)
    if error is None:
        return _platform_failure(stint, end.failure or _what_went_wrong(end.exit))
    more = _more_memory(stint, end.exit) if error.code == OUT_OF_MEMORY else None
    return Verdict(state=JobState.QUEUED, memory_mb=more) if more else _failed(end, error)


def _more_memory(stint: Stint, record: ExitRecord | None) -> int | None:
    """Return the MB to start it again with, as its owner wished; None where that is not to be."""
    if stint.most_mb is None or stint.attempt >= MOST_ATTEMPTS or stint.stop_code is not None:
        return None
    return more_after(
        stint.memory_mb, peak_mb=record.memory_peak_mb if record else None, most_mb=stint.most_mb
    )


def _what_the_job_did(stint: Stint, end: End) -> JobError | None:
    """Return the error that is the job's own, or None where the platform failed."""
    reason = end.exit.reason if end.exit else "lost"
    if reason == "time_limit" or stint.stop_code == TIME_LIMIT:
        return _time_limit(stint)
    if reason == OUT_OF_MEMORY:
        return _out_of_memory(stint, end.exit)
    if end.exit and reason == "too_much_written":
        return _too_much_written(end.exit)
    if end.outcome and end.outcome.error:
        return end.outcome.error
    if end.defect:
        return _defect(end.defect)
    return _exited(end.exit) if end.exit and reason == "exited" else None


def _failed(end: End, error: JobError) -> Verdict:
    """Keep what the pipeline had made: a partial notebook tells its author most."""
    told = end.outcome.error if end.outcome else None
    if told and told is not error:  # where it was when the platform ended it
        place = told.model_dump(include={"step", "cell", "source", "traceback"})
        error = error.model_copy(update=place)
    return Verdict(
        state=JobState.ERROR, error=error, results=tuple(end.outcome.results) if end.outcome else ()
    )


def _platform_failure(stint: Stint, failure: str) -> Verdict:
    if stint.attempt < MOST_ATTEMPTS and stint.stop_code is None:
        return Verdict(state=JobState.QUEUED, failure=failure)
    error = JobError(
        code="platform",
        message=f"The platform failed, not your job: {failure[:LONGEST]} It was tried {_times(stint.attempt)}.",
        hint="Run it again later; if it fails again, tell the operator the job's number.",
    )
    return Verdict(state=JobState.ERROR, error=error, failure=failure)


def _what_went_wrong(record: ExitRecord | None) -> str:
    if record is None:
        return "Its container vanished without a trace."
    why = f" ({record.message})" if record.message else ""
    if record.reason == "failed_to_start":
        return f"Its container could not be started{why}."
    return f"Its container was ended from outside{why}."


def _out_of_memory(stint: Stint, record: ExitRecord | None) -> JobError:
    peak = record.memory_peak_mb if record else None
    held = f", reached {peak:.0f} MB{stint.place}," if peak else ""
    return JobError(
        code=OUT_OF_MEMORY,
        message=f"The job asked for {stint.memory_mb} MB of memory{held} and was ended: it needed more.",
        hint=f"{_why_not_again(stint)}Run it again with more memory, or with parameters that select less data.",
        step=stint.step,
        cell=stint.cell,
    )


def _why_not_again(stint: Stint) -> str:
    if stint.most_mb is None:
        return ""
    if stint.attempt >= MOST_ATTEMPTS:
        return f"It was tried {_times(stint.attempt)}, and is not started again by itself. "
    return f"It is not started again by itself: the pools allow no more than {stint.most_mb} MB. "


def _too_much_written(record: ExitRecord) -> JobError:
    return JobError(
        code="too_much_written",
        message=f"The job was ended: {record.message}, to its results and its AVI's folder together.",
        hint="Run it again with parameters that select less data; the operator may allow more (`results_mb`).",
    )


def _time_limit(stint: Stint) -> JobError:
    return JobError(
        code="time_limit",
        message=f"The job ran longer than its limit of {_duration(stint.time_limit)} and was ended{stint.place}.",
        hint="Run it again with parameters that select less data, or ask the AVI's author for a longer limit.",
        step=stint.step,
        cell=stint.cell,
    )


def _exited(record: ExitRecord) -> JobError:
    return JobError(
        code="exited",
        message=f"The job's program ended with exit status {record.exit_code} before it reported an outcome.",
        hint="The end of its log tells what it did last.",
    )


def _defect(defect: str) -> JobError:
    return JobError(
        code="bad_outcome",
        message=f"What the job wrote about its end cannot be used: {defect[:LONGEST]}",
        hint="The end of its log may tell more. Do not write to `outcome.json`, nor change results afterwards.",
    )


def _duration(seconds: int) -> str:
    hours, minutes = divmod(seconds // 60, 60)
    if seconds < 120:  # noqa: PLR2004 - below two minutes seconds say it best
        return f"{seconds} s"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
