"""The system calls that a box may not make: a filter for the kernel, built here with no library.

The walls are the namespaces; the filter closes what they leave open: kernel interfaces with a history of holes, new
namespaces, and kinds of sockets that no network namespace holds back (a virtual machine's line to its host).
"""

import os
import struct

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS, _EAFNOSUPPORT = 1, 38, 97
_NEW_NAMESPACES = 0x7E020000  # any CLONE_NEW* flag but NEWTIME, which clone(2) does not take
_X32 = 0x40000000
_STEP_BYTES = 8
_PR_SET_SECCOMP, _FILTER, _PR_SET_DUMPABLE = 22, 2, 4
_SOCKETS = (1, 2, 10, 16)  # AF_UNIX, AF_INET, AF_INET6, AF_NETLINK

_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# The numbers of each call, in the order of the machines above.
_CALLS = {
    "clone": (56, 220),
    "clone3": (435, 435),
    "socket": (41, 198),
}
_DENIED = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "delete_module": (176, 106),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}


def _step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def _refuse(number: int, error: int) -> bytes:
    return _step(_EQUAL, number, 0, 1) + _step(_RETURN, _ERROR | error)


def program(machine: str) -> bytes | None:
    """Return the filter for a machine; None for one whose calls are not listed here."""
    if machine not in _AUDIT:
        return None
    column = list(_AUDIT).index(machine)
    steps = _step(_LOAD, _ARCHITECTURE) + _step(_EQUAL, _AUDIT[machine], 1, 0) + _step(_RETURN, _KILL)
    steps += _step(_LOAD, _NUMBER)
    if machine == "x86_64":
        steps += _step(_AT_LEAST, _X32, 0, 1) + _step(_RETURN, _ERROR | _ENOSYS)
    for numbers in _DENIED.values():
        steps += _refuse(numbers[column], _EPERM)
    # Its flags lie in memory, where no filter can look: callers fall back to clone.
    steps += _refuse(_CALLS["clone3"][column], _ENOSYS)
    clone = (
        _step(_LOAD, _FIRST_ARGUMENT)
        + _step(_ANY_BIT, _NEW_NAMESPACES, 0, 1)
        + _step(_RETURN, _ERROR | _EPERM)
    )
    steps += _step(_EQUAL, _CALLS["clone"][column], 0, 4) + clone + _step(_RETURN, _ALLOW)
    steps += (
        _step(_EQUAL, _CALLS["socket"][column], 1, 0) + _step(_RETURN, _ALLOW) + _step(_LOAD, _FIRST_ARGUMENT)
    )
    for position, family in enumerate(_SOCKETS):
        steps += _step(_EQUAL, family, len(_SOCKETS) - position, 0)
    return steps + _step(_RETURN, _ERROR | _EAFNOSUPPORT) + _step(_RETURN, _ALLOW)


def filter_file() -> int | None:
    """Return a descriptor from which bubblewrap reads the filter of this machine."""
    content = program(os.uname().machine)
    if content is None:
        return None
    descriptor = os.memfd_create("filter")
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def keep_out() -> None:
    """Close the calling process's memory and descriptors to others of its own user.

    Raises
    ------
    OSError
        The kernel refuses.
    """
    import ctypes  # noqa: PLC0415  # as below

    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the process cannot be closed to others")


def put_on() -> None:
    """Put the filter on the calling process and all that come from it, on top of whatever filter there is.

    Raises
    ------
    OSError
        The kernel refuses.
    """
    import ctypes  # noqa: PLC0415  # by those alone that need it

    content = program(os.uname().machine)
    if content is None:
        return
    steps = ctypes.create_string_buffer(content, len(content))
    order = struct.pack("@HP", len(content) // _STEP_BYTES, ctypes.addressof(steps))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.c_char_p(order), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the filter of system calls is refused")
