"""What was cut short while it was made or removed: a token lies in it."""

import logging
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from avi_kernel.protocol.boxes import SPEC_FILE, BoxSpec
from gavip_hub.backends.records import read_record
from gavip_hub.exceptions import GavipError
from gavip_hub.logs import Trouble
from gavip_hub.trees import remove_path

_PREFIX = ".new-"
_AFTER = 60.0

log = logging.getLogger(__name__)


class Leftovers:
    """Folders that are not whole yet, or no longer, beside those that are.

    Parameters
    ----------
    folder
        The platform's own, with one folder for each box or container.
    """

    def __init__(self, *, folder: Path) -> None:
        self._folder = folder
        self._trouble = Trouble(log=log, what=f"What is left in {folder} cannot be removed")

    def new(self) -> Path:
        """Return a place for one; it becomes whole by being renamed, and is given up by being renamed to here."""
        return self._folder / f"{_PREFIX}{secrets.token_hex(6)}"

    def clear(self, remove: Callable[[Path], None]) -> None:
        """Remove those that nobody can be busy with any more; one that cannot be removed keeps no other."""
        failed: Exception | None = None
        for left in self._folder.glob(f"{_PREFIX}*"):
            try:
                if time.time() - left.stat().st_mtime > _AFTER:
                    remove(left)
            except FileNotFoundError:  # its launch or its removal has come to its end meanwhile
                continue
            except (OSError, GavipError) as error:
                failed = error
        if failed:
            self._trouble.met(failed)
        else:
            self._trouble.over()


def remove_with_sockets(run_dir: Path) -> None:
    """Remove the folder of a box or container, and that of its sockets."""
    if box := read_record(run_dir / SPEC_FILE, BoxSpec):
        with suppress(OSError):
            remove_path(Path(box.socket_dir))
    remove_path(run_dir)
