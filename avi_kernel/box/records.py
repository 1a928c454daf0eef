"""What the shim leaves in the box's folder for the platform: the wire models `ShimState` and `ExitRecord`."""

import json
import os
from pathlib import Path


def own_identity() -> dict[str, str | int]:
    """Return pid, boot and start time: together they name this process for ever."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return {"pid": os.getpid(), "boot_id": boot_id, "start_time": int(fields[19])}


def write_record(path: Path, document: object) -> None:
    """Write a JSON file whole or not at all."""
    partial = path.with_name(f".{path.name}.new")
    with partial.open("w") as file:
        json.dump(document, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
