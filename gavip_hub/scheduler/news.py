"""What a pass of the scheduler has to tell the owners of jobs that wait."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from gavip_hub.domain.policy import Ranking, Waiting
from gavip_hub.domain.waits import Wait

FRONT = 500
"""Places at the front of the queue of which every pass tells what is new."""


def news_of(ranking: Ranking, pending: Sequence[Waiting], *, all_of_them: bool) -> dict[str, Wait]:
    """Return why jobs wait, of those whose owners were told something else or nothing yet.

    Parameters
    ----------
    all_of_them
        Look at the far end of the queue too: to put all of that in words at every pass would take longer than the pass.
    """
    told = {job.job: job.told for job in pending}
    return {
        job: wait
        for job, wait in ranking
        if wait is not None
        and job in told  # a policy may be anybody's
        and (all_of_them or wait.place <= FRONT or not told[job].reason)
        and wait.told != told[job]
    }


def slices(news: Mapping[str, Wait], size: int) -> Iterator[dict[str, Wait]]:
    """Cut news into parts of so many jobs."""
    items = iter(news.items())
    while part := dict(islice(items, size)):
        yield part
