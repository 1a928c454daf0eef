"""What a program prints, for so long: one that comes to no end is ended while it is read, without a thread that waits for it."""

import io
import os
import select
import subprocess
import time
from signal import SIGKILL
from typing import cast

from typing_extensions import Buffer, override


def patient(program: "subprocess.Popen[bytes]", *, seconds: float) -> io.BufferedReader:
    """Return what a program prints; it is ended when its time is over, and then no more comes.

    Parameters
    ----------
    program
        Started with `stdout=PIPE`, `bufsize=0` and `process_group=0`.
    """
    return io.BufferedReader(_Patient(program, seconds=seconds))


def end(program: "subprocess.Popen[bytes]") -> None:
    """Kill a program, and what it started: a shell's children would go on, and keep its output open.

    Parameters
    ----------
    program
        Started with `process_group=0`; one that was waited for is left alone, since its number may be another's.
    """
    if program.returncode is None:
        os.killpg(program.pid, SIGKILL)


class _Patient(io.RawIOBase):
    def __init__(self, program: "subprocess.Popen[bytes]", *, seconds: float) -> None:
        self._program = program
        self._output = cast("io.FileIO", program.stdout)
        self._until = time.monotonic() + seconds
        self._poll = select.poll()
        self._poll.register(self._output, select.POLLIN)

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Buffer) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0 or not self._poll.poll(left * 1000):
            end(self._program)
        return self._output.readinto(buffer)
