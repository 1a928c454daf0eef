"""What a program that reads a stranger's file may still do, whatever its parsers are made to: read that file, and answer."""

import ctypes
import resource

from avi_kernel.box.seccomp import put_on
from avi_kernel.previewing.words import MB

MEMORY_MB = 1536
PROCESSOR_SECONDS = 10
_PR_SET_NO_NEW_PRIVS = 38


def bound() -> None:
    """Limit memory, time and what is written, before anything large is imported."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MB * MB, MEMORY_MB * MB))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def shut() -> None:
    """Open nothing any more, no file and no socket; what is open stays so. Called when all has been imported."""
    give_up_privileges()
    put_on()
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def give_up_privileges() -> None:
    """Gain none any more, whatever is started: the kernel takes a filter of calls only from who did this."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "new privileges cannot be given up")
