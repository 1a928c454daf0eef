"""Opens the doors of all containers of one platform: `python -m avi_kernel.doorkeeper <folder> <socket>`.

It holds nothing that is not in files: killed at any moment and started again, it opens the doors of whatever is in the
folder. Containers notice as a pause: their connections wait until it is back. It has no part in starting or ending them, and
no access to their engine.
"""

import asyncio
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path

from avi_kernel.box.doors import Doors
from avi_kernel.box.serving import listen_privately, serve
from avi_kernel.box.spec import load

LONGEST_LINE = 300


class Doorkeeper:
    """The doors of all containers.

    Parameters
    ----------
    folder
        Holds one folder a container, with its description.
    """

    def __init__(self, *, folder: Path) -> None:
        self._folder = folder
        self._doors: dict[str, Doors] = {}

    async def open_all(self) -> None:
        """Open the doors of every container that is there."""
        for run_dir in sorted(self._folder.iterdir()):
            if not run_dir.name.startswith("."):
                with suppress(OSError, ValueError):  # half removed: its container is gone
                    await self.open(run_dir.name)

    async def open(self, name: str) -> None:
        """Open the doors of a container, anew where they were open.

        Raises
        ------
        OSError, ValueError
            There is no such container, or its folders are gone.
        """
        if "/" in name or name.startswith("."):
            raise ValueError(f"{name!r} is no container's name")
        await self.close(name)
        doors = Doors(load(self._folder / name))
        self._doors[name] = doors
        await doors.open()

    async def close(self, name: str) -> None:
        """Close the doors of a container; no harm when they are closed."""
        if doors := self._doors.pop(name, None):
            await doors.close()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Do what one line says: `open <name>`, `close <name>` or `ping`."""
        line = (await reader.readuntil())[:LONGEST_LINE].decode(errors="replace")
        act, _, name = line.strip().partition(" ")
        told = "ok"
        try:
            if act == "open":
                await self.open(name)
            elif act == "close":
                await self.close(name)
            elif act != "ping":
                told = f"there is no act {act!r}"
        except (OSError, ValueError) as error:
            told = str(error)
        writer.write(f"{told}\n".encode())
        await writer.drain()


async def keep(folder: Path, path: Path) -> None:
    """Keep doors until told to end."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, hard), hard))  # a quiet container needs seven
    keeper = Doorkeeper(folder=folder)
    await keeper.open_all()
    with suppress(FileNotFoundError):  # one that was killed leaves it
        os.unlink(path)  # noqa: PTH108  # once, before anything is answered
    await serve(listen_privately(str(path)), keeper.answer)
    told = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, told.set)
    await told.wait()


if __name__ == "__main__":
    asyncio.run(keep(Path(sys.argv[1]), Path(sys.argv[2])))
