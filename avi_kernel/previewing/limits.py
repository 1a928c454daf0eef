"""What a program that reads a stranger's file may still do, whatever its parsers are made to: read that file, and answer."""

import ctypes
import os
import resource
from contextlib import suppress

from avi_kernel.box.seccomp import put_on
from avi_kernel.previewing.words import MB

MEMORY_MB = 1536
PROCESSOR_SECONDS = 10
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION = 0x20080522
_NOBODY = 65534


def bound() -> None:
    """Limit memory, time and what is written, before anything large is imported."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MB * MB, MEMORY_MB * MB))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def shut() -> None:
    """Open nothing any more, no file and no socket; what is open stays so. Called when all has been imported."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "new privileges cannot be given up")
    _become_nobody(libc)
    put_on()
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def _become_nobody(libc: ctypes.CDLL) -> None:
    """Give up all that a platform may which runs as root: root alone could lift the limits again, or end other programs."""
    if os.geteuid() == 0:
        with suppress(OSError):  # a container may not let it; what counts is given up below
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
    header, nothing = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()
    if libc.capset(header, nothing) != 0:
        raise OSError(ctypes.get_errno(), "capabilities cannot be given up")
