"""First process of a container: starts its command, carries its two ways out, and tells how it ended.

Run by its path with `python -I -S`, so that nothing a stranger wrote is imported. It runs as the container's own user and
is no wall: what a container may do is kept by the engine, and by the platform's side of each way out. Its last words go to
the engine's own log, where they are found however long the platform was away.
"""

import json
import os
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from avi_kernel.box.accounts import Accounts, own_groups
from avi_kernel.box.course import Course
from avi_kernel.box.printing import Printing
from avi_kernel.box.relay import BETWEEN_TRIES, PIECE, Relay
from avi_kernel.box.seccomp import keep_out, put_on

WAYS = "/run/gavip-ways"
WAYS_OUT = {"api": ("127.0.0.2", 8081), "egress": ("127.0.0.2", 8082)}
MADE = ("XDG_CONFIG_HOME", "XDG_CACHE_HOME")
"""Folders in the scratch: astropy warns in every log when the environment names one that is not there."""
GO = "go"
BEGINS_WITHIN = 30.0
BETWEEN_LOOKS = 0.005
GENTLE = 5.0
"""Seconds between SIGTERM and SIGKILL."""
LAST_WORDS_WITHIN = 30.0
_EVERYBODY = -1
_AT_ONCE = {"too_much_written"}  # it would go on in these seconds


class Init:
    """One container from start to end.

    Parameters
    ----------
    argv
        Its command.
    ways
        Folder of the platform's sockets, and of what it is told.
    """

    def __init__(self, *, argv: list[str], ways: str = WAYS) -> None:
        self._argv, self._ways = argv, ways
        self._selector = selectors.DefaultSelector()
        self._relay = Relay(self._selector)
        self._printing = Printing(self._selector, path=f"{ways}/log", on_word=self._hear)
        self._accounts = Accounts(own_groups())
        self._course = Course(
            memory_mb=self._accounts.memory_now_mb,
            cpu_seconds=self._accounts.cpu_seconds,
            clock=time.monotonic,
        )
        self._ends_at = float("inf")
        self._kills_at = float("inf")
        self._looks_at = time.monotonic()
        self._reason = self._message = ""
        self._command = 0
        self._status: int | None = None

    def run(self) -> int:
        """Run the command to its end; return its exit status."""
        for name, address in WAYS_OUT.items():
            self._relay.listen(address, f"{self._ways}/{name}")
        self._listen_for_signals()
        self._printing.connect()
        order = self._order()
        if order is None:
            self._say_last_words(1)
            return 1
        if order["time_limit"] is not None:
            self._ends_at = time.monotonic() + order["time_limit"]
        # A signal between the fork and the child's own settings would be taken for ours, and lost.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        self._command = os.fork()
        if self._command == 0:
            become(self._argv, order["env"], cwd=order["cwd"], output=self._printing.into)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        self._printing.start()
        while self._status is None:
            self._step(min(self._ends_at, self._kills_at, self._looks_at))
            self._look_at_clock()
            self._status = self._reap()
        self._let_all_arrive()
        self._say_last_words(self._status)
        return self._status

    def _order(self) -> dict[str, Any] | None:
        """Wait until the platform has shown this container its folders, and tells what it is; None when it does not."""
        deadline = time.monotonic() + BEGINS_WITHIN
        while not self._reason and time.monotonic() < deadline:
            with suppress(FileNotFoundError), open(f"{self._ways}/{GO}", "rb") as file:  # noqa: PTH123  # as in `entry`
                order: dict[str, Any] = json.load(file)
                return order
            self._step(time.monotonic() + BETWEEN_LOOKS)
        self._end("failed_to_start", "the platform did not let it begin")
        return None

    def _listen_for_signals(self) -> None:
        """Have signals wake the loop: the first process of a container gets only those that it asked for."""
        reading, self._waking = socket.socketpair()
        for end in (reading, self._waking):
            end.setblocking(False)
        signal.set_wakeup_fd(self._waking.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._end("stopped"))
        self._selector.register(reading, selectors.EVENT_READ, lambda _mask: reading.recv(PIECE))

    def _step(self, until: float) -> None:
        """Do what is ready, waiting for it no longer than to a moment."""
        pause = max(0.0, until - time.monotonic())
        if self._relay.waits or not self._printing.connected:
            pause = min(pause, BETWEEN_TRIES)
        for key, mask in self._selector.select(pause):
            key.data(mask)
        self._relay.try_again()
        if not self._printing.connected:
            self._printing.connect()

    def _look_at_clock(self) -> None:
        now = time.monotonic()
        if now >= self._ends_at:
            self._ends_at = float("inf")
            self._end("time_limit")
        if now >= self._kills_at:
            self._kills_at = float("inf")
            kill_everybody()
        if now >= self._looks_at:
            self._course.look()
            self._looks_at = now + self._course.pause

    def _hear(self, word: str) -> None:
        """Take the platform's word that this is to end, and why."""
        reason, _, message = word.partition(" ")
        self._end(reason, message)

    def _end(self, reason: str, message: str = "") -> None:
        if self._reason:
            return
        self._reason, self._message = reason, message
        self._kills_at = time.monotonic() + (0 if reason in _AT_ONCE else GENTLE)
        if self._command:
            kill(self._command, signal.SIGKILL if reason in _AT_ONCE else signal.SIGTERM)

    def _reap(self) -> int | None:
        """Collect what ended, orphans among it; return the command's exit status once that is there."""
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self._command:
                    return exit_status(ended[1])
        return None

    def _let_all_arrive(self) -> None:
        """End what the command left behind, and wait until all that was printed is written down."""
        kill_everybody()
        deadline = time.monotonic() + LAST_WORDS_WITHIN
        while self._printing.left and time.monotonic() < deadline:
            self._step(deadline)

    def _say_last_words(self, status: int) -> None:
        reason = self._reason or "exited"
        if reason == "exited" and status != 0 and self._accounts.memory_kills():
            reason = "out_of_memory"
        words = {
            "reason": reason,
            "message": self._message,
            "memory_peak_mb": self._accounts.memory_peak_mb(),
            "cpu_seconds": self._accounts.cpu_seconds(),
            "course": self._course.points,
        }
        # On a line of their own, whatever stands before them.
        sys.stdout.write("\n" + json.dumps(words) + "\n")
        sys.stdout.flush()


def become(argv: list[str], env: dict[str, str], *, cwd: str, output: int) -> None:
    """Turn a fresh fork into the container's command."""
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for descriptor, number in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(descriptor, number)
        signal.set_wakeup_fd(-1)
        for sign in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(sign, signal.SIG_DFL)
        # As in a box of this machine: who interrupts one's own job's runner changes nothing. Kernels set it for themselves.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        os.chdir(cwd)
        for name in MADE:
            if folder := env.get(name):
                os.makedirs(folder, exist_ok=True)  # noqa: PTH103  # as in `entry`
        os.execvpe(argv[0], argv, env)  # noqa: S606  # this is what a container is for
    except OSError as error:
        os.write(2, f"the box's command cannot be started: {error}\n".encode())
    finally:
        os._exit(1)


def exit_status(status: int) -> int:
    """Return the status of a command, or 128 + signal."""
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def kill(number: int, sign: signal.Signals) -> None:
    """Signal a process; no harm when it is gone."""
    with suppress(ProcessLookupError):
        os.kill(number, sign)


def kill_everybody() -> None:
    """End every other process of the container; only ever as its first one, to which no other process exists."""
    if os.getpid() == 1:
        kill(_EVERYBODY, signal.SIGKILL)


def main() -> int:
    """Run what the command line says."""
    keep_out()
    put_on()  # here, so that it holds for everything in the container
    return Init(argv=sys.argv[1:]).run()


if __name__ == "__main__":
    sys.exit(main())
