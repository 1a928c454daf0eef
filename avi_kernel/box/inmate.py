"""The process tree of one box, as the shim sees it: started, told to end, ended."""

import array
import asyncio
import ctypes
import json
import os
import select
import signal
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from avi_kernel.box.bubble import Doorway
from avi_kernel.box.limits import Limits
from avi_kernel.box.seccomp import filter_file
from avi_kernel.box.serving import readable
from avi_kernel.box.spec import Spec

_PR_SET_CHILD_SUBREAPER = 36
_ENTER_WITHIN = 30.0
_GONE_WITHIN = 10.0


class NotStarted(Exception):  # a record's `failed_to_start`
    """The box's command was not reached."""


class Inmate:
    """What runs in a box.

    Parameters
    ----------
    spec
        The box.
    limits
        Its control groups, made already.
    """

    def __init__(self, *, spec: Spec, limits: Limits) -> None:
        self._spec = spec
        self._limits = limits
        self._doorway = Doorway(spec=spec, limits=limits)
        self._process: subprocess.Popen[bytes] | None = None
        self._command: int | None = None
        """Descriptor of the box's own command, which is not the process that we started when that is bubblewrap."""
        self.ended = asyncio.Event()

    async def start(self, output: int) -> list[socket.socket]:
        """Start it, printing to `output`; return the listening sockets of its two ways out.

        Raises
        ------
        NotStarted
            The output says why.
        """
        if not self._spec.sandboxed:
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
            self._spawn(self._spec.argv, output, cwd=self._spec.cwd, env=self._spec.env)
            return []
        here, there = socket.socketpair()
        here.setblocking(False)
        here.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        with here:
            with there:
                self._spawn_sandbox(there.fileno(), output)
            return await self._hand_over(here)

    def _spawn_sandbox(self, door: int, output: int) -> None:
        with ExitStack() as opened:
            program = filter_file()
            try:
                sources = self._doorway.open_sources()
            except OSError as error:
                raise NotStarted(str(error)) from error
            passed = [*sources, *([] if program is None else [program])]
            for descriptor in passed:
                opened.callback(os.close, descriptor)
            command = self._doorway.command(door=door, seccomp=program, sources=sources)
            self._spawn(command, output, cwd="/", env={}, pass_fds=[door, *passed])

    @property
    def pid(self) -> int:
        """Number of the process that all others of the box come from."""
        return self._process.pid if self._process else 0

    def terminate(self) -> None:
        """Ask its command to end."""
        if self._command is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._command, signal.SIGTERM)
        elif self._process is not None and not self._spec.sandboxed:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it at once: with bubblewrap goes the first process of its namespace, and all the others."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    async def exit_code(self) -> int:
        """Wait until nothing of it is left; return the status of its command, or 128 + signal."""
        if self._process is None:
            return 1
        await self.ended.wait()
        status = self._process.wait()
        deadline = asyncio.get_running_loop().time() + _GONE_WITHIN
        while self._left_over() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110  # version 1 of
            await asyncio.sleep(0.005)  # control groups has no event for the moment in which one is empty
        return 128 - status if status < 0 else status

    def _spawn(
        self,
        command: list[str],
        output: int,
        *,
        cwd: str,
        env: dict[str, str],
        pass_fds: list[int] | None = None,
    ) -> None:
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=cwd,
                env=env,
                pass_fds=pass_fds or [],
                preexec_fn=self._doorway.enter,  # noqa: PLW1509  # no thread runs yet
                start_new_session=not self._spec.sandboxed,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise NotStarted(str(error)) from error
        descriptor = os.pidfd_open(self._process.pid)
        asyncio.get_running_loop().add_reader(descriptor, self._note_end, descriptor)

    def _note_end(self, descriptor: int) -> None:
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)
        self.ended.set()

    async def _hand_over(self, here: socket.socket) -> list[socket.socket]:
        """Tell the entry what to become; take from it the sockets, and from the system its true number."""
        loop = asyncio.get_running_loop()
        order = {
            "argv": self._spec.argv,
            "env": self._spec.env,
            "cwd": self._spec.cwd,
            "pids": self._spec.pids,
        }
        try:
            async with asyncio.timeout(_ENTER_WITHIN):
                await loop.sock_sendall(here, json.dumps(order).encode())
                here.shutdown(socket.SHUT_WR)
                await readable(here)
        except (OSError, TimeoutError) as error:
            raise NotStarted(str(error)) from error
        room = socket.CMSG_SPACE(2 * array.array("i").itemsize) + socket.CMSG_SPACE(struct.calcsize("iii"))
        try:
            data, extras, _, _ = here.recvmsg(16, room, socket.MSG_CMSG_CLOEXEC)
        except OSError as error:
            raise NotStarted(str(error)) from error
        if not data:
            raise NotStarted("the sandbox could not be made")
        return list(self._unpack(extras))

    def _unpack(self, extras: list[tuple[int, int, bytes]]) -> Iterator[socket.socket]:
        for _, kind, content in extras:
            if kind == socket.SCM_CREDENTIALS:
                with suppress(ProcessLookupError):
                    self._command = os.pidfd_open(struct.unpack("iii", content)[0])
            elif kind == socket.SCM_RIGHTS:
                yield from (socket.socket(fileno=number) for number in array.array("i", content))

    def _left_over(self) -> bool:
        """Tell whether something still runs; without walls it is killed here, one by one."""
        if self._spec.sandboxed:
            return bool(self._limits.pids()) or self._command_lives()
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        left = {*self._limits.pids(), *_children()}
        for number in left:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        return bool(left)

    def _command_lives(self) -> bool:
        # The descriptor of a process can be read once it has ended.
        return self._command is not None and not select.select([self._command], [], [], 0)[0]


def _children() -> list[int]:
    """Return our children; the orphans of the box are among them, since we are their subreaper."""
    return [int(number) for number in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
