"""What the platform's own processes hold at one moment: memory, files, sockets, threads, connections to databases."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil

from tests.support.platform import Platform

SIBLINGS = ("proxy", "hub", "service")


class Weight(NamedTuple):
    """Of one process."""

    memory_mb: float
    """Resident."""
    files: float
    """Open descriptors that are neither sockets nor of a database."""
    sockets: float
    threads: float
    databases: float
    """Open files of databases: each connection holds some."""


Weights = dict[str, Weight]


def weigh(platform: Platform) -> Weights:
    """Weigh proxy, Hub and service."""
    return {sibling: _weigh(psutil.Process(platform.pid(sibling))) for sibling in SIBLINGS}


def middle(weights: Sequence[Weights]) -> Weights:
    """Return the medians of several weighings."""
    return {
        sibling: Weight(*(median(column) for column in zip(*(one[sibling] for one in weights), strict=True)))
        for sibling in SIBLINGS
    }


def _weigh(process: psutil.Process) -> Weight:
    opened = list(_opened(process.pid))
    sockets = sum(target.startswith("socket:") for target in opened)
    databases = sum(".sqlite" in target for target in opened)
    return Weight(
        memory_mb=process.memory_info().rss / 2**20,
        files=len(opened) - sockets - databases,
        sockets=sockets,
        threads=process.num_threads(),
        databases=databases,
    )


def _opened(pid: int) -> Iterator[str]:
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed since it was listed
            yield str(descriptor.readlink())
