"""Whatever is killed, at whatever point of a job: the job ends right, once, and nothing is left over.

Each of five points of a job meets each of four victims three times: sixty kills, ninety processes.
"""

from collections.abc import Iterator

import pytest

from tests.support.killing import ROUNDS, VICTIMS, killed, room_for_one
from tests.support.platform import Platform
from tests.support.writing import POINTS

pytestmark = [pytest.mark.hub, pytest.mark.acceptance, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def own() -> Iterator[Platform]:
    with room_for_one() as platform:
        yield platform


@pytest.mark.parametrize("turn", range(ROUNDS))
@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("point", POINTS)
def test_a_job_ends_right_and_once_whatever_is_killed(
    own: Platform, point: str, victim: str, turn: int
) -> None:
    killed(own, point, VICTIMS[victim])
