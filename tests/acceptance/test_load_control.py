"""Many people at once on one machine, in containers: what is promised never exceeds what there is, and the rest waits."""

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tests.support.avis import notebook, write_avi
from tests.support.docker import IMAGE, need_engine
from tests.support.platform import Platform, eventually, platform_to_throw_away
from tests.support.published import AVIS, follow, publish, submit

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.hub,
    pytest.mark.docker,
    pytest.mark.alone,
    pytest.mark.timeout(900),
]

PEOPLE = [f"user{number:02}" for number in range(20)]
INTERFACE_MB, JOB_MB = 200, 256
AT_ONCE, JOBS = 10, 14
CAPACITY_MB = len(PEOPLE) * INTERFACE_MB + AT_ONCE * JOB_MB
SECONDS = 20
SETTINGS = f"""
c.Gavip.bundled_avis = False
c.Gavip.images = {{"avi-python": "{IMAGE}", "notebook": "{IMAGE}"}}
c.Gavip.platform_memory_mb = {CAPACITY_MB}
c.Gavip.platform_cpu = 64.0
c.Gavip.idle_when_short = 0
c.Gavip.users = {json.dumps({"operator": "operator", **dict.fromkeys(PEOPLE, "scientist")})}
"""
AVI = f'title = "Small"\n[interface]\nmemory = {INTERFACE_MB}\ncpu = 0.05\n'


@pytest.fixture(scope="module")
def crowded() -> Iterator[Platform]:
    """A platform with room for twenty interfaces and ten jobs."""
    need_engine()
    with platform_to_throw_away("crowd", settings=SETTINGS, options=("--docker",)) as platform:
        folder = platform.root.parent / "small"
        write_avi(folder, {"avi.toml": AVI, "app.ipynb": notebook("print('hello', 6 * 7)")})
        publish(platform, "small", folder=folder)
        publish(platform, "sleeps", folder=AVIS / "sleeps")
        yield platform


def opened(platform: Platform, user: str) -> str:
    """Open the small interface as one of many, and return its page."""
    with platform.client(user) as person:
        person.post("/servers", json={"avi": "small"}).raise_for_status()
    eventually(
        lambda: platform.server_state("small", user) == "ready",
        f"the interface of {user} is ready",
        seconds=300,
    )
    with platform.signed_in(user) as browser:
        return browser.get(platform.avi_url("small", user)).text


def most_held(platform: Platform) -> int:
    """Return the most memory that the ledger held at any instant (MB): usage changes at a row's begin and end alone."""
    with closing(sqlite3.connect(platform.root / "gavip.sqlite")) as database:
        rows = database.execute(
            "SELECT memory_mb, created_at, closed_at FROM containers WHERE kind != 'reservation'"
        )
        changes = [
            change
            for memory, begin, end in rows
            for change in ((begin, 1, memory), *([(end, 0, -memory)] if end else []))
        ]
    held = most = 0
    for _, _, memory in sorted(changes):
        held += memory
        most = max(most, held)
    return most


def test_twenty_interfaces_and_ten_jobs_at_once_and_the_rest_waits(crowded: Platform) -> None:
    with ThreadPoolExecutor(5) as pool:
        pages = list(pool.map(lambda user: opened(crowded, user), PEOPLE))
    assert ["hello 42" in page for page in pages] == [True] * len(PEOPLE)
    owners = [PEOPLE[number % len(PEOPLE)] for number in range(JOBS)]
    jobs = []
    for owner in owners:
        with crowded.client(owner) as person:
            jobs.append((owner, submit(person, "sleeps", parameters={"seconds": SECONDS})))

    def view(owner: str, job: str) -> dict:
        with crowded.client(owner) as person:
            found: dict = person.get(f"/jobs/{job}").json()
        return found

    def running() -> int:
        return sum(view(*job)["phase"] == "EXECUTING" for job in jobs)

    eventually(lambda: running() == AT_ONCE, "ten jobs run", seconds=120)
    waiting = [view(*job) for job in jobs]
    reasons = [one["reason"] for one in waiting if one["phase"] == "QUEUED"]
    assert len(reasons) == JOBS - AT_ONCE
    assert all(f"{JOB_MB} MB" in reason and "platform" in reason for reason in reasons), reasons
    for owner, job in jobs:
        with crowded.client(owner) as person:
            assert follow(person, job, seconds=300)["phase"] == "COMPLETED"
    assert most_held(crowded) == CAPACITY_MB
    for user in PEOPLE:
        crowded.close_servers(user)
    eventually(lambda: not list((crowded.root / "containers").glob("gavip-server-*")), "no container is left")
