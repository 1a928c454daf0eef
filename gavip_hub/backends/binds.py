"""What of the machine a sandboxed box sees: programs, libraries and certificates, read-only."""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

from avi_kernel.protocol.boxes import Bind

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
# No /etc as a whole: it holds passwords, keys and the names of other people.
_ETC = (
    "alternatives",
    "ca-certificates",
    "fonts",
    "ld.so.cache",
    "localtime",
    "mime.types",
    "pki/ca-trust",
    "pki/tls/certs",
    "ssl/certs",
    "ssl/openssl.cnf",
)
_MADE_UP = ("passwd", "group", "hosts", "nsswitch.conf")


def system_binds() -> list[Bind]:
    """Return the binds of the system and of this Python, with the folder of `avi_kernel` where it lies apart."""
    targets = [Path(path) for path in _SYSTEM] + [Path("/etc", name) for name in _ETC]
    for prefix in _python_folders():
        if not _covered(prefix, targets):
            targets.append(prefix)
    return [Bind(source=os.path.realpath(path), target=str(path)) for path in targets if path.exists()]


def write_etc(folder: Path, *, uid: int, user: str) -> None:
    """Write the few made-up files of /etc; they name the box's only user."""
    user = re.sub(r"[^\w.@-]", "_", user)
    files = {
        "passwd": f"{user}:x:{uid}:{uid}::/home/{user}:/bin/sh\n",
        "group": f"{user}:x:{uid}:\n",
        "hosts": "127.0.0.1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    }
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o644)


def etc_binds(folder: Path) -> list[Bind]:
    """Return the binds of what `write_etc` writes."""
    return [Bind(source=str(folder / name), target=f"/etc/{name}") for name in _MADE_UP]


def _python_folders() -> Iterator[Path]:
    yield Path(sys.prefix)
    yield Path(sys.base_prefix)
    yield from _interpreter_folders(Path(sys.executable))
    found = find_spec("avi_kernel")
    for folder in (found.submodule_search_locations or ()) if found else ():
        yield Path(folder)


def _interpreter_folders(executable: Path) -> Iterator[Path]:
    """Follow the chain of links from `bin/python`: each step must be there in the box too."""
    while executable.is_symlink():
        executable = executable.parent / executable.readlink()
        yield Path(os.path.normpath(executable)).parent.parent


def _covered(path: Path, folders: Iterable[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)
