"""Opening an interface and starting a job in containers, beside what the engine itself needs. Medians and 95 %.

    python -m benchmarks.containers [--runs 20] [--takes 5]

In turns: `docker run` of the image doing nothing (the limit); bare Voilà in the same image, from `docker run` to its whole page,
and until the page can be used in Chromium; an interface opened at the portal, from the click on the button to both. Cold there is no process of
that user's and no spare for them (the AVI asks for another image name, of which none stands ready); warm a spare stands ready, and
has made its imports, before the click. Likewise a dashboard of four plots. The browser signs in once and keeps its cache, as people's do.

Then a job from submitting to its first cell, against `docker run` of papermill, by the notebook's own clock; what an interface with
its kernel holds (PSS of all its processes); and what each optimisation of the server gives: the image run with one taken out.
"""

import argparse
import asyncio
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.support.clicks import (
    FOUR_VIEWS,
    YARDSTICK,
    Clicks,
    Opened,
    bare_until_usable,
    clicking,
    spare_ready,
)
from benchmarks.support.containers import WITHOUT, bare, nothing, ours, papermill
from benchmarks.support.notebooks import CELLS, DASHBOARD, write_app, write_yardstick
from benchmarks.whole import CLOCK, first_cell
from tests.support.avis import notebook, write_avi
from tests.support.docker import IMAGE, need_engine
from tests.support.platform import Platform, running_platform
from tests.support.published import publish

SETTINGS = f"""
c.Gavip.bundled_avis = False
c.Gavip.spare_interfaces = 1
c.Gavip.images = {{"avi-python": "{IMAGE}", "avi-java": "{IMAGE}", "notebook": "{IMAGE}"}}
"""
INTERFACES = {
    "open cold": ("yardstick-cold", CELLS, YARDSTICK),
    "open warm": ("yardstick-warm", CELLS, YARDSTICK),
    "dashboard cold": ("dashboard-cold", DASHBOARD, FOUR_VIEWS),
    "dashboard warm": ("dashboard-warm", DASHBOARD, FOUR_VIEWS),
}
"""Way of opening -> AVI, its cells, and when it can be used."""
GOALS = {
    "open cold: click to full HTML (s)": 2.5,
    "open cold: click to usable (s)": 4.0,
    "open warm: click to full HTML (s)": 0.5,
    "open warm: click to usable (s)": 2.0,
    "dashboard cold: click to usable (s)": 4.5,
    "dashboard warm: click to usable (s)": 4.5,
    "memory of an interface (MB, PSS)": 200.0,
    "job beyond docker run of papermill (s)": 1.0,
}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--takes", type=int, default=5, help="of each optimisation taken out")
    chosen = parser.parse_args()
    need_engine()
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit("ended before all was measured")
    )  # by way of what ends the platform
    with started() as (platform, folder):
        engine(folder / "yardstick", chosen.runs)
        asyncio.run(opened(platform, chosen.runs))
        jobs(platform, folder / "clock", chosen.runs)
    with tempfile.TemporaryDirectory(prefix="gavip-bench-") as name:
        Path(name).chmod(0o755)
        optimisations(write_yardstick(Path(name) / "yardstick").parent, chosen.takes)
    return 0


@contextmanager
def started() -> Iterator[tuple[Platform, Path]]:
    """Run a platform on the engine with the interfaces and the clock published."""
    with tempfile.TemporaryDirectory(prefix="gavip-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        write_yardstick(folder / "yardstick")
        for way, (avi, cells, _) in INTERFACES.items():
            image = "avi-java" if way.endswith("cold") else "avi-python"
            write_app(write_avi(folder / avi, {"avi.toml": f'title = "Bench"\nimage = "{image}"\n'}), cells)
        code = {"avi.toml": 'title = "Clock"\n[pipelines.main]\nmemory = 256\n'}
        write_avi(folder / "clock", {**code, "pipelines/main.ipynb": notebook(CLOCK)})
        with running_platform(folder / "root", settings=SETTINGS, options=("--docker",)) as platform:
            for avi in ("clock", *(avi for avi, _, _ in INTERFACES.values())):
                publish(platform, avi, folder=folder / avi)
            yield platform, folder


def engine(folder: Path, runs: int) -> None:
    """Tell what the engine needs by itself, and bare Voilà in it."""
    tell("docker run of nothing (s)", times(nothing, runs))
    tell("bare Voilà: docker run to full HTML (s)", times(lambda: bare(folder), runs))
    usable = times(lambda: asyncio.run(bare_until_usable(folder, YARDSTICK)), runs)
    tell("bare Voilà: docker run to usable (s)", usable)


async def opened(platform: Platform, runs: int) -> None:
    """Tell how each way of opening goes, in turns."""
    seen: dict[str, list[Opened]] = {way: [] for way in INTERFACES}
    async with clicking(platform) as person:
        for _ in range(runs + 1):
            for way in INTERFACES:
                seen[way].append(await one(platform, person, way))
    for way, openings in seen.items():
        tell(f"{way}: click to full HTML (s)", [opening.html for opening in openings[1:]])
        tell(f"{way}: click to usable (s)", [opening.usable for opening in openings[1:]])
    warm = seen["open warm"][1:]
    tell("memory of an interface (MB, PSS)", [opening.memory for opening in warm])


async def one(platform: Platform, person: Clicks, way: str) -> Opened:
    """Open once; a spare stands ready each time, for those whose AVI can have one."""
    avi, _, usable = INTERFACES[way]
    return await person.open(avi, usable, before=lambda: spare_ready(platform))


def jobs(platform: Platform, folder: Path, runs: int) -> None:
    """Tell when a job's first cell runs, in turns with papermill by hand."""
    pairs = [(papermill(folder), first_cell(platform, "clock")) for _ in range(runs + 1)][1:]
    tell("papermill: docker run to first cell (s)", [by_hand for by_hand, _ in pairs])
    tell("job: submit to first cell (s)", [job for _, job in pairs])
    tell("job beyond docker run of papermill (s)", [job - by_hand for by_hand, job in pairs])


def optimisations(folder: Path, takes: int) -> None:
    """Tell what the server alone does from `docker run` to its whole page, with each optimisation taken out in turn."""
    seen: dict[str, list[tuple[float, float]]] = {without: [] for without in WITHOUT}
    for _ in range(takes + 1):
        for without in WITHOUT:
            seen[without].append(ours(folder, without))
    print("Our server by itself, docker run to full HTML, without …", flush=True)
    for without, runs in seen.items():
        tell(f"  {without} (s)", [seconds for seconds, _ in runs[1:]])
        tell(f"  {without} (MB, PSS)", [memory for _, memory in runs[1:]])


def tell(what: str, values: list[float]) -> None:
    """Print a median and the 95th percentile, and the goal where there is one."""
    ordered = sorted(values)
    goal = f"   goal {GOALS[what]:g}" if what in GOALS else ""
    high = ordered[round(0.95 * (len(ordered) - 1))]
    line = f"{what:52}{statistics.median(ordered):8.2f}   95 %{high:8.2f}   of {len(ordered)}{goal}"
    print(line, flush=True)


def times(action: Callable[[], float | None], runs: int) -> list[float]:
    """Return how long each took, or what it says itself, after one that warms the caches."""
    measured = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        own = action()
        measured.append(time.perf_counter() - began if own is None else own)
    return measured[1:]


if __name__ == "__main__":
    sys.exit(main())
