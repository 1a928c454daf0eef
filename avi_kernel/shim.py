"""Stays beside one box from its start to its end: `python -m avi_kernel.shim <run_dir>`.

It makes the box, keeps its limits, writes its log, answers at its two ways out, and leaves a record of its end. It
depends on no other process of the platform: Hub, service and supervisor may come and go while the box runs.
"""

import asyncio
import errno
import fcntl
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO, cast

from avi_kernel.box.accounts import MB, own_groups
from avi_kernel.box.complaints import Complaints
from avi_kernel.box.course import Course
from avi_kernel.box.disk import DiskWatch, watch_of
from avi_kernel.box.front import Front
from avi_kernel.box.inmate import Inmate, NotStarted
from avi_kernel.box.limits import Limits
from avi_kernel.box.log import BoxLog
from avi_kernel.box.records import own_identity, write_record
from avi_kernel.box.serving import readable, serve
from avi_kernel.box.spec import Spec, load
from avi_kernel.box.watch import MemoryWatch
from avi_kernel.box.ways import ways_out

GENTLE = 5.0
"""Seconds between SIGTERM and SIGKILL."""
_AT_ONCE = {"out_of_memory", "too_much_written"}  # it would go on in these seconds
_PIECE = 1024 * 1024
_FLOOD_PAUSE = (
    0.01  # once the log is full, 100 MB a second are read and dropped: the box waits, not the machine
)
_LAST_WORDS_WITHIN = 2.0
_FULL = {errno.ENOSPC, errno.EDQUOT}
_ROOM_AGAIN = 1.0


class Shim:
    """One box from start to end.

    Parameters
    ----------
    spec
        The box.
    on_start
        Called once its command runs.
    """

    def __init__(self, *, spec: Spec, on_start: Callable[[], None]) -> None:
        self._spec = spec
        self._on_start = on_start
        self._run_dir = Path(spec.run_dir)
        name = f"{spec.name}.{os.getpid()}"
        self._limits = Limits(
            name=name, memory_mb=spec.memory_mb, weight=spec.weight, cpu_limit=spec.cpu_limit, pids=spec.pids
        )
        self._log = BoxLog(path=spec.log_file, limit=spec.log_limit_mb * MB)
        self._front = Front(folder=spec.socket_dir)
        self._reason = ""
        self._written = ""
        self._asked_to_end = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._watch: MemoryWatch | None = None
        self._course: Course | None = None

    async def run(self) -> None:
        """Run the box, and leave its record however it ends."""
        started_at = time.time()
        self._limits.create(own_groups())
        (self._run_dir / "cgroups").write_text("".join(f"{folder}\n" for folder in self._limits.folders))
        inmate = Inmate(spec=self._spec, limits=self._limits)
        self._listen_for_signals()
        write_record(self._run_dir / "shim.json", self._state())
        # Who could not signal us before this file was there has left another one.
        if (self._run_dir / "stop").exists():
            self._end("stopped")
        output, into = os.pipe()
        _widen(output)
        reading = asyncio.ensure_future(self._read_output(output))
        message = await self._live(inmate, into)
        status = await inmate.exit_code()
        self._front.remove()
        await asyncio.wait({reading}, timeout=_LAST_WORDS_WITHIN)
        for task in [reading, *self._tasks]:
            task.cancel()
        self._log.close()
        # Whoever still asks it to end is too late; asyncio would complain of a signal that comes while it closes.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        await self._leave(self._record(status, message, started_at))
        self._limits.remove()

    async def _leave(self, record: dict[str, object]) -> None:
        """Write the record of the end; a full disk is waited for, since an end without one counts as a failure."""
        while True:
            try:
                return write_record(self._run_dir / "exit.json", record)
            except OSError as error:
                if error.errno not in _FULL:
                    raise
            await asyncio.sleep(_ROOM_AGAIN)

    async def _live(self, inmate: Inmate, into: int) -> str:
        """Start the box and wait for its end; return why it did not start."""
        disk = watch_of(self._spec)
        if disk is not None:
            await disk.begin()
        try:
            listening = await inmate.start(into)
        except NotStarted as error:
            self._reason = "failed_to_start"
            inmate.kill()
            return str(error)
        finally:
            os.close(into)
        await self._open_ways(listening)
        if "memory" not in self._limits.enforced:
            self._watch = MemoryWatch(root=inmate.pid, limit_mb=self._spec.memory_mb)
            self._tasks.append(asyncio.ensure_future(self._watch_memory(self._watch)))
        if disk is not None:
            self._tasks.append(asyncio.ensure_future(self._watch_disk(disk)))
        self._course = Course(
            memory_mb=self._watch.held_mb if self._watch else self._limits.memory_now_mb,
            cpu_seconds=self._limits.cpu_seconds,
            clock=time.monotonic,
        )
        self._tasks.append(asyncio.ensure_future(self._follow(self._course)))
        self._on_start()
        await self._until_end(inmate)
        return ""

    async def _open_ways(self, listening: list[socket.socket]) -> None:
        for each, handler in zip(listening, ways_out(self._spec).values(), strict=False):
            await serve(each, handler)
        if self._spec.serves:
            self._tasks.append(asyncio.ensure_future(self._open_front()))

    async def _open_front(self) -> None:
        await serve(await self._front.open(), self._front.handle)

    async def _watch_memory(self, watch: MemoryWatch) -> None:
        await watch.exceeded()
        self._end("out_of_memory")

    async def _follow(self, course: Course) -> None:
        while True:
            await asyncio.sleep(course.pause)
            with suppress(OSError):  # a picture is worth no box
                course.look()

    async def _watch_disk(self, watch: DiskWatch) -> None:
        self._written = await watch.exceeded()
        self._end("too_much_written")

    async def _until_end(self, inmate: Inmate) -> None:
        if self._spec.time_limit is not None:
            asyncio.get_running_loop().call_later(self._spec.time_limit, self._end, "time_limit")
        asked = asyncio.ensure_future(self._asked_to_end.wait())
        ended = asyncio.ensure_future(inmate.ended.wait())
        await asyncio.wait({asked, ended}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if not ended.done():
            if self._reason not in _AT_ONCE:
                inmate.terminate()
                await asyncio.wait({ended}, timeout=GENTLE)
            inmate.kill()
            await ended

    def _listen_for_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._end, "stopped")
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)

    def _end(self, reason: str) -> None:
        self._reason = self._reason or reason
        self._asked_to_end.set()

    def _state(self) -> dict[str, object]:
        spec, enforced = self._spec, self._limits.enforced
        if spec.sandboxed:
            enforced += ["sandbox", "network", *(["uid"] if spec.uid is not None else [])]
            # Without control groups the kernel still counts the processes of a user namespace.
            enforced += [] if "pids" in enforced else ["pids"]
        return {"name": spec.name, **own_identity(), "enforced": enforced}

    def _record(self, status: int, message: str, started_at: float) -> dict[str, object]:
        reason = self._reason or "exited"
        if reason == "exited" and status != 0 and self._limits.memory_kills():
            reason = "out_of_memory"
        words = {
            "failed_to_start": f"{self._log.latest(self._spec.log_file)} ({message})",
            "out_of_memory": f"it needed more than its {self._spec.memory_mb} MB",
            "too_much_written": f"it wrote more than the {self._written} that it may",
            "time_limit": f"it ran longer than its {self._spec.time_limit} s",
        }
        return {
            "exit_code": status,
            "reason": reason,
            "message": words.get(reason, ""),
            "started_at": started_at,
            "ended_at": time.time(),
            "memory_peak_mb": self._watch.peak_mb if self._watch else self._limits.memory_peak_mb(),
            "cpu_seconds": self._limits.cpu_seconds(),
            "course": self._course.points if self._course else [],
        }

    async def _read_output(self, output: int) -> None:
        os.set_blocking(output, False)
        while True:
            try:
                data = os.read(output, _PIECE)
            except BlockingIOError:
                await readable(output)
                continue
            if not data:
                return
            self._log.write(data)
            await asyncio.sleep(_FLOOD_PAUSE if self._log.full else 0)


def _widen(pipe: int) -> None:
    """Let a pipe hold a whole piece where the system can and allows it; a small one is only slower."""
    if sys.platform == "linux":
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIECE)


async def _run(run_dir: Path, on_start: Callable[[], None]) -> None:
    await Shim(spec=load(run_dir), on_start=on_start).run()


def _stay(run_dir: Path, ready: int) -> None:
    """Live on as a process that belongs to nobody; what goes wrong with the shim itself is told in `shim.err`."""

    def on_start() -> None:
        os.write(ready, b"ok")
        os.close(ready)

    nothing = os.open(os.devnull, os.O_RDONLY)
    errors = os.open(run_dir / "shim.err", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor, number in ((nothing, 0), (errors, 1), (errors, 2)):
        os.dup2(descriptor, number)
    sys.stderr = cast(TextIO, Complaints(descriptor=errors))
    asyncio.run(_run(run_dir, on_start))


def main(arguments: list[str]) -> int:
    """Start a box and return once its command runs, or with `--wait` once it has ended."""
    run_dir = Path(arguments[0])
    os.umask(0o022)
    if "--wait" in arguments:
        asyncio.run(_run(run_dir, lambda: None))
        return 0
    reading, ready = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        _stay(run_dir, ready)
        return 0
    os.close(ready)
    if os.read(reading, 2) == b"ok":
        return 0
    with suppress(OSError):
        sys.stderr.write((run_dir / "shim.err").read_text())
    with suppress(OSError):
        sys.stderr.write((run_dir / "exit.json").read_text())
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
