"""Start a server, find its processes, weigh them, end it."""

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil


@contextmanager
def running(argv: list[str], *, log: Path, env: Mapping[str, str] | None = None) -> Iterator[psutil.Process]:
    """Run a program in a session of its own; end the whole session afterwards."""
    with log.open("w") as out:
        process = subprocess.Popen(
            argv,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def seconds_until_answer(url: str, *, limit: float = 30.0) -> float:
    """Return how long a server took from now until it answers anything at all (s)."""
    began = time.perf_counter()
    while time.perf_counter() - began < limit:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.HTTPError:
            break
        except OSError:
            time.sleep(0.01)
        else:
            break
    return time.perf_counter() - began


def seconds_to_fetch(url: str, *, token: str, limit: float = 20.0) -> float | None:
    """Return how long the whole answer took (s), or None when it hangs: bare Voilà's pages do, now and then."""
    request = urllib.request.Request(url, headers={"Authorization": f"token {token}"})
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=limit) as answer:
        # Piece by piece: a page that hangs still sends a sign of life every ten seconds.
        while answer.read1():
            if time.perf_counter() - began > limit:
                return None
    return time.perf_counter() - began


def pss_mb(process: psutil.Process) -> float:
    """Return the memory of a process and all its descendants, shared pages split fairly (MB)."""
    family = [process, *process.children(recursive=True)]
    return sum(member.memory_full_info().pss for member in family if member.is_running()) / 2**20
