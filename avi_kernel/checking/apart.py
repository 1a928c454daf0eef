"""What keeps the check's own process apart from the code that it runs, which has the same user's number."""

import ctypes
import os
import sys
from contextlib import suppress
from time import monotonic, sleep

import psutil

from avi_kernel.box.seccomp import keep_out

_PR_SET_CHILD_SUBREAPER = 36
_GONE_WITHIN = 10.0


class StillThere(Exception):
    """Something that the AVI started does not end."""


def stand_apart() -> None:
    """Close this process's memory and descriptors to what it starts, and become the parent of whoever loses theirs.

    So nothing that an AVI starts can write here, or leave the tree that is ended after each run. Systems other than Linux
    cannot do that; there a check is run on one's own code.
    """
    if sys.platform == "linux":
        keep_out()
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_all() -> None:
    """End all that came of this process.

    Raises
    ------
    StillThere
        It begins ever new ones.
    """
    deadline = monotonic() + _GONE_WITHIN
    while left := psutil.Process().children(recursive=True):
        if monotonic() > deadline:
            raise StillThere(
                "The AVI's processes do not end, so that nothing that was found can be relied upon."
            )
        for process in left:
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                process.kill()
        _bury()
        sleep(0.01)


def _bury() -> None:
    """Wait for those that have ended, of which many were nobody's children."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
