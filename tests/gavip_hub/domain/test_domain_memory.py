"""How much memory a job tries next."""

import pytest

from gavip_hub.domain.memory import more_after


@pytest.mark.parametrize(
    ("asked", "peak", "most", "more"),
    [(700, 699.0, 4096, 1088), (100, 400.0, 4096, 576), (3000, None, 4096, 4096), (4096, 4096.0, 4096, None)],
)
def test_after_out_of_memory_more_is_proposed_as_far_as_the_pool_goes(asked, peak, most, more):
    assert more_after(asked, peak_mb=peak, most_mb=most) == more
