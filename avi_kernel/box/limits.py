"""Memory, processes and processor time of one box, kept by control groups of version 1 or 2."""

import os
import time
from contextlib import suppress
from pathlib import Path

from avi_kernel.box.accounts import CONTROLLERS, COUNTER, MB, UNIFIED, Accounts

_PERIOD = 100_000  # microseconds in which a box may use `cpu_limit` times as much
_OWN_PROCESSES = 4  # bubblewrap's, which count but are not the box's
_EMPTY_WITHIN = 5.0

Settings = dict[str, list[tuple[str, str]]]
"""Controller -> (file, content); the first file is the limit, the others are set where the kernel has them."""


class Limits(Accounts):
    """The control groups of one box.

    Parameters
    ----------
    name
        Unlike that of any other group.
    memory_mb, pids
        What the box may use: MB, processes and threads.
    weight
        For how many cores it counts where boxes compete for processor time.
    cpu_limit
        Cores that it may use while nobody else needs them.
    """

    def __init__(self, *, name: str, memory_mb: int, weight: float, cpu_limit: float, pids: int) -> None:
        memory, quota = str(memory_mb * MB), max(1000, int(cpu_limit * _PERIOD))
        most = str(pids + _OWN_PROCESSES)
        super().__init__({}, most_mb=memory_mb)
        self._name = name
        self._version_1: Settings = {
            "memory": [("memory.limit_in_bytes", memory), ("memory.memsw.limit_in_bytes", memory)],
            "pids": [("pids.max", most)],
            "cpu": [
                ("cpu.cfs_quota_us", str(quota)),
                ("cpu.cfs_period_us", str(_PERIOD)),
                ("cpu.shares", str(max(2, round(1024 * weight)))),
            ],
            COUNTER: [],
        }
        self._version_2: Settings = {
            "memory": [("memory.max", memory), ("memory.swap.max", "0")],
            "pids": [("pids.max", most)],
            "cpu": [("cpu.max", f"{quota} {_PERIOD}"), ("cpu.weight", str(max(1, round(100 * weight))))],
        }

    @property
    def enforced(self) -> list[str]:
        """Which of memory, pids and cpu this system keeps."""
        return [name for name in self._groups if name in CONTROLLERS]

    def create(self, own: dict[str, Path]) -> None:
        """Make the groups below our own, as far as this system lets us."""
        for controller in [name for name in self._version_1 if name in own]:
            self._create(own[controller] / self._name, {controller: self._version_1[controller]})
        if not self.enforced and UNIFIED in own:
            self._create_unified(own[UNIFIED])

    def join(self) -> None:
        """Put the calling process into every group."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text("0")

    def pids(self) -> list[int]:
        """Return the processes that are in any of the groups now."""
        texts = [(folder / "cgroup.procs").read_text() for folder in self.folders]
        return sorted({int(number) for text in texts for number in text.split()})

    def remove(self) -> None:
        """Remove the groups; their last process may need a moment to be gone."""
        deadline = time.monotonic() + _EMPTY_WITHIN
        for folder in self.folders:
            while folder.is_dir() and not _removed(folder) and time.monotonic() < deadline:
                time.sleep(0.005)  # version 1 does not tell when a group is empty
        self._groups = {}

    def _create_unified(self, own: Path) -> None:
        """Look upwards for a group below which controllers work: one that has processes of its own cannot."""
        for above in [own, *own.parents]:
            if not (above / "cgroup.procs").exists():
                return
            for controller in CONTROLLERS:
                _put(above / "cgroup.subtree_control", f"+{controller}")
            self._create(above / self._name, self._version_2)
            if self._groups:
                return

    def _create(self, group: Path, settings: Settings) -> None:
        try:
            group.mkdir()
        except OSError:
            return
        kept = [
            name
            for name, files in settings.items()
            if all(_put(group / file, text) for file, text in files[:1])
        ]
        for name in kept:
            for file, text in settings[name][1:]:
                _put(group / file, text)
        if kept and _can_join(group):
            self._groups.update(dict.fromkeys(kept, group))
        else:
            _removed(group)


def _put(file: Path, text: str) -> bool:
    """Write where the file is there: on a real control group a missing file is a missing controller."""
    if not file.exists():
        return False
    try:
        file.write_text(text)
    except OSError:
        return False
    return True


def _can_join(group: Path) -> bool:
    """Try it with a process that then ends: version 2 has a say in who may move where."""
    child = os.fork()
    if child == 0:
        status = 1
        with suppress(OSError):
            (group / "cgroup.procs").write_text("0")
            status = 0
        os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _removed(group: Path) -> bool:
    try:
        group.rmdir()
    except OSError:
        return False
    return True
