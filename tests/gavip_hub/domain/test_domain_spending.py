"""What was used weighs half as much a day later, whatever is done to the clock."""

from datetime import timedelta

import pytest

from gavip_hub.domain.policies import FairShare
from gavip_hub.domain.quota import Quota
from gavip_hub.domain.spending import HALF_LIFE, Spent
from gavip_hub.testing import EPOCH
from tests.support.queues import running, snapshot, waiting

HOUR = timedelta(hours=1)
WHOLE = Quota(memory_mb=1000, cpu=10.0)


def used(spent, *, hours=1, at=EPOCH):
    return spent.plus(memory_mb=100, cpu=1.0, since=at, until=at + hours * HOUR)


def test_an_hour_of_a_tenth_is_a_tenth_of_an_hour():
    assert used(Spent(at=EPOCH)).seconds_of(WHOLE) == pytest.approx(360, rel=0.02)


def test_half_is_forgotten_every_day():
    spent = used(Spent(at=EPOCH))
    assert spent.later(spent.at + HALF_LIFE).cpu == pytest.approx(spent.cpu / 2)


def test_a_clock_that_was_ahead_forgets_nothing_of_what_comes_then():
    ahead = used(Spent(at=EPOCH), at=EPOCH + timedelta(days=30))
    again = used(ahead)
    assert again.cpu == pytest.approx(ahead.cpu + used(Spent(at=EPOCH)).cpu)
    assert again.at == EPOCH + HOUR


def test_a_clock_that_was_set_back_puts_nobody_behind():
    early = waiting(1, owner="ann", queued_at=EPOCH + timedelta(days=1))
    ahead = running("ann", memory_mb=100)
    ahead = type(ahead)(
        **{name: getattr(ahead, name) for name in ahead.__slots__} | {"since": EPOCH + 5 * HOUR}
    )
    there = snapshot(holdings=[ahead], spent={"bob": 20.0})
    order = [ranked.job for ranked in FairShare().rank([early, waiting(2, owner="bob")], there)]
    assert order == ["j1", "j2"]
