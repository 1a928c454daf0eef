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
_BETWEEN_LOOKS = 0.01


class StillThere(Exception):
    """Something that the AVI started does not end."""


def stand_apart() -> None:
    """Close this process's memory and descriptors to what it starts, and become the parent of whoever loses theirs.

    So nothing that an AVI starts can write here, or leave the tree that is ended with `end_all`. Systems other than Linux
    cannot do that; there a check is run on one's own code.

    Raises
    ------
    OSError
        The kernel refuses.
    """
    if sys.platform != "linux":
        return
    keep_out()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the process cannot take in those who lose their parents")


def end_all(*, within: float = _GONE_WITHIN) -> None:
    """End all that came of this process.

    Raises
    ------
    StillThere
        It begins ever new ones.
    """
    deadline = monotonic() + within
    while _is_parent():
        if monotonic() > deadline:
            raise StillThere(
                "The AVI's processes do not end, so that nothing that was found can be relied upon."
            )
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                process.kill()
        sleep(_BETWEEN_LOOKS)


def _is_parent() -> bool:
    """Wait for those who have ended; tell whether anybody is left, by the kernel's word.

    A list of processes is no proof: who goes on as ever new ones is in none of them while it is read. But each of them has
    a parent, up to this process, and whoever loses theirs becomes a child of it in the same moment.
    """
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True
