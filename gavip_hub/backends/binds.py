"""What of the machine a sandboxed box sees: programs, libraries and certificates, read-only."""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from avi_kernel.protocol.boxes import Bind
from gavip_hub.exceptions import Unavailable

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
_JAVA = (
    "java-*-openjdk/*.cfg",
    "java-*-openjdk/*.properties",
    "java-*-openjdk/jfr",
    "java-*-openjdk/security",
)
"""What Debian's JDK links to from below /usr, and does not start without; not `management`, which may hold passwords."""
_MADE_UP = ("passwd", "group", "hosts", "nsswitch.conf")
_IN_AN_IMAGE = ("hostname", "resolv.conf")  # an engine would show the machine's own


def system_binds() -> list[Bind]:
    """Return the binds of the system and of this Python, with the folder of `avi_kernel` where it lies apart."""
    etc = Path("/etc")
    targets = [*map(Path, _SYSTEM), *(etc / name for name in _ETC)]
    targets += sorted(path for pattern in _JAVA for path in etc.glob(pattern))
    for place in _python_places():
        if not _covered(place, targets):
            targets.append(place)
    return [Bind(source=os.path.realpath(path), target=str(path)) for path in targets if path.exists()]


def system_links() -> dict[str, str]:
    """Return the links from `bin/python` to the interpreter that lie outside the binds, and where each leads.

    The folder in which such a link lies is not the interpreter's: it may be somebody's home.
    """
    shown = [Path(bind.target) for bind in system_binds()]
    hops = _interpreter_hops()
    return {str(one): str(next_one) for one, next_one in pairwise(hops) if not _covered(one, shown)}


def require_apart(root: Path) -> None:
    """Make sure that no box would be shown the data root or the home folder of who runs the platform.

    Raises
    ------
    gavip_hub.exceptions.Unavailable
        One of them is part of what every box sees.
    """
    for bind in system_binds():
        for what, folder in _private(root).items():
            if folder.resolve().is_relative_to(bind.source):
                raise Unavailable(
                    f"Every box would see the {what} {folder}, because Python or the system lies in {bind.target}. "
                    f"Choose another {what}, or make the environment with a Python in a folder of its own."
                )


def write_etc(folder: Path, *, uid: int, user: str) -> None:
    """Write the few made-up files of /etc; they name the box's only user."""
    user = re.sub(r"[^\w.@-]", "_", user)
    files = {
        "passwd": f"{user}:x:{uid}:{uid}::/home/{user}:/bin/sh\n",
        "group": f"{user}:x:{uid}:\n",
        "hosts": "127.0.0.1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
        "hostname": "box\n",
        "resolv.conf": "",
    }
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o644)


def etc_binds(folder: Path, *, image: bool = False) -> list[Bind]:
    """Return the binds of what `write_etc` writes: over an image's own files, or where there are none."""
    names = _MADE_UP + (_IN_AN_IMAGE if image else ())
    return [Bind(source=str(folder / name), target=f"/etc/{name}") for name in names]


def _private(root: Path) -> dict[str, Path]:
    folders = {"data root": root}
    with suppress(RuntimeError):  # who has no home has nothing to hide in it
        folders["home folder"] = Path.home()
    return folders


def _python_places() -> Iterator[Path]:
    yield Path(sys.prefix)
    yield Path(sys.base_prefix)
    yield _interpreter_hops()[-1]
    found = find_spec("avi_kernel")
    for folder in (found.submodule_search_locations or ()) if found else ():
        yield Path(folder)


def _interpreter_hops() -> list[Path]:
    """Follow the chain of links from `bin/python`: each step must be there in the box too."""
    hops = [Path(sys.executable)]
    while hops[-1].is_symlink():
        hops.append(Path(os.path.normpath(hops[-1].parent / hops[-1].readlink())))
    return hops


def _covered(path: Path, folders: Iterable[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)
