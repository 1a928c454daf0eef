"""What becomes of a job whose container is gone, case by case."""

import pytest

from avi_kernel.protocol.runs import JobError, Outcome, ResultEntry
from gavip_hub.domain.ending import CANCELLED, TIME_LIMIT, End, Stint, judge, why_ended
from gavip_hub.domain.job import AttemptState, JobState
from gavip_hub.testing import EPOCH, exit_record

PLOT = ResultEntry(name="plot.png", size=1, sha256="0" * 64)
TOLD = JobError(code="raised", message="ValueError: no stars", cell=3, source="plot()", step="plot")


def stint(attempt=1, stop_code=None, **more):
    return Stint(attempt=attempt, memory_mb=300, time_limit=5400, stop_code=stop_code, **more)


def outcome(status="completed", error=None):
    return Outcome(status=status, results=[PLOT], error=error, started_at=EPOCH, ended_at=EPOCH)


def failed():
    return outcome("error", TOLD)


def test_a_success_is_a_success():
    verdict = judge(stint(), End(exit=exit_record(), outcome=outcome()))
    assert (verdict.state, verdict.results, verdict.error) == (JobState.COMPLETED, (PLOT,), None)


@pytest.mark.parametrize("record", [None, exit_record(code=137, reason="stopped"), exit_record(code=1)])
def test_work_that_is_done_stays_done_whatever_the_container_did(record):
    assert judge(stint(), End(exit=record, outcome=outcome())).state is JobState.COMPLETED


def test_an_error_of_the_pipeline_is_told_as_it_was_and_keeps_its_results():
    verdict = judge(stint(), End(exit=exit_record(code=1), outcome=failed()))
    assert (verdict.state, verdict.error, verdict.results) == (JobState.ERROR, TOLD, (PLOT,))


def test_a_cancelled_job_is_aborted():
    assert (
        judge(stint(stop_code=CANCELLED), End(exit=exit_record(code=143, reason="stopped"))).state
        is JobState.ABORTED
    )
    assert judge(stint(stop_code=CANCELLED), End()).state is JobState.ABORTED


def test_out_of_memory_is_said_in_words_with_numbers():
    error = judge(
        stint(), End(exit=exit_record(code=137, reason="out_of_memory", memory_peak_mb=299.6))
    ).error
    assert error.code == "out_of_memory"
    assert "300 MB" in error.message
    assert "asked for 300 MB of memory, reached 300 MB" in error.message
    assert "more memory" in error.hint


def test_out_of_memory_tells_the_cell_where_the_kernel_died():
    verdict = judge(stint(), End(exit=exit_record(code=1, reason="out_of_memory"), outcome=failed()))
    assert (verdict.error.code, verdict.error.cell, verdict.error.source) == ("out_of_memory", 3, "plot()")


def test_what_a_job_may_write_is_said_in_words():
    record = exit_record(
        code=137, reason="too_much_written", message="it wrote more than the 8 MB that it may"
    )
    verdict = judge(stint(), End(exit=record))
    assert (verdict.state, verdict.error.code) == (JobState.ERROR, "too_much_written")
    assert "it wrote more than the 8 MB that it may" in verdict.error.message
    assert "select less data" in verdict.error.hint


@pytest.mark.parametrize(
    ("stop_code", "reason"), [(None, "time_limit"), (TIME_LIMIT, "stopped"), (TIME_LIMIT, "exited")]
)
def test_the_time_limit_is_said_in_words(stop_code, reason):
    error = judge(stint(stop_code=stop_code), End(exit=exit_record(code=143, reason=reason))).error
    assert (error.code, "1 h 30 min" in error.message) == ("time_limit", True)


def test_a_lost_container_of_a_job_past_its_time_is_not_tried_again():
    assert judge(stint(stop_code=TIME_LIMIT), End()).state is JobState.ERROR


def test_leaving_without_a_word_is_told_with_the_exit_status():
    error = judge(stint(), End(exit=exit_record(code=3))).error
    assert (error.code, "exit status 3" in error.message) == ("exited", True)


def test_an_outcome_that_cannot_be_used_is_an_error_that_says_why():
    error = judge(stint(), End(exit=exit_record(), defect="two results have the same name.")).error
    assert (error.code, "two results" in error.message) == ("bad_outcome", True)


def test_a_success_with_something_amiss_is_an_error_that_keeps_its_results():
    verdict = judge(stint(), End(exit=exit_record(), outcome=outcome(), defect="it went too deep."))
    assert (verdict.state, verdict.error.code, verdict.results) == (JobState.ERROR, "bad_outcome", (PLOT,))


@pytest.mark.parametrize(
    "end",
    [
        End(),
        End(failure="Its container could not be started: no image."),
        End(exit=exit_record(code=125, reason="failed_to_start", message="no such folder")),
        End(exit=exit_record(code=143, reason="stopped")),
    ],
)
def test_a_platform_failure_is_tried_again(end):
    verdict = judge(stint(attempt=2), end)
    assert (verdict.state, verdict.attempt_state) == (JobState.QUEUED, AttemptState.FAILED)
    assert verdict.failure


def test_after_three_platform_failures_the_job_is_told_that_it_is_not_to_blame():
    verdict = judge(stint(attempt=3), End())
    assert (verdict.state, verdict.error.code) == (JobState.ERROR, "platform")
    assert "not your job" in verdict.error.message
    assert "3 times" in verdict.error.message


def test_an_error_of_a_lost_container_is_the_jobs_own():
    assert judge(stint(), End(outcome=failed())).error == TOLD


def test_endless_words_of_an_engine_are_cut():
    verdict = judge(stint(attempt=3), End(failure="no " * 5000))
    assert len(verdict.error.message) < 2000


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (exit_record(reason="stopped", code=143), ""),
        (
            exit_record(reason="out_of_memory", message="it needed more than its 400 MB"),
            "more than its 400 MB",
        ),
        (exit_record(code=3), "exit status 3"),
        (None, "no record"),
    ],
)
def test_a_server_says_why_it_ended_unless_somebody_asked(record, words):
    told = why_ended(record)
    assert words in told
    assert bool(told) == bool(words)


def test_the_cell_that_ran_is_told_where_the_platform_ended_a_job():
    there = stint(step="plot", cell=6)
    memory = judge(there, End(exit=exit_record(code=137, reason="out_of_memory", memory_peak_mb=299.6))).error
    assert "reached 300 MB in cell 7 of plot" in memory.message
    time = judge(there, End(exit=exit_record(code=143, reason="time_limit"))).error
    assert time.message.endswith("was ended in cell 7 of plot.")
    assert (time.step, time.cell) == ("plot", 6)
