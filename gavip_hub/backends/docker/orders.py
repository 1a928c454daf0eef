"""What a container is told from outside, in a folder that it can only read."""

import json
import os
from pathlib import Path

from avi_kernel.protocol.boxes import BoxSpec


def give_order(box: BoxSpec, name: str) -> None:
    """Tell a container what to be, in a file that it alone can read, whole or not at all.

    Not in its environment: that would be the first process's too, and stand in whatever lists containers.
    """
    ways = Path(box.socket_dir, "ways")
    partial = ways / f".{name}"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"env": box.env, "cwd": box.cwd, "time_limit": box.time_limit}, file)
        os.fchown(file.fileno(), box.uid or 0, box.uid or 0)
    partial.rename(ways / name)
