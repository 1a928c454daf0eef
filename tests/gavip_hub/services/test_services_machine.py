"""Jobs, servers and the ledger under random orders of everything that can happen: a model checked after every step."""

from collections.abc import Callable

import pytest

from tests.support.ledger import JobsAndLedger
from tests.support.walks import STORED_EVENTS, walk


@pytest.mark.timeout(3600)
def test_whatever_happens_ledger_and_jobs_agree_and_no_job_is_lost(
    request: pytest.FixtureRequest, tell: Callable[[str], None]
) -> None:
    walked = walk(JobsAndLedger, events=STORED_EVENTS, number=request.getfixturevalue("seed"), steps=40)
    tell(f"jobs and ledger: {walked}")
    assert walked.count.total() >= STORED_EVENTS
