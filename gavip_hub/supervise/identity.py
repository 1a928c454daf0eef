"""Which process is it: a pid alone is used again, with boot and start time it is not."""

from dataclasses import dataclass
from pathlib import Path

import psutil

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """One process, beyond a reusable pid."""

    pid: int
    boot_id: str
    start_time: str
    """Clock ticks since boot, or what the system tells instead."""


def identify(pid: int) -> Identity | None:
    """Return who has this pid now; None where nobody has, or only a zombie."""
    stat = _stat(pid)
    if stat is None or stat[0] == "Z":
        return None
    return Identity(pid=pid, boot_id=boot_id(), start_time=stat[1])


def is_alive(identity: Identity) -> bool:
    """Tell whether this very process still runs."""
    return identify(identity.pid) == identity


def boot_id() -> str:
    """Return what distinguishes this boot of the machine from the others."""
    return BOOT_ID.read_text().strip() if BOOT_ID.exists() else f"{psutil.boot_time():.0f}"


def _stat(pid: int) -> tuple[str, str] | None:
    """Return the state letter and the start time."""
    if not BOOT_ID.exists():
        return _stat_elsewhere(pid)
    try:
        line = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in parentheses, which may hold anything.
    fields = line.rpartition(")")[2].split()
    return fields[0], fields[19]


def _stat_elsewhere(pid: int) -> tuple[str, str] | None:
    try:
        process = psutil.Process(pid)
        letter = "Z" if process.status() == psutil.STATUS_ZOMBIE else "R"
        return letter, f"{process.create_time():.2f}"
    except psutil.NoSuchProcess:
        return None
