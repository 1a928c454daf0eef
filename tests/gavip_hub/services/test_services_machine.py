"""Jobs, servers and the ledger under random orders of everything that can happen: a model checked after every step."""

import pytest

from tests.support.ledger import JobsAndLedger
from tests.support.walks import STORED_EVENTS, walk_and_tell

ENOUGH = 5000
"""Events among which each kind is for certain; `make acceptance` walks more."""
KINDS = {"start", "opened", "run", "finish", "more memory", "cancel", "clear", "purged", "tend", "restart"}


@pytest.mark.timeout(3600)
def test_whatever_happens_ledger_and_jobs_agree_and_no_job_is_lost(request: pytest.FixtureRequest) -> None:
    count = walk_and_tell(request, JobsAndLedger, "jobs and ledger", events=STORED_EVENTS, steps=40)
    assert STORED_EVENTS < ENOUGH or count.keys() >= KINDS
