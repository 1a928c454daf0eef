"""Who waits for room to open an interface: whose turn it is, and why the others wait. First come, first served."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gavip_hub.domain.quota import ROUNDING
from gavip_hub.domain.waits import Pool, Wait


class Applicant(NamedTuple):
    """Somebody who waits to open an interface."""

    id: str
    owner: str
    memory_mb: int
    cpu: float
    holds_up: bool
    """Whether those who came later wait until it fits: a page that was closed, or waited for too long, lets them pass."""


def in_turn(
    applicants: Iterable[Applicant], *, platform: Pool, pools: Mapping[str, Pool]
) -> dict[str, Wait | None]:
    """Say of each, in this order, why it waits, or None where it opens now.

    Who fits takes the room. The first that the platform holds back keeps those who came later waiting; one that its
    owner's own pool holds back, or for which the whole platform is too small, keeps nobody.

    Parameters
    ----------
    platform, pools
        What is free now, of all and of each owner; changed as the queue is gone through.
    """
    answers: dict[str, Wait | None] = {}
    is_closed, place = False, 0
    for one in applicants:
        own = pools[one.owner]
        own_fits, fits = own.holds(one.memory_mb, one.cpu), platform.holds(one.memory_mb, one.cpu)
        if own_fits and fits and not is_closed:
            for pool in (own, platform):
                pool.take(one.memory_mb, one.cpu, is_job=False)
            answers[one.id] = None
            continue
        place += 1
        answers[one.id] = _wait(one, place, own, platform)
        for pool in (own, platform):
            pool.queue(one.memory_mb, one.cpu, is_held=not own_fits)
        is_closed = is_closed or (own_fits and not fits and one.holds_up and _could_fit(one, platform))
    return answers


def _could_fit(one: Applicant, pool: Pool) -> bool:
    """Tell whether it fits once everything has ended."""
    return one.memory_mb <= pool.quota.memory_mb and one.cpu <= pool.quota.cpu + ROUNDING


def _wait(one: Applicant, place: int, own: Pool, platform: Pool) -> Wait:
    return Wait(
        place=place,
        memory_mb=one.memory_mb,
        cpu=one.cpu,
        own=own,
        platform=platform,
        own_mb=own.waiting_mb,
        own_cpu=own.waiting_cpu,
        all_mb=platform.waiting_mb - platform.held_mb + own.held_mb,
        all_cpu=platform.waiting_cpu - platform.held_cpu + own.held_cpu,
        starts_by=None,
    )
