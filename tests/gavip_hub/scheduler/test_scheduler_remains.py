"""Folders that a stranger filled: whatever is in them, their jobs end."""

import pytest

from gavip_hub.scheduler.remains import STORE_TRIES
from gavip_hub.testing import (
    NeverStops,
    exit_record,
)
from tests.support.folders import nest
from tests.support.looping import backed, error, name


@pytest.mark.parametrize("kind", ["link", "folder"])
async def test_an_outcome_that_is_no_file_is_none(engine, kind, tmp_path):
    job = engine.submit().id
    async with engine.loop():
        await engine.until_state(job, "RUNNING")
        place = engine.root / "attempts" / name(job) / "outcome.json"
        if kind == "link":
            engine.write_outcome(job)
            place.rename(tmp_path / "elsewhere.json")
            place.symlink_to(tmp_path / "elsewhere.json")
        else:
            place.mkdir()
        engine.backend.engine.end(name(job), exit_record())
        await engine.until_state(job, "ERROR")
    assert error(engine, job).code == "exited"


async def test_a_job_that_nests_folders_without_end_ends_and_keeps_the_rest(engine):
    job = engine.submit().id
    async with engine.loop():
        await engine.until_state(job, "RUNNING")
        nest(engine.root / "attempts" / name(job) / "results", 1500)
        engine.complete(job, results={"plot.png": b"pixels"})
        await engine.until_state(job, "ERROR")
        await engine.until(lambda: not engine.lifecycle.leftovers())
    assert (error(engine, job).code, "deep" in error(engine, job).message) == ("bad_outcome", True)
    assert [entry.name for entry in engine.jobs.get(owner="ann", job=job).results] == ["plot.png"]


async def test_a_folder_that_cannot_be_stored_keeps_no_job_and_is_stored_later(engine, monkeypatch):
    job = engine.submit().id
    tries, stored = [], engine.folders.finished

    def full(**path):
        tries.append(path)
        raise RecursionError

    async with engine.loop():
        await engine.until_state(job, "RUNNING")
        engine.complete(job)
        monkeypatch.setattr(engine.folders, "finished", full)
        await engine.until_state(job, "COMPLETED")
        assert len(tries) == STORE_TRIES
        monkeypatch.setattr(engine.folders, "finished", stored)
        await engine.until(lambda: not engine.folders.unfinished())
    assert (engine.root / "users" / "ann" / "jobs" / job / "1" / "results" / "out.txt").exists()


async def test_an_outcome_that_cannot_be_read_keeps_no_job(engine, monkeypatch):
    job = engine.submit().id

    def unreadable(**path):
        raise RecursionError

    async with engine.loop():
        await engine.until_state(job, "RUNNING")
        engine.complete(job)
        monkeypatch.setattr(engine.folders, "read", unreadable)
        await engine.until_state(job, "ERROR")
    assert error(engine, job).code == "bad_outcome"


async def test_waiting_for_an_end_costs_no_try_of_storing_it(database, tmp_path, monkeypatch):
    """The container takes many looks to end; the first trouble with its folder afterwards is only the first."""
    engine = backed(database, tmp_path, NeverStops())
    job, tries, stored = engine.submit().id, [], engine.folders.finished

    def full_for_a_moment(**path):
        tries.append(path)
        if len(tries) < STORE_TRIES:
            raise OSError
        return stored(**path)

    monkeypatch.setattr(engine.folders, "finished", full_for_a_moment)
    async with engine.loop():
        await engine.until_state(job, "RUNNING")
        engine.jobs.cancel(owner="ann", job=job)
        await engine.until(lambda: len(engine.backend.asked) > STORE_TRIES + 1)
        engine.backend.relent = True
        await engine.until_state(job, "ABORTED")
    assert len(tries) >= STORE_TRIES
