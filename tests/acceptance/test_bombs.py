"""While somebody's job takes all it can of one thing, the pages of a neighbour's open interface come as before, nearly."""

import statistics
from collections.abc import Callable, Iterator

import pytest

from tests.support.avis import notebook, write_avi
from tests.support.bombs import BOMBS, Visitor, going_off, write_bombs
from tests.support.docker import IMAGE, need_engine
from tests.support.platform import Platform, platform_to_throw_away
from tests.support.published import publish

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.hub,
    pytest.mark.docker,
    pytest.mark.alone,
    pytest.mark.timeout(300),
]

NEIGHBOUR, BOMBER = "scientist", "developer"
PAGES = 20
SETTINGS = f"""
c.Gavip.bundled_avis = False
c.Gavip.images = {{"avi-python": "{IMAGE}", "notebook": "{IMAGE}"}}
"""
PLOT = """
import matplotlib.pyplot as plt, numpy as np
plt.plot(np.sin(np.linspace(0, 10, 500)))
plt.show()
"""


@pytest.fixture(scope="module")
def own() -> Iterator[Platform]:
    """A platform whose boxes are containers, with bombs published and a neighbour's interface open."""
    need_engine()
    with platform_to_throw_away("bombs", settings=SETTINGS, options=("--docker",)) as platform:
        beside = platform.root.parent
        publish(platform, "bombs", folder=write_bombs(beside / "bombs"))
        publish(platform, "plot", folder=write_avi(beside / "plot", {"app.ipynb": notebook(PLOT)}))
        platform.open_avi("plot", NEIGHBOUR)
        yield platform


@pytest.fixture
def neighbour(own: Platform) -> Iterator[Visitor]:
    """Who looks at the interface."""
    with own.signed_in(NEIGHBOUR) as browser:
        visitor = Visitor(browser, own.avi_url("plot", NEIGHBOUR))
        visitor.page_time()  # signs in at the interface's own origin
        yield visitor


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_neighbours_pages_come_while_it_goes_off(
    own: Platform, neighbour: Visitor, bomb: str, record_testsuite_property: Callable[[str, object], None]
) -> None:
    normal = statistics.median(neighbour.page_time() for _ in range(PAGES))
    with going_off(own, BOMBER, bomb) as acts:
        seen = [(acts(), neighbour.page_time()) for _ in range(PAGES)] + [(acts(), 0.0)]
    marks = [mark for mark, _ in seen]
    meanwhile = statistics.median(took for _, took in seen[:-1])
    told = (
        f"{bomb}: {normal:.3f} s, meanwhile {meanwhile:.3f} s: {meanwhile / normal:.2f} times; acts {marks}"
    )
    record_testsuite_property(bomb, told)
    assert marks[0] < marks[PAGES // 2] < marks[PAGES], told
    assert meanwhile <= 2 * normal, told
