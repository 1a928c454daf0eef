"""What one control group has used, of version 1 or 2: read by who made it, or from inside the container."""

import os
from collections.abc import Mapping
from pathlib import Path

MB = 1024 * 1024
CONTROLLERS = ("memory", "pids", "cpu")
COUNTER = "cpuacct"  # version 1 counts processor time in a hierarchy of its own, which limits nothing
UNIFIED = "unified"


def own_groups(proc: Path = Path("/proc/self")) -> dict[str, Path]:
    """Return the folder of this process's own group by controller; `unified` is version 2."""
    own: dict[str, str] = {}
    for line in (proc / "cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        own.update(dict.fromkeys(controllers.split(",") if controllers else [UNIFIED], path))
    found: dict[str, Path] = {}
    for line in (proc / "mountinfo").read_text().splitlines():
        fields, _, rest = line.partition(" - ")
        root, mounted = fields.split()[3:5]
        kind, _, options = rest.split(" ", 2)
        names = {"cgroup2": [UNIFIED], "cgroup": options.split(",")}.get(kind, [])
        for name in set(names) & {UNIFIED, *CONTROLLERS, COUNTER} & own.keys():
            found.setdefault(name, Path(os.path.normpath(f"{mounted}/{os.path.relpath(own[name], root)}")))
    return found


class Accounts:
    """Memory and processor time that one container has used.

    Parameters
    ----------
    groups
        Controller -> folder of its control group, or `unified` -> the one folder of version 2.
    most_mb
        MB that it may hold; a peak above it is the kernel's rounding.
    """

    def __init__(self, groups: Mapping[str, Path], *, most_mb: float = float("inf")) -> None:
        self._groups = dict(groups)
        self._most_mb = most_mb

    @property
    def folders(self) -> list[Path]:
        """The groups' folders."""
        return sorted(set(self._groups.values()))

    def memory_now_mb(self) -> float | None:
        """Return the memory that the box holds now, counted like its peak."""
        for name in ("memory.memsw.usage_in_bytes", "memory.usage_in_bytes", "memory.current"):
            if text := self._memory_file(name):
                return int(text) / MB
        return None

    def memory_peak_mb(self) -> float | None:
        """Return the most memory that the box held at once, the system's cache of its files included."""
        for name in ("memory.memsw.max_usage_in_bytes", "memory.max_usage_in_bytes", "memory.peak"):
            if text := self._memory_file(name):
                return min(int(text) / MB, self._most_mb)
        return None

    def memory_kills(self) -> int:
        """Return how many of the box's processes were killed for want of memory."""
        text = self._memory_file("memory.oom_control") or self._memory_file("memory.events")
        counts = dict(line.split() for line in text.splitlines())
        return int(counts.get("oom_kill", 0))

    def cpu_seconds(self) -> float | None:
        """Return the processor time used by all that ever ran in the groups."""
        for folder in self.folders:
            if (nanoseconds := folder / "cpuacct.usage").exists():
                return int(nanoseconds.read_text()) / 1e9
            if (statistics := folder / "cpu.stat").exists() and "usage_usec" in (
                text := statistics.read_text()
            ):
                return int(dict(line.split() for line in text.splitlines())["usage_usec"]) / 1e6
        return None

    def _memory_file(self, name: str) -> str:
        folder = self._groups.get("memory") or self._groups.get(UNIFIED)
        try:
            return (folder / name).read_text().strip() if folder else ""
        except OSError:
            return ""
