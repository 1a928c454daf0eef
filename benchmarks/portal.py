"""How long the service takes for each page of the portal when the platform has grown.

    python benchmarks/portal.py [--avis 1000] [--jobs 100000] [--rounds 5]

A database of its own is filled with AVIs of two releases each and with jobs of 20 users, and each of these asks for each page.
Goal: at most 50 ms of the service's time at the 95th percentile, whatever the page. SQLite; one question at a time.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

sys.path.insert(0, str(Path(__file__).parents[1]))

from avi_kernel.protocol.manifest import Author, Manifest, ReleaseSpec
from gavip_hub.domain.job import JobState, Target
from gavip_hub.handlers.base import BaseHandler
from gavip_hub.storage import catalogue
from gavip_hub.storage.catalogue_schema import Favourite, Use
from gavip_hub.storage.schema import Avi, Check, Job, Release
from gavip_hub.testing import EPOCH
from tests.support.portal import DIAGRAM, README
from tests.support.service import RunningService, pages_of, person, running_service

USERS = [f"user{number:02d}" for number in range(20)]
TOPICS = [
    "stars",
    "clusters",
    "photometry",
    "asteroids",
    "spectra",
    "variables",
    "parallaxes",
    "dust",
    "galaxies",
    "quasars",
]
GOAL_MS = 50.0
AT_ONCE = 1000
PAGES = {
    "catalogue": "/",
    "catalogue, a word": "/?q=clus",
    "catalogue, a keyword, newest": "/?k=stars&sort=newest",
    "catalogue, last page": "/?page=9999",
    "an AVI": "/avis/avi-{number:04d}",
    "an AVI by a link": "/avis/avi-{number:04d}?radius=2&bins=200",
    "a pipeline": "/avis/avi-{number:04d}/pipelines/diagram",
    "opening": "/avis/avi-{number:04d}/open",
    "jobs": "/jobs",
    "jobs, completed": "/jobs?phase=COMPLETED",
    "jobs of an AVI": "/jobs?avi=avi-{number:04d}",
    "a job": "/jobs/{job}",
    "servers": "/servers",
    "files": "/files",
    "projects": "/projects",
}


def main() -> int:
    """Fill, ask, print, and tell by the exit status whether the goal was reached."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--avis", type=int, default=1_000)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measured(Path(folder), chosen.avis, chosen.jobs, chosen.rounds))


async def measured(root: Path, avis: int, jobs: int, rounds: int) -> int:
    took: dict[str, list[float]] = defaultdict(list)
    async with running_service(root / "data") as service:
        fill(service, avis, jobs)
        watch(took)
        for user in USERS:
            service.hub.tokens[user] = person(user)
        for number in range(rounds * len(USERS)):
            async with pages_of(service, USERS[number % len(USERS)]) as client:
                for name, path in PAGES.items():
                    told = {
                        "number": random.randrange(avis // 10) * 10 + 1,
                        "job": f"j{number % len(USERS):08d}",
                    }
                    answer = await client.get(path.format(**told), headers={"X-Page": name})
                    assert answer.status_code == 200, (path, answer.text[:300])
    return report(took)


def watch(took: dict[str, list[float]]) -> None:
    """Note the service's own time for each page: from the request's last byte to the answer's."""
    finish = BaseHandler.on_finish

    def noted(handler: BaseHandler) -> None:
        took[handler.request.headers.get("X-Page", "")].append(handler.request.request_time() * 1000)
        finish(handler)

    BaseHandler.on_finish = noted  # type: ignore[method-assign]


def report(took: dict[str, list[float]]) -> int:
    print(f"{'page':32} {'p50':>8} {'p95':>8}   ms")
    worst = 0.0
    for name in PAGES:
        times = took[name][len(USERS) :] or took[name]  # the first round warms up
        p95 = statistics.quantiles(times, n=20)[-1]
        worst = max(worst, p95)
        print(
            f"{name:32} {statistics.median(times):8.1f} {p95:8.1f}{'' if p95 <= GOAL_MS else '   too slow'}"
        )
    return 0 if worst <= GOAL_MS else 1


def fill(service: RunningService, avis: int, jobs: int) -> None:
    chance = random.Random(1)
    with service.service.core.database.transaction() as session:
        for start in range(0, avis, AT_ONCE):
            add_avis(session, range(start, min(start + AT_ONCE, avis)), chance)
        names = [f"avi-{number:04d}" for number in range(avis)]
        add_uses(session, names, chance)
        for start in range(0, jobs, AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, jobs))
            session.execute(insert(Job), [job_row(number, chance.choice(names)) for number in numbers])


def add_avis(session: Session, numbers: range, chance: random.Random) -> None:
    for number in numbers:
        name, public = f"avi-{number:04d}", number % 10 != 0
        title = f"{chance.choice(TOPICS).title()} of {chance.choice(TOPICS)}, number {number}"
        spec = spec_of(title, chance)
        session.add(Avi(name=name, owner=chance.choice(USERS), title=title, created_at=EPOCH))
        session.flush()
        for version in ("1.0.0", "1.1.0"):
            release = Release(
                id=f"r{number:06d}{version[2]}",
                avi=name,
                version=version,
                commit="1" * 40,
                digest=f"{name}{version}",
                spec=spec.model_dump(mode="json"),
                state="READY",
                visibility="public" if public else "private",
                submitter="dora",
                created_at=EPOCH,
            )
            session.add(release)
            session.flush()
            badge = {"words": "Tested", "state": "passed", "sentence": "Its tests passed."}
            session.add(catalogue.card_of(release, spec))
            session.add(Check(release=release.id, badges=[badge, {**badge, "words": "Repeatable"}]))


def spec_of(title: str, chance: random.Random) -> ReleaseSpec:
    return ReleaseSpec(
        manifest=Manifest(
            title=title,
            summary="Colour and absolute magnitude of the stars in a field or a named cluster. " * 2,
            authors=[Author(name=f"A. {chance.choice(USERS).title()}") for _ in range(3)],
            keywords=chance.sample(TOPICS, 3),
        ),
        pipelines=[DIAGRAM, *(DIAGRAM.model_copy(update={"name": f"other{one}"}) for one in range(2))],
        interface="app.ipynb",
        readme=README * 8,
    )


def add_uses(session: Session, names: list[str], chance: random.Random) -> None:
    rows: list[dict[str, Any]] = []
    liked: list[dict[str, Any]] = []
    for user in USERS:
        for name in chance.sample(names, min(len(names), 100)):
            at = EPOCH + timedelta(minutes=chance.randrange(10_000))
            rows.append({"user": user, "avi": name, "count": 3, "last_used_at": at})
        liked += [{"user": user, "avi": name, "since": EPOCH} for name in chance.sample(names, 10)]
    session.execute(insert(Use), rows)
    session.execute(insert(Favourite), liked)


def job_row(number: int, avi: str) -> dict[str, Any]:
    at = EPOCH + timedelta(seconds=number)
    return {
        "id": f"j{number:08d}",
        "owner": USERS[number % len(USERS)],
        "groups": [],
        "avi": avi,
        "version": "1.1.0",
        "commit": "1" * 40,
        "pipeline": "diagram",
        "title": "Diagram of a field",
        "parameters": {"target": "Hyades", "radius": 5.0, "bins": 120},
        "state": JobState.COMPLETED,
        "target": Target.RUN,
        "memory_mb": 400,
        "memory_source": "author",
        "cpu": 1.0,
        "time_limit": 900,
        "created_at": at,
        "queued_at": at,
        "started_at": at,
        "ended_at": at + timedelta(seconds=60),
    }


if __name__ == "__main__":
    raise SystemExit(main())
