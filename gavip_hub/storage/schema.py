"""The tables of the service's database; changed only together with a migration."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from gavip_hub.domain.container import Kind
from gavip_hub.domain.job import AttemptState, JobState, Target
from gavip_hub.domain.ledger import ContainerState
from gavip_hub.storage.base import Base


class Avi(Base):
    """A named science application."""

    __tablename__ = "avis"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    owner: Mapped[str]
    title: Mapped[str] = mapped_column(default="")
    summary: Mapped[str] = mapped_column(default="")
    visibility: Mapped[str] = mapped_column(default="private")
    source: Mapped[str] = mapped_column(default="private", server_default="private")
    """Whether everybody may read its repository."""
    answers: Mapped[str] = mapped_column(String(10), default="jobs", server_default="jobs")
    """What those get who are none of its people: `jobs` of their own, or what was shared with them, `products`."""
    created_at: Mapped[datetime]


class Member(Base):
    """Somebody beside its owner who may read an AVI's repository, or write it as well."""

    __tablename__ = "members"

    avi: Mapped[str] = mapped_column(ForeignKey("avis.name"), primary_key=True)
    user: Mapped[str] = mapped_column(primary_key=True)
    may: Mapped[str] = mapped_column(String(10))
    added_at: Mapped[datetime]


class Environment(Base):
    """Packages that releases bring beside those of their images; the same files are one environment."""

    __tablename__ = "environments"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    lock: Mapped[dict[str, Any]]
    folder_bytes: Mapped[int | None] = mapped_column(BigInteger)
    """What its folder takes; None: there is none, and it is made anew when somebody needs it."""
    wheel_bytes: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """What the files take that it is made of."""


class Release(Base):
    """One immutable version of an AVI."""

    __tablename__ = "releases"
    __table_args__ = (UniqueConstraint("avi", "version"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    avi: Mapped[str] = mapped_column(ForeignKey("avis.name"))
    version: Mapped[str]
    commit: Mapped[str]
    digest: Mapped[str]
    """Of the folder that was published, so that the same content is published once."""
    spec: Mapped[dict[str, Any]]
    state: Mapped[str]
    """`READY`, `BUILDING` while its packages are fetched, or `FAILED` where they cannot be had."""
    environment: Mapped[str | None] = mapped_column(ForeignKey("environments.id"))
    build: Mapped[str | None] = mapped_column(String(32))
    """The job that fetches its packages."""
    earlier_builds: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    """Jobs that tried so in vain, oldest first."""
    reason: Mapped[str] = mapped_column(default="", server_default="")
    """Why it is not ready, in words."""
    visibility: Mapped[str] = mapped_column(default="private")
    submitter: Mapped[str]
    created_at: Mapped[datetime]
    standing: Mapped[str] = mapped_column(default="offered", server_default="offered")
    standing_reason: Mapped[str] = mapped_column(default="", server_default="")
    withdrawn_by_operator: Mapped[bool] = mapped_column(default=False, server_default=false())


class Check(Base):
    """What trying a release found; a row without a scorecard is a check that is wanted."""

    __tablename__ = "checks"

    release: Mapped[str] = mapped_column(ForeignKey("releases.id"), primary_key=True)
    job: Mapped[str | None] = mapped_column(String(32))
    scorecard: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    called: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    """Hosts that its box called, by the record beside the box; None: there is no such record."""
    badges: Mapped[list[Any]] = mapped_column(JSON)


class Job(Base):
    """One execution of a pipeline: what is (`state`) and what is wanted (`target`)."""

    __tablename__ = "jobs"
    __table_args__ = (
        ForeignKeyConstraint(["avi", "version"], ["releases.avi", "releases.version"]),
        Index("jobs_by_owner", "owner", "id"),
        Index("jobs_of_avi", "owner", "avi", "id"),
        Index("jobs_in_state", "owner", "state", "id"),
        Index("jobs_by_state", "state", "id"),
        Index(
            "jobs_held",
            "owner",
            "ended_at",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("jobs_by_pipeline", "avi", "pipeline", "state", "id"),
        Index(
            "jobs_deleted",
            "id",
            sqlite_where=text("deleted_at IS NOT NULL"),
            postgresql_where=text("deleted_at IS NOT NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    """Grows with time, so that ordering by it is ordering by age."""
    owner: Mapped[str]
    groups: Mapped[list[str]]
    """The owner's groups when the job was started: they decide its pool."""
    avi: Mapped[str]
    version: Mapped[str]
    commit: Mapped[str]
    pipeline: Mapped[str]
    title: Mapped[str] = mapped_column(default="")
    parameters: Mapped[dict[str, Any]]
    state: Mapped[JobState]
    target: Mapped[Target]
    stop_code: Mapped[str | None]
    """Why it is being stopped: `cancelled`, `time_limit` or `stuck`."""
    reason: Mapped[str] = mapped_column(default="")
    fraction: Mapped[float] = mapped_column(default=0.0)
    message: Mapped[str] = mapped_column(default="")
    step: Mapped[str] = mapped_column(default="")
    memory_mb: Mapped[int]
    memory_source: Mapped[str]
    again_with_more_memory: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether its owner agreed that it is started again with more when it runs out of memory."""
    cpu: Mapped[float]
    time_limit: Mapped[int]
    attempt: Mapped[int] = mapped_column(default=0)
    """Number of the newest attempt; 0 before the first."""
    not_before: Mapped[datetime | None]
    """After a platform failure: when it may be tried again."""
    reserved_for: Mapped[datetime | None]
    """When the scheduler promised to start it at the latest, as the head of the queue."""
    wait: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """Why it waits, in numbers: as the scheduler saw it when it gave the reason."""
    estimate: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """When it will probably start."""
    heartbeat_at: Mapped[datetime | None]
    again_of: Mapped[str | None] = mapped_column(String(32))
    request: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """Id of the request that submitted it, which the lines of all logs name."""
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime]
    queued_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    """Set when its owner deletes it: hidden at once, removed by the loop."""


class Container(Base):
    """One row of the ledger: everything that holds memory, of any kind."""

    __tablename__ = "containers"
    __table_args__ = (
        Index("containers_by_state", "state", "owner"),
        Index(
            "servers_closed",
            "id",
            sqlite_where=text("closed_at IS NOT NULL AND kind IN ('interface', 'notebook')"),
            postgresql_where=text("closed_at IS NOT NULL AND kind IN ('interface', 'notebook')"),
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner: Mapped[str]
    kind: Mapped[Kind]
    avi: Mapped[str | None]
    version: Mapped[str | None]
    ref: Mapped[str]
    """The server's name, or the container's name of a job's attempt."""
    state: Mapped[ContainerState]
    cpu: Mapped[float]
    memory_mb: Mapped[int]
    backend_state: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What the backend's `start` yielded last."""
    reason: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    ready_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class Attempt(Base):
    """One start of a job, with a container, a folder and a token of its own."""

    __tablename__ = "attempts"
    __table_args__ = (
        # The last line of defence: no two live attempts of one job, whatever the code above does.
        Index(
            "one_live_attempt",
            "job",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("attempts_by_container", "container"),
        Index(
            "attempts_uncleared",
            "job",
            sqlite_where=text("cleared_at IS NULL"),
            postgresql_where=text("cleared_at IS NULL"),
        ),
    )

    job: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    container: Mapped[str] = mapped_column(ForeignKey("containers.id"))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    state: Mapped[AttemptState]
    memory_mb: Mapped[int] = mapped_column(default=0, server_default="0")
    """What it was given: its job may be given more the next time."""
    outcome: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """As the runner reported it; checked against the files when its container is gone."""
    failure: Mapped[str] = mapped_column(default="")
    """What the platform did wrong, in words; empty when it did nothing wrong."""
    exit_code: Mapped[int | None]
    exit_reason: Mapped[str | None]
    memory_peak_mb: Mapped[float | None]
    cpu_seconds: Mapped[float | None]
    course: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    """Seconds since its start, MB held and cores used, point by point."""
    step: Mapped[str] = mapped_column(default="")
    cell: Mapped[int | None] = mapped_column(BigInteger)
    """Index of the cell that ran when it last reported."""
    started_at: Mapped[datetime]
    running_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    cleared_at: Mapped[datetime | None]
    """When the backend had forgotten its container."""


class Result(Base):
    """One file among a job's results, verified."""

    __tablename__ = "results"

    job: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    place: Mapped[int]
    """Its rank in the order that the pipeline gave."""
    attempt: Mapped[int]
    title: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))


class Event(Base):
    """Something that happened to a job or a server."""

    __tablename__ = "events"
    __table_args__ = (Index("events_by_owner", "owner", "id"), Index("events_by_subject", "subject", "id"))

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """From the counter `events`, in the order of commits."""
    owner: Mapped[str]
    at: Mapped[datetime]
    kind: Mapped[str]
    subject: Mapped[str]
    data: Mapped[dict[str, Any]]


class Counter(Base):
    """A number that grows in the order of commits, as a sequence does not."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)


class Spending(Base):
    """What a user's containers have used, decayed; it decides whose turn it is, never what fits."""

    __tablename__ = "spending"

    owner: Mapped[str] = mapped_column(primary_key=True)
    memory: Mapped[float]
    """MB times seconds, as they weigh at `at`."""
    cpu: Mapped[float]
    """Cores times seconds."""
    at: Mapped[datetime]


class Grant(Base):
    """A folder of its owner's space that an AVI may write beside its own."""

    __tablename__ = "grants"

    owner: Mapped[str] = mapped_column(primary_key=True)
    avi: Mapped[str] = mapped_column(ForeignKey("avis.name"), primary_key=True)
    folder: Mapped[str] = mapped_column(primary_key=True)
    """Below the user-space, as `data/maps`."""
    granted_at: Mapped[datetime]


class Space(Base):
    """What a user's files took when they were measured last."""

    __tablename__ = "spaces"

    owner: Mapped[str] = mapped_column(primary_key=True)
    used_mb: Mapped[int]
    measured_at: Mapped[datetime]


class Setting(Base):
    """What an operator changed while the platform runs."""

    __tablename__ = "settings"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str]
    changed_by: Mapped[str]
    changed_at: Mapped[datetime]
