"""A person's folders shown to a container that runs already, before anything of theirs runs in it.

An engine follows links, at a mount's source and at its target, and people write in their folders: between our look and the
engine's a link may have come there. So the engine mounts none of them. The kernel clones a mount from a descriptor that was
opened without following links, maps the person's number to the box's where they differ, and moves it onto a descriptor in the
container's mounts (open_tree, mount_setattr, move_mount; Linux 5.12). No path is walked twice.
"""

import ctypes
import os
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from gavip_hub.backends.folders import opened
from gavip_hub.domain.container import Mount
from gavip_hub.exceptions import Unavailable

_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = (
    428,
    429,
    442,
)  # the same on every machine: younger than the common table
_CLONE, _CLOSE_ON_EXEC, _EMPTY_PATH = 1, 0x80000, 0x1000
_FROM_DESCRIPTOR, _ONTO_DESCRIPTOR = 0x4, 0x40
_STEP = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ_ONLY, _NO_SUID, _NO_DEVICES, _ID_MAPPED = 0x1, 0x2, 0x4, 0x100000
_OWN_FS, _MOUNTS = 0x200, 0x20000
_WITHIN = 10.0


def show(pid: int, mounts: Sequence[Mount], *, person: int, box: int) -> None:
    """Show folders to the container of a process.

    Parameters
    ----------
    pid
        Of its first process, as this machine counts.
    mounts
        In order: a later one may lie on an earlier one.
    person, box
        The number whose files they are, and the one that the container runs as; files of others stay theirs.

    Raises
    ------
    gavip_hub.exceptions.Unavailable
        A folder is not there, a link is in the way, or the kernel refuses.
    """
    with ExitStack() as stack:
        mapped = stack.enter_context(_user_namespace(person, box)) if person != box else None
        trees = [(stack.enter_context(_tree(mount, person, mapped)), mount.target) for mount in mounts]
        _in_thread(lambda: _move(pid, trees))


@contextmanager
def _tree(mount: Mount, person: int, mapped: int | None) -> Iterator[int]:
    """Clone the mount of a folder; the person's own is seen under the box's number."""
    with opened(mount.source) as folder:
        own = mapped is not None and os.fstat(folder).st_uid == person
        tree = _call("open_tree", _OPEN_TREE, folder, b"", _EMPTY_PATH | _CLONE | _CLOSE_ON_EXEC)
    try:
        flags = _NO_SUID | _NO_DEVICES | (0 if mount.writable else _READ_ONLY) | (_ID_MAPPED if own else 0)
        attributes = struct.pack("QQQQ", flags, 0, 0, mapped or 0 if own else 0)
        _call("mount_setattr", _MOUNT_SETATTR, tree, b"", _EMPTY_PATH, attributes, len(attributes))
        yield tree
    finally:
        os.close(tree)


@contextmanager
def _user_namespace(person: int, box: int) -> Iterator[int]:
    """Give a namespace in which the person's number on disk is the box's."""
    with subprocess.Popen(
        ["unshare", "--user", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as waiting:
        if waiting.stdin is None or waiting.stdout is None:
            raise Unavailable("no namespace can be made")
        try:
            waiting.stdin.write(b"x")  # comes back from `cat`, which begins within the namespace
            if waiting.stdout.read(1) != b"x":
                raise Unavailable("no user namespace can be made")
            for kind in ("uid", "gid"):
                Path(f"/proc/{waiting.pid}/{kind}_map").write_text(f"{person} {box} 1")
            namespace = os.open(f"/proc/{waiting.pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
        finally:
            waiting.kill()
    try:
        yield namespace
    finally:
        os.close(namespace)


def _move(pid: int, trees: Sequence[tuple[int, str]]) -> None:
    namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _libc("unshare", _OWN_FS)  # else it would be this whole process that moves
        _libc("setns", namespace, _MOUNTS)
        for tree, target in trees:
            place = _place(target)
            try:
                _call("move_mount", _MOVE_MOUNT, tree, b"", place, b"", _FROM_DESCRIPTOR | _ONTO_DESCRIPTOR)
            finally:
                os.close(place)
    finally:
        os.close(namespace)


def _place(target: str) -> int:
    """Open the folder on which a mount is to lie, making what is missing; a link on the way is somebody's trick."""
    current = os.open("/", _STEP)
    try:
        for part in Path(target).parts[1:]:
            with suppress(FileExistsError):
                os.mkdir(part, 0o755, dir_fd=current)
            deeper = os.open(part, _STEP, dir_fd=current)
            os.close(current)
            current = deeper
    except OSError:
        os.close(current)
        raise
    return current


def _in_thread(act: Callable[[], None]) -> None:
    """Do something in a thread that ends with it: what was unshared ends too."""
    failures: list[OSError] = []

    def run() -> None:
        try:
            act()
        except OSError as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(_WITHIN)
    if failures or thread.is_alive():
        raise Unavailable(f"a folder cannot be shown to the container: {failures or 'no answer'}")


def _call(name: str, number: int, *arguments: int | bytes) -> int:
    return _checked(name, ctypes.CDLL(None, use_errno=True).syscall, ctypes.c_long(number), *arguments)


def _libc(name: str, *arguments: int) -> int:
    return _checked(name, getattr(ctypes.CDLL(None, use_errno=True), name), *arguments)


def _checked(name: str, function: Callable[..., int], *arguments: object) -> int:
    result = function(*arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
    return result
