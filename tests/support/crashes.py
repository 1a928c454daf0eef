"""A process that is killed before each change that it makes to the disk, one after another."""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from unittest import mock

from gavip_hub.storage import renaming

CHANGES = frozenset(
    {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.truncate", "os.utime", "os.chmod"}
)
"""And each file that is opened to be written, and `renameat2`, of which Python tells nothing."""
MOST_STEPS = 200


def each_crash(
    folder: Path, arrange: Callable[[Path], object], act: Callable[[Path], object]
) -> Iterator[Path]:
    """Yield a root for each change that an act makes, as a `kill -9` before that change left it; the last is not killed.

    Parameters
    ----------
    arrange
        Fills a root.
    act
        What is killed; it begins with nothing but a filled root.
    """
    for step in count():
        assert step < MOST_STEPS
        root = folder / f"killed-{step}"
        root.mkdir()
        arrange(root)
        was_killed = _killed_before(step, act, root)
        yield root
        if not was_killed:
            return


def _killed_before(step: int, act: Callable[[Path], object], root: Path) -> bool:
    child = os.fork()
    if child == 0:
        failed = 1
        try:
            killer = _Killer(step)
            sys.addaudithook(killer)
            with mock.patch.object(renaming, "_renameat2", killer.before(renaming._renameat2)):
                act(root)
            failed = 0
        except BaseException:  # noqa: BLE001 - told, and the process ends here
            traceback.print_exc()
        finally:
            os._exit(failed)  # it never goes on as a second process of tests
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or status == 0
    return os.WIFSIGNALED(status)


class _Killer:
    """Counts what is changed, and ends its own process."""

    def __init__(self, left: int) -> None:
        self._left = left

    def __call__(self, event: str, told: tuple[object, ...]) -> None:
        if event in CHANGES or (event == "open" and _writes(told)):
            self._count()

    def before(self, act: Callable[..., int]) -> Callable[..., int]:
        """Return what counts before it acts."""

        def counted(*told: object) -> int:
            self._count()
            return act(*told)

        return counted

    def _count(self) -> None:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1


def _writes(told: tuple[object, ...]) -> bool:
    *_, flags = told
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
