"""The filter refuses what it should, and the same calls pass without it."""

import os
import platform
import subprocess
import sys

import pytest

from avi_kernel.box.seccomp import filter_file, program
from tests.support.needs import missing

LOADER = """
import ctypes, errno, os, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
content = bytes.fromhex(sys.argv[1])
libc.prctl(38, 1, 0, 0, 0)
if content:
    kept = ctypes.create_string_buffer(content)
    order = struct.pack("HxxxxxxP", len(content) // 8, ctypes.addressof(kept))
    assert libc.prctl(22, 2, ctypes.create_string_buffer(order), 0, 0) == 0, os.strerror(ctypes.get_errno())
def told(result):
    return "ok" if result >= 0 else errno.errorcode[ctypes.get_errno()]
"""
CALLS = {
    "keyctl": "print(told(libc.syscall(ctypes.c_long(250), 0, -3, 0)))",
    "namespace": "print(told(libc.unshare(0x10000000)))",
    "clone": "r = libc.syscall(ctypes.c_long(56), ctypes.c_ulong(0x10000011), 0, 0, 0, 0); r or os._exit(0); print(told(r))",
    "clone3": "print(told(libc.syscall(ctypes.c_long(435), None, 0)))",
    "io_uring": "print(told(libc.syscall(ctypes.c_long(425), 1, None)))",
    "ptrace": "print(told(libc.ptrace(0, 0, 0, 0)))",
    "vsock": """
try:
    socket.socket(40, socket.SOCK_STREAM).close()
    print("ok")
except OSError as error:
    print(errno.errorcode[error.errno])
""",
}
REFUSED = {
    "keyctl": "EPERM",
    "namespace": "EPERM",
    "clone": "EPERM",
    "clone3": "ENOSYS",
    "io_uring": "EPERM",
    "ptrace": "EPERM",
    "vsock": "EAFNOSUPPORT",
}
WITHOUT = {"clone3": "EINVAL", "io_uring": "EFAULT"}

x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of calls are x86_64's")


def run(call, content=b""):
    command = [sys.executable, "-S", "-c", LOADER + CALLS[call], content.hex()]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


@x86
@pytest.mark.parametrize("call", CALLS)
def test_a_call_is_refused(call):
    assert run(call, program("x86_64")) == REFUSED[call]


@x86
@pytest.mark.parametrize("call", CALLS)
def test_the_same_call_passes_without_the_filter(call):
    answer = run(call)
    if answer != "ok" and answer != WITHOUT.get(call):
        missing(f"{call} on this machine", f"without the filter it says {answer}")


@x86
def test_ordinary_work_goes_on():
    code = (
        LOADER
        + """
import subprocess, threading, asyncio
threading.Thread(target=print, args=("thread",)).start()
subprocess.run([sys.executable, "-S", "-c", "print('child')"], check=True)
asyncio.run(asyncio.sleep(0))
socket.create_server(("127.0.0.1", 0)).close()
socket.if_nameindex()
print("done")
"""
    )
    command = [sys.executable, "-S", "-c", code, program("x86_64").hex()]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == [
        "thread",
        "child",
        "done",
    ]


def test_an_unknown_machine_has_no_filter():
    assert program("sparc64") is None


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_no_jump_leaves_the_program(machine):
    content = program(machine)
    steps = [content[at : at + 8] for at in range(0, len(content), 8)]
    for number, step in enumerate(steps):
        if step[0] in (0x15, 0x35, 0x45):
            assert number + 1 + max(step[2], step[3]) < len(steps)
    assert steps[-1][0] == 0x06


def test_the_filter_is_handed_over_as_a_file():
    descriptor = filter_file()
    if descriptor is None:
        pytest.skip("no filter for this machine")
    with os.fdopen(descriptor, "rb") as file:
        assert file.read() == program(platform.machine())
