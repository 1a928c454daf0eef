"""Start kernels by forking a warm process: milliseconds instead of a second, and shared memory.

The *nursery* is forked from the server before the server has any thread, event loop or zmq context. It
imports what kernels will need, never code of the AVI, and forks one kernel at each request. Linux only
(pidfd); elsewhere, and for kernels of other languages, jupyter_client's own way is used.
See docs/adr/0041.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import random
import re
import select
import signal
import socket
import struct
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn, Self, cast

from avi_kernel import packages

LENGTH = struct.Struct("!I")
REPLY = struct.Struct("!q")
LONGEST_CONTROL = 2.0
"""Seconds that a kernel which ends waits for the thread that told it to."""
ALWAYS = (
    *("ipykernel.ipkernel", "ipykernel.kernelapp", "ipykernel.zmqshell", "ipykernel.debugger"),
    # What a shell imports when it is made.
    *("IPython.core.completerlib", "IPython.core.debugger", "IPython.core.logger", "IPython.core.oinspect"),
    *("IPython.core.pylabtools", "IPython.extensions.storemagic", "tornado.platform.asyncio"),
)
_PICTURES = [
    *("numpy", "numpy.random", "matplotlib.pyplot", "matplotlib.backends.backend_agg"),
    *(
        "PIL.BmpImagePlugin",
        "PIL.GifImagePlugin",
        "PIL.JpegImagePlugin",
        "PIL.PpmImagePlugin",
        "PIL.PngImagePlugin",
    ),
]
"""What draws the first picture: without them each kernel imports them for itself."""
WARMABLE = {
    "numpy": ["numpy", "numpy.random"],
    "matplotlib": _PICTURES,
    "ipywidgets": ["ipywidgets"],
    "avi_kernel": ["ipywidgets"],
    "astropy": ["numpy", "astropy.table", "astropy.units"],
    "pandas": ["pandas"],
}
"""What is imported ahead when the AVI's own code names the library; each was seen to survive a fork."""
USUAL = (*_PICTURES, "ipywidgets")
"""What is imported ahead where it is not known yet which AVI it will be."""
INLINE = "module://matplotlib_inline.backend_inline"


class NurseryGone(Exception):
    """The process that kernels are forked from has ended."""


class ForkedProcess:
    """A kernel that was forked elsewhere: the part of `subprocess.Popen` that jupyter_client uses."""

    stdin = stdout = stderr = None

    def __init__(self, *, pid: int, pidfd: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._pidfd = pidfd

    def poll(self) -> int | None:
        """Return None while it runs; the exit status is known to its parent alone, so 0 means gone."""
        if self.returncode is None and select.select([self._pidfd], [], [], 0)[0]:
            os.close(self._pidfd)
            self.returncode = 0
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait until it is gone."""
        if self.returncode is None:
            select.select([self._pidfd], [], [], timeout)
        return self.poll()

    def send_signal(self, signum: int) -> None:
        """Send a signal to exactly this process, never to a later one of the same pid."""
        if self.returncode is None:
            signal.pidfd_send_signal(self._pidfd, signum)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


class Nursery:
    """The server's end of the line to the warm process."""

    def __init__(self, *, pid: int, line: socket.socket) -> None:
        self.pid = pid
        self._line = line
        self._lock = threading.Lock()

    @classmethod
    def start(cls, *, modules: Iterable[str] = ()) -> Self:
        """Fork the warm process. Call it before any thread, event loop or zmq context exists."""
        if threading.active_count() > 1:
            raise RuntimeError("The kernels' nursery must be forked before any thread is started.")
        ours, theirs = socket.socketpair()
        # Out of the collectors' sight on both sides: each would write into every page that they share.
        gc.collect()
        gc.freeze()
        pid = os.fork()
        if pid == 0:
            ours.close()
            _tend(theirs, [*ALWAYS, *modules])
        theirs.close()
        return cls(pid=pid, line=ours)

    def fork(self, *, argv: list[str], env: Mapping[str, str], cwd: str) -> ForkedProcess:
        """Start a kernel; blocks for milliseconds, or until the imports are done.

        Raises
        ------
        NurseryGone
            When the warm process has ended.
        """
        request = json.dumps({"argv": argv, "env": dict(env), "cwd": cwd}).encode()
        with self._lock:
            try:
                self._line.sendall(LENGTH.pack(len(request)) + request)
                reply, fds, _, _ = socket.recv_fds(self._line, REPLY.size, 1)
            except OSError as error:
                raise NurseryGone(str(error)) from error
        if len(reply) != REPLY.size or not fds:
            raise NurseryGone("It hung up.")
        return ForkedProcess(pid=REPLY.unpack(reply)[0], pidfd=fds[0])

    def close(self) -> None:
        """End the warm process; kernels notice and end too."""
        self._line.close()
        os.waitpid(self.pid, 0)


def wanted(folder: Path) -> list[str]:
    """Return what to import ahead for an AVI: what its own code names."""
    files = [*folder.glob("*.ipynb"), *folder.glob("*.py")]
    code = "\n".join(path.read_text(errors="replace") for path in files)
    used = [library for library in WARMABLE if re.search(rf"\b(import|from) {library}\b", code)]
    return list(dict.fromkeys(module for library in used for module in WARMABLE[library]))


def available() -> bool:
    """Whether kernels can be forked here."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open")


def _tend(line: socket.socket, modules: Iterable[str]) -> NoReturn:
    """Import, then fork a kernel at each request until the server hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, _reap)
    os.environ.setdefault("MPLBACKEND", INLINE)
    # A debugger in every kernel costs each 90 ms and 10 MB; nobody can attach one to an interface.
    sys.modules.setdefault("debugpy", cast(ModuleType, None))
    for name in modules:
        _import_if_there(name)
    gc.collect()
    # Objects of the imports leave the collector's sight, so that collecting in a kernel copies none of their pages.
    gc.freeze()
    while request := _receive(line):
        # No reaping between fork and pidfd_open, or the pid might be somebody else's by then.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        pid = os.fork()
        if pid == 0:
            _become_kernel(line, **json.loads(request))
        pidfd = os.pidfd_open(pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        socket.send_fds(line, [REPLY.pack(pid)], [pidfd])
        os.close(pidfd)
    os._exit(0)


def _reap(_signum: int, _frame: object) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _import_if_there(name: str) -> None:
    try:
        importlib.import_module(name)
    except Exception as error:  # noqa: BLE001  # whatever an optional library does at import is its kernel's to tell
        sys.stderr.write(f"not imported ahead: {name}: {error}\n")


def _receive(line: socket.socket) -> bytes:
    """Return one request, or nothing once the server is gone."""
    head = _read(line, LENGTH.size)
    return _read(line, LENGTH.unpack(head)[0]) if head else b""


def _read(line: socket.socket, size: int) -> bytes:
    """Read exactly so many bytes, or nothing; a signal may cut a single `recv` short."""
    data = b""
    while len(data) < size:
        part = line.recv(size - len(data))
        if not part:
            return b""
        data += part
    return data


def _become_kernel(line: socket.socket, *, argv: list[str], env: dict[str, str], cwd: str) -> NoReturn:
    """Turn this fresh fork into what `python -m ipykernel_launcher` would be, and never return."""
    status = 1
    try:
        nursery = os.getppid()
        line.close()
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        _offer_to_die_first()
        os.environ.clear()
        os.environ.update(env)
        os.chdir(cwd)
        # A kernel ends itself when its parent does: the nursery, not the server that the environment names.
        sys.argv = ["ipykernel_launcher", *argv, f"--IPKernelApp.parent_handle={nursery}"]
        _add_python_path(env.get("PYTHONPATH", ""))
        packages.add(env)
        _reseed()
        _register_widgets()
        _run_kernel()
        status = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _offer_to_die_first() -> None:
    """Have the system end a kernel when the box's memory is full, not the server: one page is lost, and says so."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")


def _run_kernel() -> None:
    from ipykernel.kernelapp import IPKernelApp  # noqa: PLC0415 - the nursery may be forked before it is needed

    IPKernelApp.launch_instance()
    # Before ipykernel closes the output: the thread that was told to end the kernel flushes it, and each would wait for the other.
    control = IPKernelApp.instance().control_thread
    if control is not None:
        control.stop()
        control.join(LONGEST_CONTROL)
    atexit._run_exitfuncs()  # noqa: SLF001 - a forked process leaves by _exit, which skips them


def _add_python_path(value: str) -> None:
    """Do what the interpreter does with PYTHONPATH at its start, which was before the fork."""
    for entry in reversed([entry for entry in value.split(os.pathsep) if entry]):
        if entry not in sys.path:
            sys.path.insert(0, entry)


def _register_widgets() -> None:
    """Do what ipywidgets does when it is imported in a kernel, and could not before there was one.

    Without it pages still work, but ask for the state of each widget in a message of its own.
    """
    ipywidgets: Any = sys.modules.get("ipywidgets")
    if ipywidgets is not None:
        ipywidgets.register_comm_target()


def _reseed() -> None:
    """Two kernels of one parent must not draw the same numbers."""
    random.seed()
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()
