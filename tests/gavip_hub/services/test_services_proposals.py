"""How much memory a job gets where its user chooses nothing, once its pipeline has run."""

from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avi_kernel.protocol.manifest import PipelineSpec, Resources
from avi_kernel.protocol.parameters import ParameterSpec
from avi_kernel.protocol.runs import Outcome
from gavip_hub.domain.ending import End
from gavip_hub.domain.predictor import FEWEST_RUNS, PastRun, Predictor, Traits
from gavip_hub.lately import Lately
from gavip_hub.services import proposals
from gavip_hub.services.proposals import KEPT_FOR, traits_of
from gavip_hub.storage import past
from gavip_hub.testing import EPOCH, exit_record
from tests.support.engine import Engine

DONE = Outcome(status="completed", started_at=EPOCH, ended_at=EPOCH)


def ran(engine, *, peak, reason="exited", **asked):
    """Run a job to its end."""
    job = engine.submit(**{"memory_mb": 2000, **asked}).id
    assert engine.lifecycle.claim_one(job)
    end = End(
        exit=exit_record(reason=reason, memory_peak_mb=peak), outcome=DONE if reason == "exited" else None
    )
    engine.lifecycle.finish_one(job, 1, end)
    engine.lifecycle.clear_one(job)
    engine.clock.advance(KEPT_FOR.total_seconds() + 1)
    return job


def memory(engine, **asked):
    job = engine.submit(**asked)
    return job.memory_mb, job.memory_source


def test_the_next_job_gets_what_past_runs_needed(engine):
    for number in range(FEWEST_RUNS):
        assert memory(engine, pipeline="big") == (300, "author")
        ran(engine, pipeline="big", peak=100.0 + number)
    assert memory(engine, pipeline="big") == (128, "past_runs")
    assert memory(engine, pipeline="big", memory_mb=64) == (64, "user")


def test_whose_size_past_runs_told_is_started_again_where_that_was_too_little(engine):
    assert not engine.submit(pipeline="big").again_with_more_memory
    for number in range(FEWEST_RUNS):
        ran(engine, pipeline="big", peak=100.0 + number)
    assert engine.submit(pipeline="big").again_with_more_memory
    assert not engine.submit(pipeline="big", memory_mb=64).again_with_more_memory


def test_what_one_pipeline_needed_says_nothing_of_another(engine):
    for _ in range(FEWEST_RUNS):
        ran(engine, pipeline="big", peak=100.0)
    assert memory(engine, pipeline="plot") == (100, "default")


def test_others_runs_count_once_they_are_many(engine):
    for number in range(FEWEST_RUNS):
        ran(engine, owner=f"user{number}", pipeline="big", peak=1000.0)
    assert memory(engine, owner="cid", pipeline="big") == (1216, "past_runs")


def test_of_single_people_nothing_is_told_but_to_themselves(engine):
    ran(engine, owner="bob", pipeline="big", peak=1000.0)
    assert memory(engine, owner="ann", pipeline="big") == (300, "author")
    assert memory(engine, owner="bob", pipeline="big") == (1216, "past_runs")


def test_never_more_than_the_pools_allow_is_proposed(database, tmp_path):
    engine = Engine(database=database, root=tmp_path, settings={"quota": {"memory_mb": 2000, "cpu": 8.0}})
    for _ in range(FEWEST_RUNS):
        ran(engine, pipeline="big", peak=1990.0)
    engine.config.quota = {"memory_mb": 1000, "cpu": 8.0}
    assert memory(engine, pipeline="big") == (1000, "past_runs")


def test_failed_runs_tell_nothing_unless_memory_failed_them(engine):
    for _ in range(FEWEST_RUNS):
        ran(engine, pipeline="big", peak=10.0, reason="time_limit")
    assert memory(engine, pipeline="big") == (300, "author")
    for _ in range(FEWEST_RUNS):
        ran(engine, pipeline="big", peak=500.0, memory_mb=500, reason="out_of_memory")
    assert memory(engine, pipeline="big")[0] >= 768


def test_nothing_is_learned_anew_until_another_run_ends(engine, monkeypatch):
    for _ in range(FEWEST_RUNS):
        ran(engine, pipeline="big", peak=100.0)
    first = memory(engine, pipeline="big")
    with monkeypatch.context() as patched:
        patched.setattr(past, "measured", None)
        engine.clock.advance(KEPT_FOR.total_seconds() + 1)
        assert memory(engine, pipeline="big") == first
    ran(engine, pipeline="big", peak=900.0)
    assert memory(engine, pipeline="big")[0] > first[0]


def test_what_takes_longer_than_a_glance_is_told_of_each_pipeline(engine, monkeypatch):
    monkeypatch.setattr(proposals, "SEEN_AT_A_GLANCE", 2)
    known = engine.jobs._proposals
    pipelines = [PipelineSpec(name=name, kind="notebook", path=f"{name}.ipynb") for name in ("big", "plot")]
    for pipeline, peak in (("big", 100.0), ("plot", 100.0), ("big", None)):
        ran(engine, pipeline=pipeline, peak=peak)
    assert known.at_a_glance("stars", pipelines) == {"plot"}
    assert known.at_a_glance("clusters", pipelines) == {"big", "plot"}
    known.propose(owner="ann", groups=[], avi="stars", pipeline=pipelines[0], parameters={})
    assert known.at_a_glance("stars", pipelines) == {"big", "plot"}


def test_only_so_many_pipelines_are_known_those_that_were_asked_for_last(engine, monkeypatch):
    monkeypatch.setattr(engine.jobs._proposals, "_known", Lately(most=2))
    for pipeline in ("big", "plot", "big", "grows"):
        memory(engine, pipeline=pipeline)
    with patch("gavip_hub.storage.past.newest_ended", wraps=past.newest_ended) as asked:
        for pipeline in ("big", "grows", "plot"):
            memory(engine, pipeline=pipeline)
    assert [call.kwargs["pipeline"] for call in asked.call_args_list] == ["plot"]


def test_what_ran_is_read_anew_after_a_while_also_by_a_clock_that_was_set_back(engine):
    for _ in range(FEWEST_RUNS):
        ran(engine, pipeline="big", peak=100.0)
    first = memory(engine, pipeline="big")
    for _ in range(FEWEST_RUNS):
        ran(engine, pipeline="big", peak=1000.0)
    engine.clock.set_by(-86_400)
    assert memory(engine, pipeline="big")[0] > first[0]


@pytest.mark.parametrize(
    ("spec", "value", "traits"),
    [
        (ParameterSpec(name="p", type="number", default=1.0), 2.5, Traits({"p": 2.5}, {})),
        (ParameterSpec(name="p", type="integer", default=1), 2, Traits({"p": 2.0}, {})),
        (ParameterSpec(name="p", type="boolean", default=False), True, Traits({}, {"p": True})),
        (ParameterSpec(name="p", default="a", choices=["a", "b"]), "b", Traits({}, {"p": "b"})),
        (ParameterSpec(name="p", default="a"), "SELECT 1", Traits({}, {})),
        (ParameterSpec(name="p", type="number", default=1.0), "of an older release", Traits({}, {})),
    ],
)
def test_numbers_choices_and_switches_may_tell_of_memory_and_free_text_does_not(spec, value, traits):
    assert traits_of([spec], {"p": value, "gone": 1}) == traits


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.floats(1, 5000), st.floats(allow_nan=False, allow_infinity=False)), max_size=12),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_whatever_number_somebody_types_there_is_a_proposal_or_none(made, asked):
    runs = [PastRun(peak_mb=peak, asked_mb=6000, traits=Traits({"n": number})) for peak, number in made]
    found = Predictor(runs).propose(Traits({"n": asked}), author_mb=100, most_mb=4096)
    assert found is None or 0 < found <= 4096


def test_the_authors_formula_stands_for_what_nothing_like_it_ran(engine):
    for n in range(FEWEST_RUNS):
        ran(engine, pipeline="grows", parameters={"n": 10 + n}, peak=50.0 + n)
    assert memory(engine, pipeline="grows", parameters={"n": 12})[1] == "past_runs"
    assert memory(engine, pipeline="grows", parameters={"n": 200}) == (2100, "expression")


def test_a_release_with_other_parameters_learns_of_those(engine):
    proposals = engine.jobs._proposals
    for n in range(FEWEST_RUNS):
        ran(engine, pipeline="grows", parameters={"n": 10 + n}, peak=50.0 + n)
    other = PipelineSpec(name="grows", kind="notebook", path="grows.ipynb", resources=Resources(memory=300))
    found = proposals.propose(owner="ann", groups=[], avi="stars", pipeline=other, parameters={})
    assert (found.source, found.past_mb, found.author_mb) == ("past_runs", 54, 300)


def test_older_runs_are_looked_through_where_the_newest_tell_nothing(engine):
    jobs = [ran(engine, pipeline="big", peak=peak) for peak in (100.0, 200.0, None, None, None)]
    with engine.database.reading() as session:
        found = {
            limit: [run.job for run in past.measured(session, avi="stars", pipeline="big", limit=limit)]
            for limit in (1, 2, 5)
        }
    assert found == {1: [], 2: [jobs[1], jobs[0]], 5: [jobs[1], jobs[0]]}
