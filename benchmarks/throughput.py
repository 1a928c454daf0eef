"""How many jobs a second go through the whole state machine, with 1,000 and with 100,000 in the queue.

    python benchmarks/throughput.py [--queued 1000 100000] [--through 3000] [--databases sqlite postgresql]

The scheduler loop, its services and the database are the platform's own. The backend does nothing: a container runs
when it is started and has ended when it is looked at next; nor are there folders, so that what is timed is the engine
alone. Each job is claimed, launched, seen running, finished with its result, and cleared, with every event.

Goal: 500 jobs a second, and with 100,000 queued at least half of what it is with 1,000.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from sqlalchemy import func, insert, select

sys.path.insert(0, str(Path(__file__).parents[1]))

from avi_kernel.protocol.runs import Outcome, ResultEntry
from benchmarks.support.nothing import NoFilesBackend
from gavip_hub import garbage
from gavip_hub.clock import SystemClock
from gavip_hub.domain.job import JobState
from gavip_hub.scheduler.loop import SchedulerLoop
from gavip_hub.scheduler.reconciler import Reconciler
from gavip_hub.scheduler.remains import Remains
from gavip_hub.scheduler.specs import JobSpecs
from gavip_hub.storage import attempts
from gavip_hub.storage.migrate import upgrade
from gavip_hub.storage.schema import Attempt, Job
from gavip_hub.testing import EPOCH
from gavip_hub.threads import Threads
from tests.support.engine import Engine, prepared
from tests.support.postgres import HASTY, running_postgres

GOAL, KEPT = 500.0, 0.5
WARM = 1_000
"""Jobs that go through before it is timed: the queue is read whole by then, as it is once in ten minutes."""
USERS = [f"user{number:03d}" for number in range(200)]
ROOM = {"platform_memory_mb": 262_144, "platform_cpu": 1024.0, "queue_limit": 1_000_000}
RESULT = ResultEntry(name="out.txt", size=5, sha256="0" * 64, media_type="text/plain")
OUTCOME = Outcome(status="completed", results=[RESULT], started_at=EPOCH, ended_at=EPOCH)


def main() -> int:
    """Measure, print, and tell by the exit status whether the goals were reached."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--queued", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--through", type=int, default=3_000)
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    chosen = parser.parse_args()
    reached = [measure(name, chosen.queued, chosen.through) for name in chosen.databases]
    return 0 if all(reached) else 1


def measure(name: str, queued: Sequence[int], through: int) -> bool:
    """Measure on one kind of database; tell whether the goals were reached."""
    rates = [asyncio.run(_rate(name, many, through)) for many in queued]
    kept = rates[-1] / rates[0]
    print(f"{name}: with {queued[-1]:,} queued {kept:.2f} of what it is with {queued[0]:,} (goal {KEPT})")
    return rates[0] >= GOAL and kept >= KEPT


async def _rate(name: str, queued: int, through: int) -> float:
    with tempfile.TemporaryDirectory() as folder, database_of(name, Path(folder)) as url:
        upgrade(url)
        engine = Engine(
            database=prepared(url), root=Path(folder), settings=ROOM, clock=cast(Any, SystemClock())
        )
        fill(engine, queued + WARM + through)
        rate, each = await until_through(engine, through)
        engine.database.close()
    print(f"{name:<10} {queued:>7,} queued: {rate:7.0f} jobs a second, {each:.2f} ms of a processor each")
    return rate


@contextmanager
def database_of(name: str, folder: Path) -> Iterator[str]:
    """Give the URL of an empty database."""
    if name == "sqlite":
        yield f"sqlite:///{folder}/gavip.sqlite"
        return
    with running_postgres(HASTY) as server:
        yield server.empty_database()


def fill(engine: Engine, many: int) -> None:
    """Queue jobs of all users like one that was submitted."""
    model = engine.submit(owner=USERS[0]).id
    with engine.database.transaction() as session:
        row = session.get_one(Job, model)
        values = {column.key: getattr(row, column.key) for column in Job.__table__.columns}
        for start in range(1, many, 10_000):
            numbers = range(start, min(many, start + 10_000))
            rows = [
                {**values, "id": f"{model}{number:07d}", "owner": USERS[number % len(USERS)]}
                for number in numbers
            ]
            session.execute(insert(Job), rows)


async def until_through(engine: Engine, through: int) -> tuple[float, float]:
    """Let the loop work until so many are through; return how many a second were, and ms of a processor for each."""
    garbage.look_seldom()  # as the service does
    loop, threads = make_loop(engine)
    running = asyncio.create_task(loop.run())
    try:
        await reached(engine, threads, WARM, running)
        first = await threads(cleared, engine)
        began, worked = time.perf_counter(), time.process_time()
        await reached(engine, threads, first + through, running)
        done = await threads(cleared, engine) - first
        return done / (time.perf_counter() - began), 1000 * (time.process_time() - worked) / done
    finally:
        running.cancel()
        await asyncio.wait([running])
        threads.close()


async def reached(engine: Engine, threads: Threads, many: int, running: asyncio.Task[None]) -> None:
    """Return once so many jobs are through; fail when the loop that brings them through has ended."""
    while await threads(cleared, engine) < many:
        if running.done():
            raise RuntimeError("The loop has ended.") from running.exception()
        await engine.clock.sleep(0.25)


def cleared(engine: Engine) -> int:
    """Count the jobs that are completed and of which nothing is left."""
    done = select(func.count()).select_from(Job).where(Job.state == JobState.COMPLETED)
    # Each by an index of its own: what is measured must not pay for the measuring.
    left = select(func.count()).select_from(
        attempts.uncleared().where(Attempt.ended_at.is_not(None)).subquery()
    )
    with engine.database.reading() as session:
        return (session.scalar(done) or 0) - (session.scalar(left) or 0)


def make_loop(engine: Engine) -> tuple[SchedulerLoop, Threads]:
    """Return the platform's own loop over a backend that does nothing."""
    threads, backend = Threads(size=8), NoFilesBackend()
    nothing: Any = NoFiles()
    reconciler = Reconciler(
        lifecycle=engine.lifecycle,
        backend=backend,
        specs=cast(JobSpecs, nothing),
        remains=Remains(folders=nothing, outcomes=nothing),
        clock=engine.clock,
        database_threads=threads,
        file_threads=threads,
        silence=timedelta(seconds=60),
    )
    loop = SchedulerLoop(
        database=engine.database,
        lifecycle=engine.lifecycle,
        reconciler=reconciler,
        backend=backend,
        policy=lambda: engine.policy,
        clock=engine.clock,
        threads=threads,
    )
    return loop, threads


class NoFiles:
    """No folders, no descriptions: every outcome is a success with one result."""

    def spec_for(self, order: Any) -> str:
        return str(order.name)

    def finished(self, **_path: Any) -> str:
        return ""

    def unfinished(self) -> list[str]:
        return []

    def read(self, **_path: Any) -> tuple[Outcome, str]:
        return OUTCOME, ""


if __name__ == "__main__":
    sys.exit(main())
