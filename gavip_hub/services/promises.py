"""Room that is promised to those who wait for an interface, so that nobody who comes later takes it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from gavip_hub.domain.container import Kind
from gavip_hub.domain.quota import NOTHING, PLATFORM, Usage, Want, shortage
from gavip_hub.domain.rooms import Applicant, Rooms
from gavip_hub.services.quotas import QuotaService
from gavip_hub.storage import containers, servers
from gavip_hub.storage.lasting import ASKED_AT
from gavip_hub.storage.schema import Container

HOLDS_UP_FOR = timedelta(minutes=30)
"""So that who waits for what never becomes free does not keep the platform empty."""
STILL_THERE = timedelta(minutes=2)
"""A page asks again every few seconds, one in the background at least once a minute: a closed one holds up nobody."""


def wanted_by(row: Container) -> Want:
    """Return what a reservation waits for; not as one more server, since its own row counts as one already."""
    return Want(kind=Kind.JOB, memory_mb=row.backend_state["memory_mb"], cpu=row.backend_state["cpu"])


def asked_at(row: Container) -> datetime:
    """Return when the page that waits was last heard of."""
    return datetime.fromisoformat(row.backend_state[ASKED_AT])


def holds_up(row: Container, *, at: datetime) -> bool:
    """Tell whether those who come later have to wait for this reservation."""
    return at - row.created_at <= HOLDS_UP_FOR and at - asked_at(row) <= STILL_THERE


class Promises(NamedTuple):
    """Room that is not for jobs, though nobody holds it yet."""

    promised: Usage
    """What those will hold of the platform's pool who wait already, and whom only that pool holds back."""
    kept: Mapping[str, Usage]
    """What of each owner's pool their own jobs leave to their interfaces that wait: who opens one sits before a page."""


def promises(session: Session, quotas: QuotaService, *, at: datetime) -> Promises:
    """Return what everybody who waits for an interface is promised."""
    waiting = [row for row in servers.reservations(session) if not row.memory_mb and holds_up(row, at=at)]
    return Promises(_promised(session, quotas, waiting), _kept(quotas, waiting))


def promised_before(
    session: Session, quotas: QuotaService, place: Container | None, *, at: datetime
) -> Usage:
    """Return what of the platform's pool those are promised who wait for longer than this reservation; None: all."""
    rows = [row for row in servers.reservations(session) if place is None or row.id < place.id]
    waiting = [row for row in rows if not row.memory_mb and holds_up(row, at=at)]
    return _promised(session, quotas, waiting)


def _promised(session: Session, quotas: QuotaService, waiting: Sequence[Container]) -> Usage:
    if not waiting:
        return NOTHING
    used = containers.usages(session)
    wants = [wanted_by(row) for row in waiting if _is_possible(quotas, row, used.get(row.owner, NOTHING))]
    return Usage(memory_mb=sum(want.memory_mb for want in wants), cpu=sum(want.cpu for want in wants))


def _kept(quotas: QuotaService, waiting: Iterable[Container]) -> dict[str, Usage]:
    found: dict[str, Usage] = {}
    for row in waiting:
        want, own = wanted_by(row), quotas.of(row.backend_state["groups"])
        if shortage(row.owner, want, own, NOTHING):
            continue
        so_far = found.get(row.owner, Usage())
        found[row.owner] = so_far + Usage(memory_mb=want.memory_mb, cpu=want.cpu)
    return found


def rooms(session: Session, quotas: QuotaService, rows: Iterable[Container], *, at: datetime) -> Rooms:
    """Return the queue of these reservations, oldest first, and what holds the room that they wait for."""
    waiting = [row for row in rows if not row.memory_mb]
    return Rooms(
        now=at,
        platform=quotas.platform,
        quotas={row.owner: quotas.of(row.backend_state["groups"]) for row in waiting},
        holdings=containers.holdings(session, now=at),
        applicants=[_applicant(row, at) for row in waiting],
    )


def _applicant(row: Container, at: datetime) -> Applicant:
    want = wanted_by(row)
    return Applicant(row.id, row.owner, want.memory_mb, want.cpu, holds_up(row, at=at))


def _is_possible(quotas: QuotaService, row: Container, used: Usage) -> bool:
    """Tell whether its owner's pool, of which so much is used, lets it in now, and the platform's would if it were empty."""
    want, own = wanted_by(row), quotas.of(row.backend_state["groups"])
    return not (shortage(row.owner, want, own, used) or shortage(PLATFORM, want, quotas.platform, NOTHING))
