"""How much memory a tree of processes holds, where no control group counts it."""

import subprocess
import sys
from contextlib import contextmanager

import pytest

from avi_kernel.box.watch import MemoryWatch

PRIVATE = "held = bytearray(b'x') * (64 << 20)"
SHARED = "import mmap; held = mmap.mmap(-1, 64 << 20); held.write(b'x' * (64 << 20))"
SHARED_WITH_CHILDREN = (
    SHARED
    + """
import os, sys
for _ in range(3):
    if os.fork() == 0:
        sum(held[:: 4096])
        break
"""
)


@contextmanager
def holder(code: str, *, count: int = 1):
    """Give processes that hold memory until they are let go."""
    program = [
        sys.executable,
        "-S",
        "-c",
        code + "\nimport os, sys; os.write(1, b'holds\\n'); sys.stdin.read()",
    ]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert [process.stdout.readline() for _ in range(count)] == [b"holds\n"] * count
        yield MemoryWatch(root=process.pid, limit_mb=1)
        process.stdin.close()


@pytest.mark.parametrize("code", [PRIVATE, SHARED])
def test_memory_counts_whether_it_could_be_shared_or_not(code):
    with holder(code) as watch:
        assert 64 <= watch.held_mb() < 90


def test_memory_that_several_share_counts_once():
    with holder(SHARED_WITH_CHILDREN, count=4) as watch:
        assert 64 <= watch.held_mb() < 120


def test_who_is_gone_holds_nothing():
    with holder("") as watch:
        pass
    assert watch.held_mb() == 0
