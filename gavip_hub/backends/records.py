"""The few files in which the platform keeps what it knows of a box: whole, private, and found again by any process."""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from avi_kernel.protocol.base import Wire

STOP_FILE = "stop"

_Model = TypeVar("_Model", bound=Wire)


def create_private(path: Path, text: str) -> None:
    """Write a file that is not there yet, and that only the platform's own user can read.

    Raises
    ------
    FileExistsError
        It is there: what a box is told is written once.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def read_record(path: Path, model: type[_Model]) -> _Model | None:
    """Read a record; None where there is none, or none that can be read."""
    try:
        return model.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def first_asked(run_dir: Path) -> float:
    """Note that a box is to end; return when that was noted first, on the clock of this boot that nobody sets."""
    now = time.monotonic()
    stop_file = run_dir / STOP_FILE
    # Who is still starting looks for this file once it can be signalled.
    with suppress(FileExistsError, FileNotFoundError), stop_file.open("x") as file:
        file.write(str(now))
    try:
        return min(now, float(stop_file.read_text()))
    except (FileNotFoundError, ValueError):  # the box was removed meanwhile, or another is just writing
        return now
