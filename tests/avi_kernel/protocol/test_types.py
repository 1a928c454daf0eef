"""Numbers that travel are numbers: what the document calls a wrong type is refused, not turned into one."""

import pytest
from pydantic import ValidationError

from avi_kernel.protocol.api import JobSubmit
from avi_kernel.protocol.runs import Progress


@pytest.mark.parametrize("wrong", [True, "0.5"])
def test_a_fraction_is_a_number(wrong):
    assert Progress(fraction=1).fraction == 1.0
    with pytest.raises(ValidationError):
        Progress(fraction=wrong)


@pytest.mark.parametrize("wrong", [True, "512", 512.0])
def test_memory_and_counts_are_whole_numbers(wrong):
    assert JobSubmit(avi="stars", pipeline="count", memory_mb=512).memory_mb == 512
    with pytest.raises(ValidationError):
        JobSubmit(avi="stars", pipeline="count", memory_mb=wrong)
    with pytest.raises(ValidationError):
        Progress(cell=wrong)
