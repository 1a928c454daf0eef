"""Whatever is killed while a job is in a container, the engine itself as well: the job ends right, once.

The same sixty kills as on this machine's own processes, and those of what stands beside a container.
"""

from collections.abc import Iterator

import pytest

from tests.support.docker import need_engine
from tests.support.killing import ROUNDS, VICTIMS, kill_beside, kill_engine, killed, room_for_one
from tests.support.platform import Platform
from tests.support.writing import POINTS

pytestmark = [pytest.mark.hub, pytest.mark.docker, pytest.mark.acceptance, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def own() -> Iterator[Platform]:
    need_engine()
    with room_for_one("--docker") as platform:
        yield platform


@pytest.mark.parametrize("turn", range(ROUNDS))
@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("point", POINTS)
def test_a_job_ends_right_and_once_whatever_is_killed(
    own: Platform, point: str, victim: str, turn: int
) -> None:
    killed(own, point, VICTIMS[victim])


@pytest.mark.parametrize("point", POINTS)
def test_a_job_ends_right_where_steward_and_doorkeeper_are_killed(own: Platform, point: str) -> None:
    killed(own, point, kill_beside)


@pytest.mark.alone
@pytest.mark.parametrize("point", POINTS)
def test_a_job_ends_right_where_the_engine_is_killed(own: Platform, point: str) -> None:
    killed(own, point, kill_engine)
