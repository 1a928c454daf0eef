"""Starts the shim of a box as a process that belongs to nobody."""

import os
import subprocess
import sys
from pathlib import Path

_START_WITHIN = 60.0


def run_shim(run_dir: Path, *, wait: bool = False, pass_fds: tuple[int, ...] = ()) -> str:
    """Start the shim of a box, and return once its command runs; the text says why it does not.

    Parameters
    ----------
    wait
        Return only once the box has ended.
    pass_fds
        Open files that the shim keeps as long as it lives: the lock of its folder.
    """
    command = [sys.executable, "-I", "-m", "avi_kernel.shim", str(run_dir), *(["--wait"] if wait else [])]
    try:
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},
            start_new_session=True,
            pass_fds=pass_fds,
            timeout=_START_WITHIN,
        )
    except subprocess.TimeoutExpired:
        return f"the shim did not start its box within {_START_WITHIN:.0f} s"
    return (
        ""
        if ended.returncode == 0
        else ended.stderr.strip() or f"the shim ended with status {ended.returncode}"
    )
