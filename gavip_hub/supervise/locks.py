"""Who may run on a data root: one `gavip up`, or each part of the platform once. Locks end with their process."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gavip_hub.exceptions import Conflict
from gavip_hub.supervise.programs import PARTS

WHOLE = "supervisor"


def make_locks(root: Path) -> None:
    """Make the files that are locked: some parts see their folder read-only."""
    for name in (WHOLE, *PARTS):
        os.close(_opened(root / "state" / f"{name}.lock"))


@contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Hold the data root for one supervisor of the whole platform.

    Raises
    ------
    gavip_hub.exceptions.Conflict
        Another supervisor runs on this data root, or one of a part.
    """
    with _locked(
        root, WHOLE, fcntl.LOCK_EX, f"`gavip up` runs already on {root}, or parts of the platform do."
    ):
        yield


@contextmanager
def held(root: Path, *parts: str) -> Iterator[None]:
    """Hold these parts of a data root, beside whoever holds others.

    Raises
    ------
    gavip_hub.exceptions.Conflict
        Somebody else holds one of them, or `gavip up` all.
    """
    with ExitStack() as locks:
        why = f"`gavip up` runs on {root}: end it first."
        locks.enter_context(_locked(root, WHOLE, fcntl.LOCK_SH, why))
        for part in parts:
            why = f"The {part} of {root} runs: end it first."
            locks.enter_context(_locked(root, part, fcntl.LOCK_EX, why))
        yield


@contextmanager
def _locked(root: Path, name: str, kind: int, refusal: str) -> Iterator[None]:
    descriptor = _opened(root / "state" / f"{name}.lock")
    try:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(refusal) from None
        yield
    finally:
        os.close(descriptor)


def _opened(file: Path) -> int:
    if file.is_file():  # a part may see the folder read-only: that is enough to lock
        return os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return os.open(file, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
