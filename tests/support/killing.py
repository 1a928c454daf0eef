"""Who is killed while a job is at some point of its life, and what has to hold afterwards."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from gavip_hub.supervise.identity import identify
from tests.support.platform import Platform, eventually, platform_to_throw_away, start_platform
from tests.support.published import AVIS
from tests.support.writing import has_ended_right, has_left_nothing, reach, seen, started

ROUNDS = 3
REPOSITORY = Path(__file__).parents[2]
Victim = Callable[[Platform], None]


@contextmanager
def room_for_one(*options: str) -> Iterator[Platform]:
    """Give a platform with room for one job, so that a second one waits."""
    settings = "c.Gavip.bundled_avis = False\nc.Gavip.platform_memory_mb = 300\nc.Gavip.reserve_memory_mb = 0"
    with platform_to_throw_away("kills", settings=settings, options=options) as platform:
        platform.publish(AVIS / "writes", "writes")
        yield platform


def kill_siblings(*names: str) -> Victim:
    def kill(platform: Platform) -> None:
        for name in names:
            pid = platform.pid(name)
            assert pid is not None
            os.kill(pid, signal.SIGKILL)

    return kill


def kill_supervisor(platform: Platform) -> None:
    os.kill(platform.process.pid, signal.SIGKILL)
    platform.process.wait()


def kill_all(platform: Platform) -> None:
    kill_supervisor(platform)
    kill_siblings("service", "hub", "proxy")(platform)


kill_beside = kill_siblings("steward", "doorkeeper")


def kill_engine(_platform: Platform) -> None:
    """Kill the machine's engine, which somebody then starts again; its containers end with it."""
    engine = psutil.Process(int(Path("/var/run/docker.pid").read_text()))
    engine.kill()
    engine.wait(timeout=30)  # a new one takes a pid that is still there for an engine that runs
    subprocess.run([REPOSITORY / "scripts/engine"], check=True, timeout=90)


VICTIMS: dict[str, Victim] = {
    "service": kill_siblings("service"),
    "hub": kill_siblings("hub"),
    "supervisor": kill_supervisor,
    "all": kill_all,
}


def is_up(platform: Platform) -> bool:
    """Tell whether all siblings live; a killed supervisor has to be started anew by a person."""
    beside = ("steward", "doorkeeper") if "--docker" in platform.process.args else ()
    return all((pid := platform.pid(name)) and identify(pid) for name in ("proxy", "hub", "service", *beside))


def recovered(platform: Platform, job: str) -> None:
    if platform.process.poll() is not None:
        options = ("--docker",) if "--docker" in platform.process.args else ()
        platform.process = start_platform(platform.root, port=platform.port, options=options).process
    eventually(lambda: is_up(platform), "proxy, Hub and service are back")
    eventually(lambda: _answers(platform, job), "the platform answers")


def _answers(platform: Platform, job: str) -> bool:
    try:
        return bool(seen(platform, job))
    except (httpx.HTTPError, ValueError):
        return False


def killed(own: Platform, point: str, kill: Victim) -> None:
    """Kill something while a job is at a point, and see that the job does not mind."""
    jobs = [started(own)]
    if point == "queued":  # behind the one that has all the room
        jobs.append(started(own))
    reach(point, own, jobs[-1])
    kill(own)
    recovered(own, jobs[-1])
    for job in jobs:
        has_ended_right(own, job)
    for job in jobs:
        has_left_nothing(own, job)
