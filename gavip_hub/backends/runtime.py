"""The short folder below /tmp that holds the boxes' sockets: a socket's path may have 107 bytes."""

import hashlib
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from gavip_hub.exceptions import Unavailable

LONGEST = 70
"""Bytes of the runtime folder's path, so that there is room for what lies in it."""
CONTAINERS = "containers"
"""Folder of a data root with one folder for each container of an engine."""


def runtime_folder(root: Path) -> Path:
    """Return the runtime folder of a data root, as noted in `state/runtime`, making it where it is gone.

    Nobody else may have made it: /tmp is everyone's.
    """
    note = root / "state" / "runtime"
    known = Path(note.read_text().strip()) if note.is_file() else _usual(root)
    if not _is_ours(known):
        known = known.with_name(f"{_usual(root).name}-{secrets.token_hex(3)}")
        known.mkdir(mode=0o711)
    known.chmod(0o711)
    _note(root, known)
    return known


def choose_runtime(root: Path, folder: Path) -> None:
    """Have this folder be the runtime folder of a data root from now on.

    Raises
    ------
    gavip_hub.exceptions.Unavailable
        A socket in it could not be reached.
    """
    if not folder.is_absolute() or len(os.fsencode(folder)) > LONGEST or str(folder) != str(folder).lower():
        raise Unavailable(
            f"{folder} cannot hold sockets: name in `runtime` an absolute path of at most {LONGEST} bytes, in lower case."
        )
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    _note(root, folder)


def doorkeeper_socket(root: Path) -> Path:
    """Return where the doorkeeper of a data root is told which doors to open."""
    return runtime_folder(root) / "doors.sock"


def steward_socket(root: Path) -> Path:
    """Return where the steward of a data root, who holds the engine, is asked."""
    return runtime_folder(root) / "steward.sock"


def platform_id(root: Path) -> str:
    """Return the id by which an engine's containers are known as this platform's, making it once."""
    note = root / "state" / "platform-id"
    if not note.is_file():
        partial = note.with_name(f"{note.name}.{secrets.token_hex(3)}")
        partial.write_text(f"{secrets.token_hex(8)}\n")
        with suppress(FileExistsError):  # another process was first
            note.hardlink_to(partial)
        partial.unlink()
    return note.read_text().strip()


def socket_folder(runtime: Path, *, uid: int | None) -> Path:
    """Make the folder of one box's sockets; its part `box` is what the box itself sees and may write to."""
    while True:
        folder = runtime / secrets.token_hex(4)
        try:
            folder.mkdir(mode=0o711)
        except FileExistsError:
            continue
        break
    inner = folder / "box"
    inner.mkdir(mode=0o700)
    if uid is not None:
        os.chown(inner, uid, uid)
    # The Hub appends the port of its address, 80, to the socket's path in the proxy's route.
    (folder / "s.sock:80").symlink_to("s.sock")
    return folder


def _usual(root: Path) -> Path:
    digest = hashlib.sha256(str(root).encode()).hexdigest()[:8]
    # Not TMPDIR: it may be long, and the Hub puts a socket's path into lower case.
    return Path("/tmp", f"gavip-{os.getuid()}-{digest}")  # noqa: S108  # `_is_ours` looks who made it


def _is_ours(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o711)
    except FileExistsError:
        found = folder.lstat()
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022
    except FileNotFoundError:
        return False
    return True


def _note(root: Path, folder: Path) -> None:
    """Write down which it is, unless that is known: not every process of the platform may write there."""
    note, text = root / "state" / "runtime", f"{folder}\n"
    if note.is_file() and note.read_text() == text:
        return
    note.parent.mkdir(parents=True, exist_ok=True)
    partial = note.with_name(f"{note.name}.{secrets.token_hex(3)}")
    partial.write_text(text)
    partial.replace(note)
