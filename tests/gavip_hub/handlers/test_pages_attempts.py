"""What a job's page says of its attempts."""

from avi_kernel.protocol.api import AttemptView, Phase
from gavip_hub.handlers.job_pages import more_memory_of
from tests.support.portal import NOW, job


def attempts(*given, ended="out_of_memory"):
    """Return attempts that were given so much, of which all but the newest ran out of it."""
    return [
        AttemptView(number=n, state="ERROR", started_at=NOW, memory_mb=mb, exit_reason=reason)
        for n, (mb, reason) in enumerate(
            zip(given, ["out_of_memory"] * (len(given) - 1) + [ended], strict=True), 1
        )
    ]


def test_a_page_says_how_much_more_memory_a_job_was_started_again_with():
    shown = job(Phase.COMPLETED, attempts=attempts(512, 768, ended="exited"), memory_mb=768)
    assert more_memory_of(shown) == ["It ran out of memory at 512 MB and was started again with 768 MB."]


def test_a_page_says_what_a_job_waits_to_be_started_again_with():
    shown = job(Phase.QUEUED, attempts=attempts(512), memory_mb=768)
    assert more_memory_of(shown) == ["It ran out of memory at 512 MB and is to be started again with 768 MB."]


def test_of_a_job_that_ended_at_its_last_attempt_the_page_promises_nothing():
    shown = job(Phase.ERROR, attempts=attempts(512), memory_mb=512)
    assert more_memory_of(shown) == []
