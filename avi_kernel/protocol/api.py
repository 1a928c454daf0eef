"""The models of the REST interface: its OpenAPI document is made from these."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from avi_kernel.protocol.base import Line, ReportedText, Wire
from avi_kernel.protocol.manifest import MOST_MEMORY_MB
from avi_kernel.protocol.runs import JobError, ResultEntry

MemorySource = Literal["user", "past_runs", "expression", "author", "default", "out_of_memory"]
"""The user's own choice, what past runs needed, the author's formula or figure, the platform's default, or more than an
attempt had that ran out of it."""


class Phase(StrEnum):
    """The IVOA UWS word for a job's state, the only one shown outside."""

    PENDING = "PENDING"
    QUEUED = "QUEUED"
    EXECUTING = "EXECUTING"
    COMPLETED = "COMPLETED"
    ERROR = "ERROR"
    ABORTED = "ABORTED"
    ARCHIVED = "ARCHIVED"


class ErrorBody(Wire):
    """Every refusal: a code for programs, a sentence for people, and the field at fault."""

    error: str
    message: ReportedText
    field: ReportedText | None = None


class Profile(Wire):
    """Who asks."""

    name: str
    roles: list[str]
    groups: list[str] = []
    scopes: list[str] = []
    avi: str | None = None
    """Set when the token is bound to one AVI's interface."""


class ServerOpen(Wire):
    """Open an AVI's interface."""

    avi: Line
    """Name of the AVI."""
    version: Line | None = None
    """Default: the newest."""


class ServerView(Wire):
    """A server that is open, starting, or waiting for room."""

    name: str
    kind: Literal["interface", "notebook"]
    avi: str | None = None
    version: str | None = None
    state: Literal["waiting", "starting", "ready", "stopping"]
    url: str
    memory_mb: int
    cpu: float
    started_at: datetime | None = None
    reason: str = ""
    """Why it waits, or is to close, in words."""
    closes_at: datetime | None = None
    """When it closes unless it is used: others wait for what it holds."""


class Presence(Wire):
    """What an open interface tells of its user."""

    silence: Annotated[float, Field(ge=0, le=1e9, strict=True)]
    """Seconds since they last did something in it."""


class NoticeView(Wire):
    """What an open interface is told of its end."""

    closes_in: float | None = None
    """Seconds until it closes unless it is used; None: it stays open."""
    words: str = ""
    """Why it closes, in words."""
    ask_again_in: float
    """Seconds."""


class GrantedFolder(Wire):
    """A folder of one's own space."""

    folder: Line
    """Its name in the space, as `data/maps`."""


class GrantView(Wire):
    """What an AVI may write in the asker's space."""

    avi: str
    own: str
    """Its own folder, which it writes in any case."""
    folders: list[str]
    """What was granted beside it."""


class JobSubmit(Wire):
    """Ask for an execution of a pipeline."""

    avi: Line
    """Name of the AVI."""
    version: Line | None = None
    """Default: the newest."""
    pipeline: Line
    """Name of the pipeline."""
    parameters: dict[str, JsonValue] = {}
    """Values for the pipeline's parameters; what is left out has its default."""
    memory_mb: Annotated[int, Field(ge=32, le=MOST_MEMORY_MB, strict=True)] | None = None
    """MB; default: what past runs needed, or what the author declared."""
    again_with_more_memory: bool = False
    """If it runs out of memory, start it again with more, as far as the pools allow; three attempts at most."""
    again_of: Line | None = None
    """The job that this one repeats with changes, or a product that one reads."""
    start: bool = True
    """Let it start as soon as it can; otherwise it waits for its owner's word."""


class LimitView(Wire):
    """A limit in the way of a job, or an interface, that waits."""

    pool: Literal["yours", "platform"]
    limit: Literal["memory_mb", "cpu"]
    wanted: float
    """What it asks for: MB, or cores."""
    used: float
    allowed: float
    needed: float
    """The value of the limit with which it would start."""


class Estimate(Wire):
    """When a job will probably start, or an interface open, from how long what is before it will run.

    Of ten, about eight start between `soonest` and `latest`: as far as past estimates were off, others who came later included.
    """

    soonest: datetime
    middle: datetime
    latest: datetime
    runs: int
    """Past runs of its own pipeline."""
    unknown: int = 0
    """Jobs before it, running or waiting, of pipelines that ran less than five times: the more, the rougher."""


class Suggestion(Wire):
    """What would start a job, or open an interface, sooner."""

    words: str
    memory_mb: int | None = None
    """Submit it with so much instead."""
    job: str | None = None
    """Cancel this job of one's own."""
    server: str | None = None
    """Close this server of one's own."""


class WaitView(Wire):
    """Why a job, or an interface, waits, and what would start it sooner."""

    reason: str
    ahead: int
    """Jobs, or interfaces, that come before it."""
    limits: list[LimitView] = []
    """All that would have to be raised for it to start now."""
    starts_by: datetime | None = None
    """When it starts at the latest; known of the job for which room is kept."""
    estimate: Estimate | None = None
    """None: it lies far back, nobody knows when what is in its way ends, or hardly anything has run on the platform."""
    sooner: list[Suggestion] = []


class AttemptView(Wire):
    """One start of a job."""

    number: int
    state: str
    memory_mb: int | None = None
    """What it was given."""
    started_at: datetime
    ended_at: datetime | None = None
    exit_code: int | None = None
    exit_reason: str | None = None
    """`exited`, `out_of_memory`, `too_much_written`, `time_limit`, `stopped` or `failed_to_start`."""
    memory_peak_mb: float | None = None
    """The most that it held."""
    cpu_seconds: float | None = None


class UsagePoint(Wire):
    """What a job used at one moment."""

    seconds: float
    """Since its container started."""
    memory_mb: float
    cores: float


class UsageView(Wire):
    """What the newest attempt of a job used from start to end, against what it was given."""

    attempt: int
    memory_mb: int
    """What it might hold."""
    memory_peak_mb: float | None = None
    cpu: float
    """Cores that it was promised; it may use more while nobody else needs them."""
    points: list[UsagePoint] = []
    """Empty until its container is gone, and where the machine does not tell."""


class JobView(Wire):
    """A job as its owner sees it."""

    id: str
    owner: str
    avi: str
    version: str
    pipeline: str
    title: str = ""
    parameters: dict[str, JsonValue]
    phase: Phase
    state: str
    reason: str = ""
    """Why it waits, in words; empty when it does not."""
    starts_by: datetime | None = None
    """When it starts at the latest; known of the job for which room is kept."""
    fraction: float = 0.0
    message: str = ""
    step: str = ""
    memory_mb: int
    memory_source: MemorySource
    """Whose figure that is."""
    again_with_more_memory: bool = False
    """Whether it is started again with more if it runs out of memory, as its owner wished."""
    cpu: float
    time_limit: int
    created_at: datetime
    queued_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: JobError | None = None
    results: list[ResultEntry] = []
    """Left out in lists."""
    result_count: int = 0
    attempts: list[AttemptView] = []
    again_of: str | None = None
    url: str = ""
    """Address of its page in the portal."""


class JobList(Wire):
    """One page of jobs, newest first."""

    items: list[JobView]
    next: str | None = None
    """Pass as `before` to get the following page; None at the end."""


class EventView(Wire):
    """Something that happened to a job or a server of the asker."""

    id: int
    at: datetime
    kind: str
    """`job.state`, `job.progress`, `job.reason`, `job.provenance`, `server.state`, `product.state`, `share.made`, `share.revoked`."""
    subject: str
    """The id of the job or product, or the server's name."""
    data: dict[str, JsonValue]


class LogPart(Wire):
    """A piece of a job's log."""

    text: str
    next_offset: int
    """Bytes; ask again from here."""
    ended: bool


class PoolView(Wire):
    """What somebody may hold at once, and holds now; counted, never stored."""

    owner: str
    """A user's name, or `platform`."""
    memory_mb: int
    memory_used_mb: int
    cpu: float
    cpu_used: float
    jobs: int | None = None
    jobs_used: int = 0
    servers: int | None = None
    servers_used: int = 0
    space_mb: int | None = None
    """MB of files; None where there is no limit."""
    space_used_mb: int = 0
    """As they were measured last; not counted for the platform."""


class PolicyChoice(Wire):
    """Choose which of the waiting jobs comes next; operators only."""

    policy: Line
    """Name of one that is installed."""


class PolicyView(Wire):
    """What decides which of the waiting jobs comes next."""

    policy: str
    installed: list[str]
    """Those that can be chosen."""


class Alive(Wire):
    """That the service's process answers."""

    alive: Literal[True] = True


class Health(Wire):
    """Whether the service can do its work."""

    status: Literal["ok", "degraded"]
    database: bool
    scheduler: bool
    hub: bool
    disk: bool
    webdav: bool = True
    """Also where it is switched off."""
    problems: list[str] = []
    """A sentence for each of them that is not well."""
    sandbox: Literal["enforced", "partial", "none"]
    notices: list[str] = []
