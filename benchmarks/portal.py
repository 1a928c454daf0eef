"""How long the service takes for every page of the portal when the platform has grown.

    python -m benchmarks.portal [--avis 1000] [--jobs 100000] [--files 10000] [--products 5000] [--rounds 1]
                                [--postgres] [--only WORD] [--root FOLDER]

A platform of 1,000 AVIs (three releases each, with cards and checks), 100,000 jobs of 20 users (with attempts, results, inputs and
events), a folder of 10,000 files and 5,000 products, of which one user sees thousands. First each page is asked for by itself: what it
computes (`cpu`, which hardly depends on what else the machine does; of programs that it starts, as git, nothing) and its statements. Then 20 users load a
page every 2 seconds each, all pages in turn: the time between the request's last byte and the answer's, in the service. The readers are a
program of their own. Of some pages a part is found again by whoever looks a second time: `first look` tells how long it takes without.

Goal: at most 50 ms at the 95th percentile, whatever the page.
"""

import argparse
import asyncio
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.support.portal_names import USERS
from benchmarks.support.portal_pages import OPERATOR, PAGES, Page
from benchmarks.support.portal_rows import Grown
from gavip_hub import garbage
from gavip_hub.handlers.base import BaseHandler
from gavip_hub.logs import REQUEST
from gavip_hub.threads import Threads
from tests.support.postgres import HASTY, running_postgres
from tests.support.service import ALL, RunningService, person, running_service
from tests.support.service import OPERATOR as OPERATOR_SCOPES
from tests.support.statements import statements

GOAL_MS = 50.0
EVERY_SECONDS = 2.0
ALONE = 4
"""Times that each page is asked for by itself; the first is not counted."""


@dataclass
class Taken:
    """What was measured of one page."""

    first: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    statements: list[int] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    together: list[float] = field(default_factory=list)


def main() -> int:
    """Fill, ask, print, and tell by the exit status whether the goal was reached."""
    chosen = arguments()
    with ExitStack() as stack:
        folder = chosen.root or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings = {}
        if chosen.postgres:
            settings["database_url"] = stack.enter_context(running_postgres(HASTY)).database()
        return asyncio.run(measured(folder, chosen, settings))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--avis", type=int, default=1_000)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--products", type=int, default=5_000)
    parser.add_argument(
        "--rounds",
        type=int,
        default=1,
        help="times that each user asks for each page; 0: each by itself alone",
    )
    parser.add_argument("--only", default="", help="pages with this word in their name alone")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL instead of SQLite")
    parser.add_argument("--root", type=Path, help="where the platform is kept, and found again the next time")
    return parser.parse_args()


async def measured(root: Path, chosen: argparse.Namespace, settings: dict[str, Any]) -> int:
    pages = [page for page in PAGES if chosen.only in page.name]
    is_kept = (root / "data" / "filled").exists()
    if is_kept:  # the ports of that time are gone
        (root / "data" / "state").rename(root / "data" / f"state-{time.time():.0f}")
        settings.setdefault("database_url", f"sqlite:///{root / 'data' / 'gavip.sqlite'}")
    elif not chosen.postgres:
        (root / "data").mkdir(parents=True)
        settings["database_url"] = f"sqlite:///{root / 'data' / 'gavip.sqlite'}"
    async with running_service(root / "data", **settings) as service:
        grown = Grown(
            service, avis=chosen.avis, jobs=chosen.jobs, files=chosen.files, products=chosen.products
        )
        if not is_kept:
            begun = time.monotonic()
            await asyncio.to_thread(grown.fill)
            (root / "data" / "filled").touch()
            print(f"filled in {time.monotonic() - begun:.0f} s")
        service.hub.tokens |= {user: person(user, scopes=(*ALL, "publish:releases")) for user in USERS}
        service.hub.tokens[OPERATOR] = person(OPERATOR, scopes=OPERATOR_SCOPES, role="operator")
        garbage.look_seldom()  # as the service's own program does
        with watched(service, grown) as taken:
            await visited(service, alone(pages, grown))
            load = os.getloadavg()[0]
            told = await visited(service, together(pages, grown, chosen.rounds))
    describe(chosen, told, load)
    return report(pages, taken)


def alone(pages: list[Page], grown: Grown) -> list[list[Any]]:
    """Return the visits of pages by themselves, one after the other; before them those of what nobody looked at yet."""
    first = [
        [None, *asked(page, grown, user=user, turn=0, phase="first")]
        for page in pages
        if page.is_kept
        for user in range(len(USERS))
    ]
    return first + [
        [None, *asked(page, grown, user=0, turn=turn, phase="alone")]
        for page in pages
        for turn in range(ALONE)
    ]


def together(pages: list[Page], grown: Grown, rounds: int) -> list[list[Any]]:
    """Return the visits of all users, each with a page every few seconds, in an order of their own."""
    visits = []
    for user in range(len(USERS)):
        order = pages * rounds
        random.Random(user).shuffle(order)
        for turn, page in enumerate(order):
            at = (user / len(USERS) + turn) * EVERY_SECONDS
            visits.append([at, *asked(page, grown, user=user, turn=turn, phase="together")])
    return sorted(visits)


def asked(page: Page, grown: Grown, *, user: int, turn: int, phase: str) -> list[Any]:
    if page.asker in USERS:
        user = USERS.index(page.asker)
    token = page.asker or USERS[user]
    return [token, f"{phase}:{page.name}", page.path.format(**grown.told(user, turn)), page.status]


async def visited(service: RunningService, visits: list[list[Any]]) -> dict[str, Any]:
    """Have pages visited, and return what the program that did it says."""
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.support.portal_visitors"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    )
    url = f"{service.url}/services/gavip"
    out, _ = await program.communicate(json.dumps({"url": url, "visits": visits}).encode())
    told: dict[str, Any] = json.loads(out)
    assert not told["wrong"], told["wrong"][:5]
    return told


@contextmanager
def watched(service: RunningService, grown: Grown) -> Iterator[dict[str, Taken]]:
    """Note of each page what it takes, without what the service's own rounds compute and ask meanwhile.

    After each first look the large folder changes, so that the next one is a first look, too.
    """
    taken: dict[str, Taken] = defaultdict(Taken)
    asked: Counter[str] = Counter()
    computed: defaultdict[str, float] = defaultdict(float)
    prepare, finish, threads = BaseHandler.prepare, BaseHandler.on_finish, Threads.__call__

    async def begun(handler: BaseHandler) -> None:
        handler.begun_at = time.thread_time()  # type: ignore[attr-defined]
        await prepare(handler)

    async def in_thread(pool: Threads, act: Callable[..., Any], *args: Any, **named: Any) -> Any:
        def act_timed() -> Any:
            begun_at = time.thread_time()
            try:
                return act(*args, **named)
            finally:
                computed[REQUEST.get()] += time.thread_time() - begun_at

        return await threads(pool, act_timed)

    def finished(handler: BaseHandler) -> None:
        phase, _, page = handler.request.headers.get("X-Page", "").partition(":")
        getattr(taken[page], phase).append(handler.request.request_time() * 1000)
        own = time.thread_time() - handler.begun_at  # type: ignore[attr-defined]
        if phase == "first":
            grown.change_folder()
        if phase == "alone":
            taken[page].cpu.append((own + computed[REQUEST.get()]) * 1000)
            taken[page].statements.append(asked[REQUEST.get()])
        finish(handler)

    def count(statement: str) -> None:
        asked[REQUEST.get()] += not statement.startswith("BEGIN")

    BaseHandler.prepare, BaseHandler.on_finish = begun, finished  # type: ignore[assignment,method-assign]
    Threads.__call__ = in_thread  # type: ignore[assignment,method-assign]
    try:
        with statements(service.service.core.database, count):
            yield taken
    finally:
        BaseHandler.prepare, BaseHandler.on_finish = prepare, finish  # type: ignore[method-assign]
        Threads.__call__ = threads  # type: ignore[method-assign]


def describe(chosen: argparse.Namespace, told: dict[str, Any], load: float) -> None:
    database = "PostgreSQL" if chosen.postgres else "SQLite"
    print(
        f"{chosen.avis:,} AVIs, {chosen.jobs:,} jobs, {chosen.files:,} files in a folder, {chosen.products:,} products; "
        f"{database}; {len(USERS)} users, each a page every {EVERY_SECONDS:g} s"
    )
    print(
        f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}; {load:.1f} programs wanted one (1 minute before)"
    )
    if told["late"]:
        share = told["computed"] / told["seconds"]
        print(f"the readers took {share:.0%} of a core and came at most {told['late'] * 1000:.0f} ms late")


def report(pages: list[Page], taken: dict[str, Taken]) -> int:
    print(
        f"{'page':32} {'cpu':>6} {'SQL':>4} {'alone':>6} |   n {'p50':>6} {'p95':>6} {'max':>7}   ms, goal {GOAL_MS:g}"
    )
    for page in pages:
        one = taken[page.name]
        by_itself = f"{statistics.median(one.cpu[1:]):6.1f} {min(one.statements):4} {statistics.median(one.alone[1:]):6.1f}"
        print(f"{page.name:32} {by_itself} | {summary(one.together)}")
    for page in pages:
        if first := taken[page.name].first:
            print(
                f"{page.name + ', first look':51} | {len(first):3} {statistics.median(first):6.1f} {p95_of(first):6.1f}"
            )
    print(f"{'all pages':32} {'':18} | {summary([time for one in taken.values() for time in one.together])}")
    return 0 if max(p95_of(taken[page.name].together) for page in pages) <= GOAL_MS else 1


def summary(times: list[float]) -> str:
    if not times:
        return ""
    slow = "" if p95_of(times) <= GOAL_MS else "   too slow"
    return f"{len(times):3} {statistics.median(times):6.1f} {p95_of(times):6.1f} {max(times):7.1f}{slow}"


def p95_of(times: list[float]) -> float:
    return statistics.quantiles(times, n=20, method="inclusive")[-1] if len(times) > 1 else 0.0


if __name__ == "__main__":
    raise SystemExit(main())
