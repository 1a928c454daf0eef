"""Starts the program that reads one stranger's file: with a sandbox around it where this machine has one, limited in any case."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from gavip_hub.backends.binds import system_binds, system_links
from gavip_hub.exceptions import Unavailable

LONGEST_ANSWER = 16 * 1024 * 1024
SECONDS = 20.0
TOO_LONG = "Showing this file takes too long: download it to see it."
BROKEN = "This file breaks the program that shows files, or is too much for it: download it to see it."
_ENVIRONMENT = {
    "PATH": os.defpath,
    "LANG": "C.UTF-8",
    "HOME": "/nonexistent",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "HDF5_PLUGIN_PATH": "/nonexistent",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
_MODULE = "avi_kernel.previewing"


class PreviewProgram:
    """Runs it, for one file and one question at a time.

    Parameters
    ----------
    bwrap
        The bubblewrap that works here; None: the program's own limits are all.
    """

    def __init__(self, *, bwrap: Path | None) -> None:
        self._walls = walls(bwrap) if bwrap else []

    async def answer(self, file: BinaryIO, question: str) -> bytes:
        """Return what the program wrote.

        Parameters
        ----------
        file
            All that it can open; it may be read from any place.
        question
            In JSON.

        Raises
        ------
        Unavailable
            It took too long, answered too much or broke off; the message is for the file's owner.
        """
        return await self._run([sys.executable, "-I", "-m", _MODULE, question], file)

    async def _run(self, command: list[str], file: BinaryIO) -> bytes:
        process = await asyncio.create_subprocess_exec(
            *self._walls,
            *command,
            stdin=file,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(SECONDS):
                return await _answer(process)
        except TimeoutError:
            raise Unavailable(TOO_LONG) from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def _answer(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None  # noqa: S101  # it is a pipe
    pieces, size = [], 0
    while piece := await process.stdout.read(256 * 1024):
        pieces.append(piece)
        size += len(piece)
        if size > LONGEST_ANSWER:
            raise Unavailable(BROKEN)
    if await process.wait() != 0:
        raise Unavailable(BROKEN)
    return b"".join(pieces)


def walls(
    bwrap: Path, *, shown: Mapping[Path, Path] = MappingProxyType({}), scratch: int = 65536
) -> list[str]:
    """Return the beginning of a command: no network, no processes, no files but programs, nothing to write.

    Parameters
    ----------
    shown
        Folder -> where it is seen, read-only.
    scratch
        Bytes of memory that it may fill with files, all below /tmp.
    """
    command = [str(bwrap), "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session"]
    command += ["--cap-drop", "ALL", "--hostname", "preview", "--proc", "/proc", "--dev", "/dev"]
    command += ["--size", str(scratch), "--tmpfs", "/tmp"]  # noqa: S108  # in the sandbox, where nobody else is
    for bind in system_binds():
        command += ["--ro-bind", bind.source, bind.target]
    for place, leads_to in system_links().items():
        command += ["--symlink", leads_to, place]
    for folder, seen_at in shown.items():
        command += ["--ro-bind", str(folder), str(seen_at)]
    # A folder of devices is memory too, half of the machine's: nobody makes a file there.
    return [*command, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/", "--"]
