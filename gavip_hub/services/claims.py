"""Queued jobs are taken for launch: state, attempt, token and ledger row, with the count of the pools."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from gavip_hub.domain.container import Kind
from gavip_hub.domain.job import AttemptState, JobState, container_name
from gavip_hub.domain.ledger import ContainerState
from gavip_hub.domain.products import Reader
from gavip_hub.domain.quota import Want
from gavip_hub.domain.waits import Told
from gavip_hub.services.attempts import hash_of, new_token
from gavip_hub.services.moves import move_all, set_reasons
from gavip_hub.services.promises import promises
from gavip_hub.services.quotas import QuotaService
from gavip_hub.services.recipes import repeated
from gavip_hub.services.waits import NO_WAIT
from gavip_hub.storage import attempts, containers, grants, jobs
from gavip_hub.storage.ids import new_id
from gavip_hub.storage.jobs import Change, Held

NOTHING_DONE = {"fraction": 0.0, "message": "", "step": ""}


@dataclass(frozen=True, kw_only=True)
class LaunchOrder:
    """An attempt that was claimed: what its container needs. The token is nowhere else in clear."""

    job: str
    attempt: int
    name: str
    owner: str
    avi: str
    version: str
    commit: str
    pipeline: str
    token: str
    memory_mb: int
    cpu: float
    time_limit: int
    request: str
    """Id of the request that submitted the job."""
    asks_anew: bool = False
    """Its results are compared with others: archives are to be asked, whatever was answered before."""
    granted: tuple[str, ...] = ()
    """Folders of its owner's space that it may write beside its AVI's own."""


def claim(session: Session, quotas: QuotaService, asked: Sequence[str], *, at: datetime) -> list[LaunchOrder]:
    """Take those of these jobs, in this order, that still wait and fit at this moment; tell the others why not."""
    quotas.hold(session, *jobs.owners(session, asked))
    found = jobs.locked_all(session, asked)  # they may have moved while this waited for the pools
    left_over = attempts.jobs_left_over(session, asked)
    ready = [
        job
        for name in asked
        if (job := found.get(name)) and job.state is JobState.QUEUED and name not in left_over
    ]
    fit, short = _sorted_by_room(session, quotas, ready, at=at)
    granted = grants.of_owners(session, {job.owner for job in fit})
    orders = [
        _order(
            job,
            granted.get((job.owner, job.avi), ()),
            asks_anew=_is_compared(session, job, at=at),
        )
        for job in fit
    ]
    _add_attempts(session, orders, at=at)
    _move(session, fit, at=at)
    set_reasons(session, short, at=at)
    return orders


def _sorted_by_room(
    session: Session, quotas: QuotaService, ready: Collection[Held], *, at: datetime
) -> tuple[list[Held], list[tuple[Held, Told]]]:
    """Return the jobs that fit, one after the other, and why the others do not."""
    ahead = promises(session, quotas, at=at)
    rooms = quotas.rooms(session, promised=ahead.promised, kept=ahead.kept)
    fit, short = [], []
    for job in ready:
        want = Want(kind=Kind.JOB, memory_mb=job.memory_mb, cpu=job.cpu)
        missing = rooms.shortage(job.owner, job.groups, want)
        if missing:
            short.append((job, Told(missing.words, job.reserved_for)))
        else:
            rooms.take(job.owner, want)
            fit.append(job)
    return fit, short


def _is_compared(session: Session, job: Held, *, at: datetime) -> bool:
    """Tell whether a job is to be compared, by what is known now: it shows nothing, and is asked anew when the job has ended."""
    return bool(job.again_of) and repeated(session, job, Reader(job.owner, job.groups, at)) is not None


def _order(job: Held, granted: Iterable[str], *, asks_anew: bool) -> LaunchOrder:
    number = job.attempt + 1
    return LaunchOrder(
        job=job.id,
        attempt=number,
        name=container_name(job.id, number),
        owner=job.owner,
        avi=job.avi,
        version=job.version,
        commit=job.commit,
        pipeline=job.pipeline,
        token=new_token(),
        memory_mb=job.memory_mb,
        cpu=job.cpu,
        time_limit=job.time_limit,
        request=job.request,
        asks_anew=asks_anew,
        granted=tuple(granted),
    )


def _add_attempts(session: Session, orders: Sequence[LaunchOrder], *, at: datetime) -> None:
    """Add a ledger row and an attempt for each order."""
    ids = [new_id("c", now=at) for _ in orders]
    each = list(zip(orders, ids, strict=True))
    containers.add_all(session, [_ledger_row(order, container, at) for order, container in each])
    attempts.add_all(session, [_attempt_row(order, container, at) for order, container in each])


def _attempt_row(order: LaunchOrder, container: str, at: datetime) -> dict[str, Any]:
    return {
        "job": order.job,
        "number": order.attempt,
        "container": container,
        "token_hash": hash_of(order.token),
        "state": AttemptState.LAUNCHING,
        "memory_mb": order.memory_mb,
        "failure": "",
        "step": "",
        "started_at": at,
    }


def _ledger_row(order: LaunchOrder, container: str, at: datetime) -> dict[str, Any]:
    return {
        "id": container,
        "owner": order.owner,
        "kind": Kind.JOB,
        "avi": order.avi,
        "version": order.version,
        "ref": order.name,
        "state": ContainerState.RESERVED,
        "cpu": order.cpu,
        "memory_mb": order.memory_mb,
        "backend_state": {},
        "reason": "",
        "created_at": at,
    }


def _move(session: Session, taken: Sequence[Held], *, at: datetime) -> None:
    fresh = {"heartbeat_at": None, "not_before": None, "reason": "", **NO_WAIT, **NOTHING_DONE}
    changes = [
        Change(job, JobState.LAUNCHING, {"attempt": job.attempt + 1, "started_at": at, **fresh})
        for job in taken
    ]
    move_all(session, changes, at=at)
