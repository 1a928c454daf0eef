"""Jobs as containers of whatever a launcher starts: boxes of this machine, or an engine's."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from typing_extensions import override

from avi_kernel.protocol.called import Called, called_of
from avi_kernel.protocol.hosts import EGRESS_FILE
from gavip_hub.backends.base import Handle, JobBackend, Observation, State
from gavip_hub.domain.container import ContainerSpec
from gavip_hub.threads import Threads

SERVER_NAMES = "gavip-server-"
LAUNCHING_THREADS = 8
LOOKING_THREADS = 4
ENDING_THREADS = 4


class Launcher(ABC):
    """What starts containers of every kind on one machine, for spawner and backend alike; every method blocks."""

    @abstractmethod
    def launch(self, spec: ContainerSpec) -> State:
        """Start a container; `socket` of what is returned is where a server answers, once it is ready.

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            A container of this name exists, or it could not be started: then `remove` it.
        """

    @abstractmethod
    def look(self, name: str) -> Observation:
        """See how a container is."""

    def look_all(self, names: Sequence[str]) -> list[Observation]:
        """See how many containers are, in the order given; one question where that can be asked."""
        return [self.look(name) for name in names]

    @abstractmethod
    def stop(self, name: str) -> None:
        """Ask a container to end, gently at first; returns at once, and does no harm where it is gone."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Forget a container and free what it held; one that is still alive is killed."""

    @abstractmethod
    def clear_unfinished(self) -> None:
        """Remove what launches and removals left that were cut short."""

    @abstractmethod
    def names(self) -> list[str]:
        """Return the names of all containers that were started and not removed."""

    @abstractmethod
    def log_file(self, name: str) -> Path | None:
        """Return the log of a container; None where there is no such container."""


class AsyncLauncher:
    """Asks a launcher in threads of its own, which end with it.

    An engine may hang for minutes. Whoever waits for it fills no line that others stand in, least of all the loop's own
    threads, in which addresses are looked up; and what is to end is ended while others start or are looked at.

    Parameters
    ----------
    launcher
        What starts containers.
    """

    def __init__(self, *, launcher: Launcher) -> None:
        self._launcher = launcher
        self._launching = Threads(size=LAUNCHING_THREADS, name="gavip-launching")
        self._looking = Threads(size=LOOKING_THREADS, name="gavip-looking")
        self._ending = Threads(size=ENDING_THREADS, name="gavip-ending")

    async def launch(self, spec: ContainerSpec) -> State:
        """Start a container."""
        return await self._launching(self._launcher.launch, spec)

    async def look(self, name: str) -> Observation:
        """See how a container is."""
        return await self._looking(self._launcher.look, name)

    async def look_all(self, names: Sequence[str]) -> list[Observation]:
        """See how many containers are, in the order given."""
        return await self._looking(self._launcher.look_all, names)

    async def stop(self, name: str) -> None:
        """Ask a container to end."""
        await self._ending(self._launcher.stop, name)

    async def remove(self, name: str) -> None:
        """Forget a container and free what it held."""
        await self._ending(self._launcher.remove, name)

    async def clear_unfinished(self) -> None:
        """Remove what launches and removals left that were cut short."""
        await self._looking(self._launcher.clear_unfinished)

    async def names(self) -> list[str]:
        """Return the names of all containers that were started and not removed."""
        return await self._looking(self._launcher.names)

    async def called(self, run_dir: Path) -> list[Called] | None:
        """Return which hosts the container of this folder called; None where there is no whole record of it."""
        return await self._looking(_called, run_dir)

    async def last_words(self, name: str, *, lines: int) -> str:
        """Return the end of a container's log; nothing where there is none."""
        return await self._looking(self._end_of_log, name, lines)

    def _end_of_log(self, name: str, lines: int) -> str:
        file = self._launcher.log_file(name)
        text = file.read_text(errors="replace") if file and file.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


class LaunchedBackend(JobBackend):
    """Starts jobs by a launcher.

    Parameters
    ----------
    launcher
        The containers of this platform, its servers among them.
    """

    def __init__(self, *, launcher: Launcher) -> None:
        self._launcher = AsyncLauncher(launcher=launcher)

    @override
    async def start(self, spec: ContainerSpec) -> AsyncIterator[State]:
        # One act, one state: a crash before it is known leaves a box that is found again by its name.
        yield await self._launcher.launch(spec)

    @override
    async def check(self, handles: Sequence[Handle]) -> list[Observation]:
        return await self._launcher.look_all([handle.name for handle in handles])

    @override
    async def stop(self, handle: Handle) -> None:
        await self._launcher.stop(handle.name)

    @override
    async def remove(self, handle: Handle) -> None:
        await self._launcher.remove(handle.name)

    @override
    async def called(self, handle: Handle) -> list[Called] | None:
        run_dir = handle.state.get("run_dir")
        return await self._launcher.called(Path(run_dir)) if run_dir else None

    @override
    async def owned(self) -> list[str]:
        await self._launcher.clear_unfinished()
        return [name for name in await self._launcher.names() if not name.startswith(SERVER_NAMES)]


def _called(run_dir: Path) -> list[Called] | None:
    if not run_dir.is_dir() or (run_dir / f"{EGRESS_FILE}.1").exists():
        return None  # one that is full is kept once: there may have been more of them
    try:
        with (run_dir / EGRESS_FILE).open("rb") as lines:
            return called_of(lines)
    except FileNotFoundError:  # it called nobody
        return []
