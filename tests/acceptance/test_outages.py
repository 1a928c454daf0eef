"""A whole platform whose database goes away for a minute, and whose disk fills: waited out, said, nothing lost."""

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from tests.support.disks import Disk, mounted_disk
from tests.support.outages import HeldFile, said
from tests.support.platform import Platform, eventually, running_platform
from tests.support.postgres import Postgres
from tests.support.published import AVIS
from tests.support.writing import has_ended_right, has_left_nothing, reach, seen, started

pytestmark = [pytest.mark.hub, pytest.mark.acceptance, pytest.mark.alone, pytest.mark.timeout(600)]
AWAY = 60.0
"""Seconds."""
SETTINGS = (
    "c.Gavip.bundled_avis = False\nc.Gavip.platform_memory_mb = 600\nc.Gavip.reserve_memory_mb = 0\n"
    "c.Gavip.disk_reserve_mb = 64"
)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that users of boxes can pass through."""
    with TemporaryDirectory(prefix="gavip-outages-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture
def on_postgres(place: Path, mortal_postgres: Postgres) -> Iterator[Platform]:
    """A platform with room for two jobs, over a PostgreSQL that can be ended."""
    settings = f'{SETTINGS}\nc.Gavip.database_url = "{mortal_postgres.database()}"'
    with running_platform(place / "root", settings=settings) as platform:
        platform.publish(AVIS / "writes", "writes")
        yield platform


@pytest.fixture
def on_sqlite(place: Path) -> Iterator[Platform]:
    """The same over the embedded default."""
    with running_platform(place / "root", settings=SETTINGS) as platform:
        platform.publish(AVIS / "writes", "writes")
        yield platform


def answers(platform: Platform) -> tuple[int, httpx.Response, int]:
    """Status of a submission, the health, and whether the process answers."""
    with platform.client("scientist") as scientist:
        body = {"avi": "writes", "pipeline": "main", "parameters": {"mark": "never"}}
        refused = scientist.post("/jobs", json=body)
        health, live = scientist.get("/health"), scientist.get("/health/live")
    return refused.status_code, health, live.status_code


def stays_away(platform: Platform) -> None:
    """For a whole minute everything that is asked is refused at once, in words, by a process that stays."""
    pid, until = platform.pid("service"), time.monotonic() + AWAY
    asked = 0
    while time.monotonic() < until:
        status, health, live = answers(platform)
        assert (status, health.status_code, live) == (503, 503, 200)
        assert health.json()["database"] is False
        asked += 1
    assert asked >= 3
    assert platform.pid("service") == pid


def comes_back(platform: Platform, jobs: list[str]) -> None:
    """All jobs end well at their first attempt, whose code was started once, and nothing is left of them."""
    for job in jobs:
        eventually(
            lambda job=job: seen(platform, job).get("phase") == "COMPLETED", f"{job} ended", seconds=120
        )
        has_ended_right(platform, job)
        attempts = seen(platform, job)["attempts"]
        assert isinstance(attempts, list)
        assert len(attempts) == 1
    has_left_nothing(platform, jobs[-1])
    with platform.client("scientist") as scientist:
        assert scientist.get("/health").json()["status"] == "ok"


def has_said_it_briefly(platform: Platform) -> None:
    log = platform.log("service")
    assert 1 <= said(log) <= 3
    assert said(log, "The database answers again") >= 1
    assert "Traceback" not in log


def jobs_everywhere(platform: Platform) -> list[str]:
    """Return a job that runs on, one that ends meanwhile, and one that waits."""
    long, short = started(platform, 20.0), started(platform, 1.0)
    for job in (long, short):
        reach("running", platform, job)
    return [long, short, started(platform, 1.0)]


@pytest.mark.postgres
def test_a_postgres_that_is_ended_for_a_minute_costs_nothing(
    on_postgres: Platform, mortal_postgres: Postgres
) -> None:
    jobs = jobs_everywhere(on_postgres)
    mortal_postgres.stop()
    try:
        stays_away(on_postgres)
    finally:
        mortal_postgres.start()
    comes_back(on_postgres, jobs)
    has_said_it_briefly(on_postgres)


def test_an_sqlite_that_another_program_holds_for_a_minute_costs_nothing(on_sqlite: Platform) -> None:
    jobs = jobs_everywhere(on_sqlite)
    outage = HeldFile(path=on_sqlite.root / "gavip.sqlite")
    outage.begin()
    try:
        stays_away(on_sqlite)
    finally:
        outage.end()
    comes_back(on_sqlite, jobs)
    has_said_it_briefly(on_sqlite)


@pytest.fixture
def disk(place: Path) -> Iterator[Disk]:
    """A disk on which a platform finds room."""
    with mounted_disk(place, size_mb=400) as disk:
        disk.path.chmod(0o711)
        yield disk


def test_a_disk_that_fills_under_a_running_job_loses_nothing(disk: Disk) -> None:
    with running_platform(disk.path / "root", settings=SETTINGS) as platform:
        platform.publish(AVIS / "writes", "writes")
        disk.fill(leave_mb=100)  # more than the reserve; the rest is full long before the job ends
        runs = started(platform, 2.0)
        reach("running", platform, runs)
        disk.fill()
        eventually(lambda: _is_low(platform), "the disk is told to be full")
        eventually(lambda: "outcome.json" in _left_by(platform, runs), "the job's code came to its end")
        disk.empty()
        eventually(
            lambda: seen(platform, runs).get("phase") in {"COMPLETED", "ERROR"}, "it ended", seconds=120
        )
        view = seen(platform, runs)
        after = started(platform, 0.1)
        has_ended_right(platform, after)
        has_left_nothing(platform, after)
    error = view["error"]
    assert view["phase"] == "COMPLETED" or (isinstance(error, dict) and error["code"] == "no_space"), view
    assert isinstance(view["attempts"], list)
    assert len(view["attempts"]) == 1


def _is_low(platform: Platform) -> bool:
    with platform.client("scientist") as scientist:
        return scientist.get("/health").json().get("disk") is False


def _left_by(platform: Platform, job: str) -> str:
    folders = [
        platform.root / "attempts" / f"gavip-{job}-1",
        platform.root / "users" / "scientist" / "jobs" / job / "1",
    ]
    return " ".join(path.name for folder in folders if folder.is_dir() for path in folder.iterdir())
