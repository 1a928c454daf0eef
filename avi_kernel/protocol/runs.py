"""What a runner and the platform tell one another about one attempt of a job."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from avi_kernel.protocol.base import MEDIA_TYPE, REPORTED, Count, ResultName, Wire
from avi_kernel.protocol.manifest import PipelineSpec

OUTCOME_FILE = "outcome.json"
LOG_FILE = "log.txt"
RESULTS_FOLDER = "results"
MOST_QUERIES = 100
"""Of one attempt, that are told."""
Name = Annotated[str, Field(max_length=200), REPORTED]
Message = Annotated[str, Field(max_length=500), REPORTED]
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

    fraction: float = Field(0.0, ge=0, le=1, strict=True)
    message: Message = ""
    step: Name = ""
    cell: Count | None = None
    """Index of the cell that runs, counted from 0 in its author's notebook."""
    cells: Count | None = None
    """Cells with code that its step has."""


class ResultEntry(Wire):
    """One file among a job's results."""

    name: ResultName
    """The file's name in the attempt's folder `results/`."""
    title: Annotated[str, Field(max_length=300), REPORTED] = ""
    media_type: str = Field("application/octet-stream", pattern=MEDIA_TYPE, max_length=150)
    size: Count
    """Bytes."""
    sha256: Sha256


class JobError(Wire):
    """Why a job failed, in words for its owner."""

    code: str = Field(pattern=r"^[a-z_]{1,40}$")
    """One word: `raised`, `exited`, `out_of_memory`, `too_much_written`, `no_space`, `too_many_processes`, `time_limit`,
    `bad_outcome`, `bad_parameters`, `killed`, `platform`."""
    message: Annotated[str, Field(max_length=2000), REPORTED]
    hint: Annotated[str, Field(max_length=1000), REPORTED] = ""
    step: Name = ""
    cell: Count | None = None
    """Index of the failing cell in its notebook, counted from 0."""
    source: Annotated[str, Field(max_length=20_000), REPORTED] = ""
    ename: Name = ""
    evalue: Annotated[str, Field(max_length=5000), REPORTED] = ""
    traceback: Annotated[str, Field(max_length=100_000), REPORTED] = ""


class QueryNote(Wire):
    """A question to an archive, as the job's own code reported it."""

    url: Annotated[str, Field(max_length=500), REPORTED]
    archive: Name = ""
    release: Name = ""
    adql: Annotated[str, Field(max_length=10_000), REPORTED]
    rows: Count
    at: datetime
    """When the archive was asked: before the job where the answer was known from then."""


class Outcome(Wire):
    """How an attempt ended; written to its folder first, then reported."""

    status: Literal["completed", "error"]
    results: list[ResultEntry] = Field([], max_length=1000)
    error: JobError | None = None
    queries: list[QueryNote] = Field([], max_length=MOST_QUERIES)
    started_at: datetime
    ended_at: datetime
