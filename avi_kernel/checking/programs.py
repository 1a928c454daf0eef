"""Programs of a check: started with their memory measured, and ended with all that they started when their time is up."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import psutil

from avi_kernel.checking.meter import Meter

_LONGEST_TAIL = 20_000


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a program ended."""

    exit_code: int
    seconds: float
    memory_mb: float | None
    in_time: bool
    printed: str
    """The end of what it printed."""


async def run_program(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    log: Path,
    seconds: float,
    question: bytes = b"",
) -> Ended:
    """Run a program to its end, or for so many seconds.

    Parameters
    ----------
    question
        What it reads from standard input.
    """
    begun = monotonic()
    with log.open("xb") as printing:  # what an earlier run left here would be a trap
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=cwd,
            env=env,
            stdin=asyncio.subprocess.PIPE,
            stdout=printing,
            stderr=printing,
            start_new_session=True,
        )
    async with Meter(process.pid) as meter:
        try:
            in_time = await _until_end(process, question, seconds)
        finally:
            if process.returncode is None:
                end_tree(process.pid)
                await process.wait()
    return Ended(
        exit_code=process.returncode or 0,
        seconds=monotonic() - begun,
        memory_mb=meter.measured_mb,
        in_time=in_time,
        printed=tail_of(log),
    )


async def _until_end(process: asyncio.subprocess.Process, question: bytes, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await _ask(process, question)
            await process.wait()
    except TimeoutError:
        return False
    return True


async def _ask(process: asyncio.subprocess.Process, question: bytes) -> None:
    if process.stdin:
        with suppress(OSError):
            process.stdin.write(question)
            await process.stdin.drain()
        process.stdin.close()


def end_tree(number: int) -> None:
    """End a process and all that come from it, in whatever session they are."""
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(number)
        # Stopped first, so that it starts nothing more while its children are listed.
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            root.suspend()
        for process in [*root.children(recursive=True), root]:
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                process.kill()


def tail_of(log: Path) -> str:
    """Return the end of what was printed."""
    if not log.is_file():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LONGEST_TAIL))
        return file.read().decode("utf-8", "replace")
