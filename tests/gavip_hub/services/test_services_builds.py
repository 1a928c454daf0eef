"""Releases come to their packages by a job, of which nothing is believed but the content of its files."""

import hashlib
import json

import pytest

from avi_kernel.protocol.environments import Lock, LockedWheel
from gavip_hub.exceptions import Conflict, Forbidden, NotFound
from gavip_hub.services.builds import BuildService
from gavip_hub.services.rebuilds import RebuildService
from gavip_hub.storage import releases
from gavip_hub.storage.disk import DiskSpace
from gavip_hub.storage.environments import Environments, Wheels
from tests.support.package_index import wheel

STAR = wheel("starword", "1.0", {"starword.py": "WORD = 'Vega'\n"})


@pytest.fixture
def builds(engine):
    """What looks after builds, and a release that waits for its packages."""
    wheels = Wheels(root=engine.root)
    with engine.database.transaction() as session:
        releases.one(session, avi="stars", version="1.0").state = "BUILDING"
    return BuildService(
        database=engine.database,
        jobs=engine.jobs,
        folders=engine.folders,
        wheels=wheels,
        environments=Environments(root=engine.root, wheels=wheels, most_mb=1),
        config=engine.config,
        disk=DiskSpace(root=engine.root, reserve_mb=0),
    )


def release(engine):
    with engine.database.reading() as session:
        return releases.one(session, avi="stars", version="1.0")


def locked(filename, content):
    digest = hashlib.sha256(content).hexdigest()
    return LockedWheel(name="starword", version="1.0", filename=filename, sha256=digest, size=len(content))


async def built(engine, builds, results, **outcome):
    """Begin the build, have it end with these results, and look at it."""
    builds.look()
    job = release(engine).build
    async with engine.loop():
        await engine.until_state(job, "RUNNING", owner="dora")
        engine.write_outcome(job, results=results, **outcome)
        engine.complete(job, results=results)
        await engine.until_state(job, "COMPLETED", owner="dora")
    builds.look()
    return release(engine)


async def test_a_build_sees_the_avi_and_nothing_of_its_owners(engine, builds):
    builds.look()
    job = release(engine).build
    async with engine.loop():
        await engine.until_state(job, "RUNNING", owner="dora")
        spec = engine.backend.engine.containers[f"gavip-{job}-1"].spec
    assert [(mount.target, mount.writable) for mount in spec.mounts] == [("/avi", False), ("/attempt", True)]
    assert spec.allowed_hosts == ("pypi.org", "files.pythonhosted.org")


async def test_what_a_build_left_becomes_the_releases_packages(engine, builds):
    lock = Lock(wheels=[locked(*STAR)])
    results = {"environment.json": lock.model_dump_json().encode(), lock.wheels[0].result: STAR[1]}
    ready = await built(engine, builds, results)
    assert (ready.state, ready.environment, ready.reason) == ("READY", lock.digest, "")
    assert (engine.root / "environments" / lock.digest / "lib" / "starword.py").is_file()


async def test_a_build_that_had_nothing_to_fetch_leaves_no_environment(engine, builds):
    ready = await built(engine, builds, {"environment.json": Lock().model_dump_json().encode()})
    assert (ready.state, ready.environment) == ("READY", None)


async def test_a_file_under_the_hash_of_another_one_is_not_taken(engine, builds):
    lock = Lock(wheels=[locked(*STAR)])
    evil = wheel("starword", "1.0", {"starword.py": "WORD = 'evil'\n"})[1]
    results = {"environment.json": lock.model_dump_json().encode(), lock.wheels[0].result: evil}
    failed = await built(engine, builds, results)
    assert (failed.state, failed.reason) == (
        "FAILED",
        "The file of starword is another one than its build said.",
    )
    assert not (engine.root / "environments").exists()


@pytest.mark.parametrize("lock", [b"", b"noise", b'{"wheels": [{"filename": "../x.whl"}]}', b"[" * 100_000])
async def test_a_list_that_is_none_is_told(engine, builds, lock):
    failed = await built(engine, builds, {"environment.json": lock})
    assert failed.state == "FAILED"
    assert "list of packages" in failed.reason


async def test_a_list_that_is_missing_is_told(engine, builds):
    failed = await built(engine, builds, {"other.txt": b"x"})
    assert failed.state == "FAILED"
    assert "list of packages" in failed.reason


def test_a_build_that_was_cancelled_or_deleted_is_told(engine, builds):
    builds.look()
    engine.jobs.delete(owner="dora", job=release(engine).build)
    builds.look()
    assert (release(engine).state, release(engine).reason) == (
        "FAILED",
        "Its build was deleted before it ended.",
    )


def test_a_build_that_finds_no_place_waits_and_says_so(engine, builds):
    engine.config.quota = {**engine.config.quota, "jobs": 0}
    builds.look()
    assert release(engine).state == "BUILDING"
    assert release(engine).reason.startswith("Its build waits: ")


def test_a_release_that_brings_trouble_is_passed_over(engine, builds, monkeypatch):
    def trouble(_release):
        raise RuntimeError("it is encrypted")

    monkeypatch.setattr(builds, "_look_at", trouble)
    builds.look()
    assert release(engine).state == "BUILDING"


def test_one_build_is_begun_however_often_it_is_looked_at(engine, builds):
    builds.look()
    first = release(engine).build
    builds.look()
    assert release(engine).build == first
    assert [job.id for job in engine.jobs.page(owner="dora").items] == [first]


def test_a_lock_is_named_by_its_files_alone():
    one, other = locked(*STAR), locked("zither-1.0-py3-none-any.whl", b"z")
    assert Lock(wheels=[one, other]).digest == Lock(wheels=[other, one]).digest
    assert json.loads(Lock(wheels=[one]).model_dump_json())["wheels"][0]["sha256"] == one.sha256


def begin_again(engine, person="dora", **more):
    service = RebuildService(database=engine.database)
    return service.begin_again(person=person, avi="stars", version="1.0", **more)


async def test_a_build_that_failed_is_begun_again_and_its_log_stays(engine, builds):
    first = (await built(engine, builds, {"environment.json": b"noise"})).build
    seen = begin_again(engine)
    assert (seen.state, seen.build, seen.reason, seen.earlier_builds) == ("BUILDING", None, "", [first])
    ready = await built(engine, builds, {"environment.json": Lock().model_dump_json().encode()})
    assert ready.state == "READY"
    assert ready.build != first
    assert engine.jobs.get(owner="dora", job=first).id == first


async def test_a_build_that_fails_again_leaves_two_logs(engine, builds):
    first = (await built(engine, builds, {"environment.json": b"noise"})).build
    begin_again(engine)
    second = (await built(engine, builds, {"environment.json": b"noise"})).build
    assert begin_again(engine).earlier_builds == [first, second]


def test_what_is_being_fetched_or_is_there_is_not_fetched_again(engine, builds):
    with pytest.raises(Conflict, match="being fetched now: wait"):
        begin_again(engine)
    with engine.database.transaction() as session:
        releases.one(session, avi="stars", version="1.0").state = "READY"
    with pytest.raises(Conflict, match="has its packages"):
        begin_again(engine)


async def test_its_authors_and_operators_alone_begin_it_again(engine, builds):
    await built(engine, builds, {"environment.json": b"noise"})
    with pytest.raises((Forbidden, NotFound)):
        begin_again(engine, person="ann")
    assert begin_again(engine, person="root", operator=True).state == "BUILDING"
