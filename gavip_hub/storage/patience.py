"""What a program prints, for so long: one that comes to no end is ended while it is read, without a thread that waits for it."""

import io
import select
import subprocess
import time
from typing import cast

from typing_extensions import Buffer, override


def patient(program: "subprocess.Popen[bytes]", *, seconds: float) -> io.BufferedReader:
    """Return what a program prints; it is killed when its time is over, and then no more comes.

    Parameters
    ----------
    program
        Started with `stdout=PIPE` and `bufsize=0`.
    """
    return io.BufferedReader(_Patient(program, seconds=seconds))


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
            self._program.kill()
        return self._output.readinto(buffer)
