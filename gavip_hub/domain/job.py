"""The states of a job and the only ways between them."""

from enum import StrEnum

from avi_kernel.protocol.api import Phase

BUILD, CHECK = ":environment", ":check"
"""Pipelines of the jobs that fetch a release's packages and try it: the platform's own, and no names that an author can give."""
OWN = frozenset({BUILD, CHECK})


class JobState(StrEnum):
    """What is."""

    PENDING = "PENDING"  # created, not yet started by its owner
    QUEUED = "QUEUED"  # the policy may choose it
    LAUNCHING = "LAUNCHING"  # an attempt exists; its container may or may not
    RUNNING = "RUNNING"  # the runner has reported, or the backend says it runs
    STOPPING = "STOPPING"  # its container is being ended
    COMPLETED = "COMPLETED"
    ERROR = "ERROR"
    ABORTED = "ABORTED"


class Target(StrEnum):
    """What is wanted."""

    RUN = "RUN"
    ABORT = "ABORT"


FINAL = frozenset({JobState.COMPLETED, JobState.ERROR, JobState.ABORTED})
LIVE = frozenset({JobState.LAUNCHING, JobState.RUNNING, JobState.STOPPING})
"""States in which a container may exist and the ledger row is open."""

_S = JobState
TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    _S.PENDING: frozenset({_S.QUEUED, _S.ABORTED}),
    _S.QUEUED: frozenset({_S.LAUNCHING, _S.ABORTED}),
    _S.LAUNCHING: frozenset({_S.RUNNING, _S.QUEUED, _S.STOPPING, _S.COMPLETED, _S.ERROR}),
    _S.RUNNING: frozenset({_S.COMPLETED, _S.ERROR, _S.STOPPING, _S.QUEUED}),
    _S.STOPPING: frozenset({_S.ABORTED, _S.ERROR, _S.COMPLETED}),
    _S.COMPLETED: frozenset(),
    _S.ERROR: frozenset(),
    _S.ABORTED: frozenset(),
}
MOST_ATTEMPTS = 3

_PHASES = {
    _S.PENDING: Phase.PENDING,
    _S.QUEUED: Phase.QUEUED,
    _S.LAUNCHING: Phase.EXECUTING,
    _S.RUNNING: Phase.EXECUTING,
    _S.STOPPING: Phase.EXECUTING,
    _S.COMPLETED: Phase.COMPLETED,
    _S.ERROR: Phase.ERROR,
    _S.ABORTED: Phase.ABORTED,
}


def may_become(state: JobState, new: JobState) -> bool:
    """Tell whether the table has this transition."""
    return new in TRANSITIONS[state]


def phase_of(state: JobState, *, archived: bool = False) -> Phase:
    """Return the UWS word shown outside; ARCHIVED once results are past their retention."""
    return Phase.ARCHIVED if archived and state in FINAL else _PHASES[state]


def container_name(job: str, attempt: int) -> str:
    """Name of an attempt's container, the same on every backend."""
    return f"gavip-{job}-{attempt}"


class AttemptState(StrEnum):
    """How far one start of a job came."""

    LAUNCHING = "LAUNCHING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    ERROR = "ERROR"
    ABORTED = "ABORTED"
    FAILED = "FAILED"  # the platform's own fault; the job may be tried again
