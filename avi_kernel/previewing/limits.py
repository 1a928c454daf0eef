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
    _become_nobody()
    give_up_privileges()
    put_on()
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def give_up_privileges() -> None:
    """Give up all that a platform may which runs as root, for good: root alone could lift the limits again.

    The kernel takes a filter of calls only from who gains no privileges any more.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "new privileges cannot be given up")
    header, nothing = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()
    if libc.capset(header, nothing) != 0:
        raise OSError(ctypes.get_errno(), "capabilities cannot be given up")


def _become_nobody() -> None:
    """Be nobody where the platform runs as root: its programs are ended by root alone, without any capability."""
    if os.geteuid() == 0:
        with suppress(OSError):  # a container may not let it; what counts is given up next
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
