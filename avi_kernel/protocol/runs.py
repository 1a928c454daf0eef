"""What a runner and the platform tell one another about one attempt of a job."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from avi_kernel.protocol.base import Wire
from avi_kernel.protocol.manifest import PipelineSpec

OUTCOME_FILE = "outcome.json"
LOG_FILE = "log.txt"
RESULTS_FOLDER = "results"
ResultName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class JobDocument(Wire):
    """What the runner fetches with its job's token: all it needs to know."""

    job: str
    attempt: int
    owner: str
    avi: str
    version: str
    pipeline: PipelineSpec
    parameters: dict[str, JsonValue]
    memory_mb: int
    time_limit: int
    """Seconds."""
    heartbeat: float = 10.0
    """Seconds between two reports at most."""


class Progress(Wire):
    """One report of a running attempt; also its heartbeat."""

    fraction: float = Field(0.0, ge=0, le=1)
    message: str = Field("", max_length=500)
    step: str = Field("", max_length=200)
    cell: int | None = None
    cells: int | None = None


class ResultEntry(Wire):
    """One file among a job's results."""

    name: ResultName
    """The file's name in the attempt's folder `results/`."""
    title: str = Field("", max_length=300)
    media_type: str = Field(
        "application/octet-stream", pattern=r"^[\w.+-]+/[\w.+-]+(;[\w.+= -]+)?$", max_length=150
    )
    size: int = Field(ge=0)
    """Bytes."""
    sha256: Sha256


class JobError(Wire):
    """Why a job failed, in words for its owner."""

    code: str = Field(pattern=r"^[a-z_]{1,40}$")
    """One word: `raised`, `exited`, `out_of_memory`, `too_much_written`, `time_limit`, `platform`, `bad_parameters`, `killed`."""
    message: str = Field(max_length=2000)
    hint: str = Field("", max_length=1000)
    step: str = Field("", max_length=200)
    cell: int | None = None
    """Index of the failing cell in its notebook, counted from 0."""
    source: str = Field("", max_length=20000)
    ename: str = Field("", max_length=200)
    evalue: str = Field("", max_length=5000)
    traceback: str = Field("", max_length=100000)


class Outcome(Wire):
    """How an attempt ended; written to its folder first, then reported."""

    status: Literal["completed", "error"]
    results: list[ResultEntry] = Field([], max_length=1000)
    error: JobError | None = None
    started_at: datetime
    ended_at: datetime
