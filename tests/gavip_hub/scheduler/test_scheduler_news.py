"""What a pass tells: news at the front of the queue, and now and then at its far end."""

from dataclasses import replace

from gavip_hub.domain.plan import plan
from gavip_hub.scheduler.news import FRONT, Reach, news_of
from tests.support.queues import snapshot, waiting


def a_queue(many, told=None):
    """Return a queue on a platform without room, and its ranking."""
    jobs = [waiting(number) for number in range(many)]
    ranking = plan(jobs, snapshot(platform_mb=50))
    if told:
        jobs = [replace(job, told=told) for job in jobs]
    return ranking, jobs


def test_who_was_told_nothing_is_told_wherever_they_stand():
    ranking, jobs = a_queue(FRONT + 10)
    assert len(news_of(ranking, jobs, Reach.FRONT_AND_NEW)) == FRONT + 10


def test_what_is_known_is_not_told_again():
    ranking, jobs = a_queue(3)
    known = [replace(job, told=ranked.wait.told) for job, ranked in zip(jobs, ranking, strict=True)]
    assert news_of(ranking, known, Reach.ALL) == {}


def test_far_back_news_comes_now_and_then_only():
    ranking, jobs = a_queue(FRONT + 10, told=waiting(0).told._replace(reason="something old"))
    assert len(news_of(ranking, jobs, Reach.FRONT_AND_NEW)) == FRONT
    assert len(news_of(ranking, jobs, Reach.ALL)) == FRONT + 10
