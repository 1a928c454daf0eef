"""Releases are tried by jobs of their submitters', and what these leave is shown."""

import json

import pytest

from avi_kernel.protocol.called import Called
from avi_kernel.protocol.check_needs import memory_for_check
from avi_kernel.protocol.manifest import ReleaseSpec
from avi_kernel.protocol.runs import Outcome
from avi_kernel.protocol.scorecard import TITLES, HostCall, Mark, Scorecard, unjudged
from gavip_hub.exceptions import Forbidden, NotFound
from gavip_hub.services.checks import CheckService
from gavip_hub.storage import checks, releases
from gavip_hub.testing import EPOCH, exit_record

RELEASE = {"avi": "stars", "version": "1.0"}
CARD = Scorecard(
    marks=unjudged([Mark(key="tests", state="passed", sentence="All pass.")], reason="Not looked at."),
    checked_at=EPOCH,
)


@pytest.fixture
def service(engine):
    return CheckService(
        database=engine.database,
        jobs=engine.jobs,
        folders=engine.folders,
        quotas=engine.quotas,
        config=engine.config,
        clock=engine.clock,
    )


def view(service):
    return service.view(viewer="dora", **RELEASE)


async def ended(engine, service, results, *, ends="COMPLETED", called=(), **outcome):
    """Have the release checked, by a job that leaves these results, and return what is shown then."""
    service.ask(author="dora", **RELEASE)
    service.look()
    job = view(service).job
    async with engine.loop():
        await engine.until_state(job, "RUNNING", owner="dora")
        engine.backend.engine.containers[f"gavip-{job}-1"].called += called
        report(engine, job, results, **outcome)
        engine.backend.engine.end(f"gavip-{job}-1", exit_record())
        await engine.until_state(job, ends, owner="dora")
    service.look()
    return view(service)


def report(engine, job, results, **outcome):
    """Report the end of a check as its runner does: with the token that is its alone."""
    engine.write_outcome(job, results=results, **outcome)
    file = engine.root / f"attempts/gavip-{job}-1/outcome.json"
    engine.attempts.record_outcome(
        engine.token(f"gavip-{job}-1"), Outcome.model_validate_json(file.read_bytes())
    )
    file.write_text(json.dumps({"status": "error", "results": []}))  # whatever the AVI's code puts there


def test_nothing_is_checked_unless_it_is_wanted(engine, service):
    service.look()
    assert view(service).wanted is False
    assert engine.jobs.page(owner="dora").items == []


async def test_a_check_leaves_its_scorecard_and_badges(engine, service):
    found = await ended(engine, service, {"scorecard.json": CARD.model_dump_json().encode()})
    assert found.scorecard.marks == CARD.with_calls([]).marks
    with engine.database.reading() as session:
        release = releases.one(session, **RELEASE)
        words = [badge["words"] for badge in checks.badges(session, [release.id])[release.id]]
    assert words == ["Tested", "Declared hosts"]


async def test_others_are_told_what_was_found_and_no_line_of_the_code(engine, service):
    own = Mark(key="tests", state="failed", sentence="One fails.", change="Mend it.", details=["line 1: x"])
    card = Scorecard(marks=unjudged([own], reason=""), checked_at=EPOCH)
    told = await ended(engine, service, {"scorecard.json": card.model_dump_json().encode()})
    assert told.scorecard.mark("tests") == own
    others = service.view(viewer="ann", **RELEASE)
    assert others.job is None
    assert others.scorecard.mark("tests") == Mark(key="tests", state="failed", sentence="One fails.")


async def test_when_it_was_checked_is_the_platforms_word(engine, service):
    text = CARD.model_dump_json().replace("2026-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00").encode()
    found = await ended(engine, service, {"scorecard.json": text})
    assert found.scorecard.checked_at >= EPOCH


def test_a_check_that_goes_on_is_not_begun_anew(service):
    service.ask(author="dora", **RELEASE)
    service.look()
    first = view(service).job
    assert service.ask(author="dora", **RELEASE).job == first


async def test_a_check_sees_the_avi_and_nothing_of_its_owners(engine, service):
    service.ask(author="dora", **RELEASE)
    service.look()
    job = view(service).job
    async with engine.loop():
        await engine.until_state(job, "RUNNING", owner="dora")
        spec = engine.backend.engine.containers[f"gavip-{job}-1"].spec
    assert [(mount.target, mount.writable) for mount in spec.mounts] == [("/avi", False), ("/attempt", True)]
    assert spec.env["GAVIP_NO_KERNEL"] == "1"


async def test_an_avi_that_writes_an_outcome_and_ends_the_runner_gets_no_scorecard(engine, service):
    service.ask(author="dora", **RELEASE)
    service.look()
    job = view(service).job
    async with engine.loop():
        await engine.until_state(job, "RUNNING", owner="dora")
        engine.write_outcome(job, results={"scorecard.json": CARD.model_dump_json().encode()})
        engine.backend.engine.end(f"gavip-{job}-1", exit_record(code=137))
        await engine.until_state(job, "ERROR", owner="dora")
    service.look()
    assert "exit status 137 before it reported" in view(service).scorecard.marks[0].sentence


@pytest.mark.parametrize("text", [b"", b"noise", b"{}", b'{"marks": []}', b"[" * 100_000])
async def test_a_scorecard_that_is_none_is_told_in_every_mark(engine, service, text):
    found = await ended(engine, service, {"scorecard.json": text})
    assert {mark.state for mark in found.scorecard.marks} == {"skipped"}
    assert found.scorecard.marks[0].sentence == "Its check left no scorecard that could be read."
    assert len(found.scorecard.marks) == len(TITLES)


async def test_a_check_that_fails_tells_why(engine, service):
    error = {"code": "raised", "message": "There was no memory."}
    found = await ended(engine, service, {}, ends="ERROR", status="error", error=error)
    assert found.scorecard.marks[0].sentence == "Its check did not end well: There was no memory."


def test_a_check_that_was_deleted_is_told(engine, service):
    service.ask(author="dora", **RELEASE)
    service.look()
    engine.jobs.delete(owner="dora", job=view(service).job)
    service.look()
    assert view(service).scorecard.marks[0].sentence == "Its check was deleted."


def test_its_authors_alone_have_it_checked(service):
    with pytest.raises(Forbidden, match="stars is dora's"):
        service.ask(author="ann", **RELEASE)


def test_what_is_not_there_is_not_found(service):
    with pytest.raises(NotFound, match=r"no release 9\.9 of 'stars'"):
        service.view(viewer="ann", avi="stars", version="9.9")


def test_asked_again_it_is_checked_again(engine, service):
    service.ask(author="dora", **RELEASE)
    service.look()
    first = view(service).job
    engine.jobs.cancel(owner="dora", job=first)
    service.look()
    service.ask(author="dora", **RELEASE)
    service.look()
    assert view(service).job not in {first, None}


def test_a_check_asks_for_what_its_runs_need(engine, service):
    service.ask(author="dora", **RELEASE)
    service.look()
    with engine.database.reading() as session:
        spec = ReleaseSpec.model_validate(releases.one(session, **RELEASE).spec)
    assert asked_mb(engine, service) == memory_for_check(spec) < engine.config.check_memory_mb


def test_a_check_asks_for_no_more_than_its_owners_pool_holds(engine, service):
    engine.config.quota = {**engine.config.quota, "memory_mb": 400}
    service.ask(author="dora", **RELEASE)
    service.look()
    assert asked_mb(engine, service) == 400


def asked_mb(engine, service):
    return engine.jobs.get(owner="dora", job=view(service).job).memory_mb


async def test_whom_it_called_is_the_boxs_own_record_and_not_its_word(engine, service):
    called = [Called(host="far.example", port=443, times=2), Called(host="gea.esac.esa.int", port=443)]
    found = await ended(engine, service, {"scorecard.json": CARD.model_dump_json().encode()}, called=called)
    assert found.scorecard.mark("hosts").state == "failed"
    assert [(call.host, call.declared, call.times) for call in found.scorecard.hosts] == [
        ("far.example", False, 2),
        ("gea.esac.esa.int", True, 1),
    ]


async def test_what_an_avi_tells_against_itself_is_believed_and_nothing_else(engine, service):
    told = [
        HostCall(host="far.example", declared=True),
        HostCall(host="gea.esac.esa.int", port=443, declared=True),
    ]
    card = CARD.model_copy(update={"hosts": told})
    found = await ended(engine, service, {"scorecard.json": card.model_dump_json().encode()})
    assert [(call.host, call.declared) for call in found.scorecard.hosts] == [("far.example", False)]


async def test_a_record_that_is_gone_is_told(engine, service, monkeypatch):
    async def nothing(_handle):
        return None

    monkeypatch.setattr(engine.backend, "called", nothing)
    found = await ended(engine, service, {"scorecard.json": CARD.model_dump_json().encode()})
    mark = found.scorecard.mark("hosts")
    assert (mark.state, "no whole record of what its box called" in mark.sentence) == ("skipped", True)
