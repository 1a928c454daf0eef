"""A job's scratch on disk: a file system of its own size, for one in memory would count as the job's memory."""

import logging
import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from gavip_hub.exceptions import Unavailable

MB = 1024 * 1024
_MAKE = (
    "mkfs.ext4",
    "-q",
    "-F",
    "-m",
    "0",
    "-O",
    "^has_journal",
    "-E",
    "lazy_itable_init=1,nodiscard,root_owner=",
)
"""No journal: nobody needs what a crash left of it."""
_MOUNT = ("mount", "-o", "loop,nosuid,nodev,noatime")
_WITHIN = 30.0

log = logging.getLogger(__name__)


@cache
def possible() -> bool:
    """Tell whether file systems can be made and mounted here, by trying it once."""
    with tempfile.TemporaryDirectory(prefix="gavip-scratch-") as folder:
        try:
            make(Path(folder), size_mb=8, uid=os.getuid())
        except (OSError, Unavailable) as error:
            log.warning("scratch lies in memory, and counts as a job's: %s", error)
            return False
        finally:
            free(Path(folder))
    return True


def make(run_dir: Path, *, size_mb: int, uid: int) -> Path:
    """Make and mount a scratch of this size for a user; return where.

    Raises
    ------
    gavip_hub.exceptions.Unavailable
        It cannot be made or mounted.
    """
    image, folder = run_dir / "scratch.img", run_dir / "scratch"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(size_mb * MB)  # takes room on the disk as it is filled
    _run(*_MAKE[:-1], f"{_MAKE[-1]}{uid}:{uid}", str(image))
    _run(*_MOUNT, str(image), str(folder))
    (folder / "lost+found").rmdir()
    folder.chmod(0o700)
    return folder


def free(run_dir: Path) -> None:
    """Unmount a container's scratch; no harm where it has none."""
    folder = run_dir / "scratch"
    if folder.is_mount():
        _run("umount", "--lazy", str(folder))


def _run(*words: str) -> None:
    try:
        subprocess.run(words, check=True, capture_output=True, text=True, timeout=_WITHIN)
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"`{words[0]}` failed: {error.stderr.strip()}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"`{words[0]}` failed: {error}") from error
