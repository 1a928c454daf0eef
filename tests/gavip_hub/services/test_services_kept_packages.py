"""Packages that nobody uses are removed, those of releases that there are can be had for ever, and operators see what all take."""

import hashlib
import io
import os

import pytest

from avi_kernel.protocol.environments import Lock, LockedWheel
from avi_kernel.protocol.standing import ReleaseChange
from gavip_hub.services.kept_packages import KeptPackages
from gavip_hub.services.standings import StandingService
from gavip_hub.storage import builds, releases
from gavip_hub.storage.environments import Environments, Wheels
from gavip_hub.storage.schema import Container
from tests.support.engine import place_for
from tests.support.package_index import wheel

RELEASE = {"avi": "stars", "version": "1.0"}
STAR = wheel("starword", "1.0", {"starword.py": "WORD = 'Vega'\n"})
DAY = 86400.0


@pytest.fixture
def wheels(engine):
    return Wheels(root=engine.root)


@pytest.fixture
def environments(engine, wheels):
    return Environments(root=engine.root, wheels=wheels, most_mb=10)


@pytest.fixture
def packages(engine, wheels, environments):
    return KeptPackages(
        database=engine.database,
        wheels=wheels,
        environments=environments,
        config=engine.config,
        clock=engine.clock,
    )


def keep(wheels, package):
    """Keep a package's file, and return the lock that names it."""
    filename, content = package
    digest = hashlib.sha256(content).hexdigest()
    one = LockedWheel(name="starword", version="1.0", filename=filename, sha256=digest, size=len(content))
    wheels.add(one, io.BytesIO(content))
    return Lock(wheels=[one])


@pytest.fixture
def lock(engine, wheels, environments):
    """The packages of the one release, last used 40 days ago."""
    lock = keep(wheels, STAR)
    with engine.database.transaction() as session:
        builds.keep(session, lock)
        releases.one(session, **RELEASE).environment = lock.digest
    aged(engine, environments.installed(lock), days=40)
    aged(engine, wheels.path(lock.wheels[0]), days=40)
    return lock


def aged(engine, path, *, days):
    os.utime(path, (engine.clock.now().timestamp() - days * DAY,) * 2)


def withdraw(engine):
    change = ReleaseChange(standing="withdrawn", reason="It is wrong.")
    StandingService(database=engine.database).change(person="dora", change=change, operator=False, **RELEASE)


def test_what_a_release_that_is_offered_has_stays_however_seldom_it_is_used(packages, environments, lock):
    packages.look()
    assert environments.names() == [lock.digest]


def test_what_only_withdrawn_releases_have_is_removed_and_comes_back(
    engine, packages, environments, wheels, lock
):
    withdraw(engine)
    packages.look()
    assert environments.names() == []
    assert wheels.path(lock.wheels[0]).is_file()
    assert (environments.installed(lock) / "lib/starword.py").is_file()


def test_what_was_used_lately_stays(engine, packages, environments, lock):
    withdraw(engine)
    aged(engine, engine.root / "environments" / lock.digest, days=29)
    packages.look()
    assert environments.names() == [lock.digest]


def test_what_a_container_has_stays_however_long_it_runs(engine, packages, environments, lock):
    withdraw(engine)
    with engine.database.transaction() as session:
        row = place_for("ann", memory_mb=100, at=engine.clock.now())
        row.avi, row.version = RELEASE["avi"], RELEASE["version"]
        session.add(row)
    packages.look()
    assert environments.names() == [lock.digest]
    assert packages.view().environments[0].in_use
    with engine.database.transaction() as session:
        session.delete(session.get(Container, row.id))
    packages.look()
    assert environments.names() == []


def test_a_container_that_begins_while_it_is_looked_keeps_what_it_gets(
    engine, packages, environments, lock, monkeypatch
):
    withdraw(engine)
    names = environments.names

    def begin_now():
        environments.installed(lock)
        return names()

    monkeypatch.setattr(environments, "names", begin_now)
    packages.look()
    assert names() == [lock.digest]


def test_what_no_release_has_is_removed_with_its_files(engine, packages, environments, wheels, lock):
    with engine.database.transaction() as session:
        releases.one(session, **RELEASE).environment = None
    packages.look()
    assert environments.names() == []
    assert (wheels.taken_bytes(), packages.view().environments) == (0, [])


def test_what_a_build_is_about_to_give_to_a_release_stays(engine, packages, environments, wheels):
    lock = keep(wheels, STAR)
    environments.installed(lock)
    packages.look()
    assert environments.names() == [lock.digest]
    assert wheels.path(lock.wheels[0]).is_file()


def test_operators_see_what_all_take(engine, packages, lock):
    packages.look()
    view = packages.view()
    (one,) = view.environments
    assert (one.packages, one.releases) == (["starword 1.0"], ["stars 1.0"])
    assert (one.offered, one.in_use) == (True, False)
    assert one.folder_mb == view.folders_mb
    with engine.database.reading() as session:
        row = session.get(builds.Environment, lock.digest)
        assert (row.folder_bytes > 1000, row.wheel_bytes) == (True, len(STAR[1]))
    withdraw(engine)
    packages.look()
    (one,) = packages.view().environments
    assert (one.offered, one.folder_mb, one.files_mb) == (False, None, round(len(STAR[1]) / 1024**2, 1))
