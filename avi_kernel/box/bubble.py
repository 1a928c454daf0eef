"""The command line of bubblewrap, and what the child does before it becomes bubblewrap."""

import ctypes
import errno
import os
import resource
import signal
import stat
import sys
from pathlib import Path

from avi_kernel.box.accounts import MB
from avi_kernel.box.limits import Limits
from avi_kernel.box.spec import Spec

ENTRY = str(Path(__file__).with_name("entry.py"))
_STAGE = "/tmp"  # noqa: S108  # covered by a file system of the child's own, which nobody else sees
_NEW_MOUNTS = 0x00020000  # CLONE_NEWNS, and flags of mount(2)
_RECURSIVE_BIND = 0x1000 | 0x4000
_RECURSIVE_PRIVATE = 0x4000 | 0x40000
_NO_SUID_NO_DEVICES = 0x2 | 0x4
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38


class Doorway:
    """The way of one process into its box.

    Parameters
    ----------
    spec
        The box.
    limits
        Its control groups, made already.
    """

    def __init__(self, *, spec: Spec, limits: Limits) -> None:
        self._spec = spec
        self._limits = limits
        # As another user the child cannot walk to folders that only root may enter: it gets them mounted.
        self._staged = spec.sandboxed and spec.uid is not None

    def open_sources(self) -> list[int]:
        """Open what bubblewrap is to mount: it then refuses whatever was put in its place since."""
        return [] if self._staged else [open_unlinked(bind.source) for bind in self._spec.binds]

    def command(self, *, door: int, seccomp: int | None, sources: list[int]) -> list[str]:
        """Return the program to start, outside of which nothing of the box may stand: a command line is public.

        Parameters
        ----------
        door
            Descriptor of the socket to the shim, from which `entry.py` takes the rest.
        seccomp
            Descriptor of the filter program.
        sources
            What `open_sources` returned.
        """
        spec = self._spec
        command = [self._program()]
        command += [
            "--unshare-all",
            "--unshare-user",
            "--disable-userns",
            "--die-with-parent",
            "--new-session",
        ]
        command += ["--cap-drop", "ALL", "--hostname", "box", "--clearenv"]
        command += [] if seccomp is None else ["--seccomp", str(seccomp)]
        size = str(spec.scratch_mb * MB)
        command += ["--proc", "/proc", "--dev", "/dev"]
        command += ["--size", size, "--tmpfs", "/dev/shm"]  # noqa: S108  # in the box, where nobody else is
        command += ["--size", size, "--perms", "1777", "--tmpfs", "/tmp"]  # noqa: S108  # as above
        for number, bind in enumerate(spec.binds):
            way = "--bind" if bind.writable else "--ro-bind"
            command += [way, f"{_STAGE}/{number}"] if self._staged else [f"{way}-fd", str(sources[number])]
            command += [bind.target]
        for place, leads_to in spec.links.items():
            command += ["--symlink", leads_to, place]
        # Root and /dev lie in memory that nothing limits but the control group.
        command += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/", "--"]
        return [*command, sys.executable, "-I", "-S", ENTRY, str(door)]

    def enter(self) -> None:
        """Run in the child, before the program: limits first, while it may still write to them."""
        try:
            self._limits.join()
            _lower(resource.RLIMIT_CORE, 0)
            _lower(resource.RLIMIT_NOFILE, self._spec.open_files)
            if self._spec.written_mb is not None:
                _lower(resource.RLIMIT_FSIZE, self._spec.written_mb * MB)
            if not self._spec.sandboxed:
                _libc("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
                _libc("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            if self._staged:
                self._stage()
                self._become_user()
        except OSError as error:
            os.write(2, f"the box cannot be entered: {error}\n".encode())
            raise

    def _become_user(self) -> None:
        uid = self._spec.uid
        if uid is not None:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)

    def _program(self) -> str:
        """Return bubblewrap's path; the wheel's, with the library beside it, is staged as a whole."""
        path = Path(self._spec.bwrap)
        packages = path.parents[2]
        return (
            f"{_STAGE}/tools/{path.relative_to(packages)}"
            if self._staged and packages != Path("/")
            else str(path)
        )

    def _stage(self) -> None:
        """Mount every source where the box's user can walk to it, in a mount namespace of this process alone."""
        sources = {f"{_STAGE}/{number}": bind.source for number, bind in enumerate(self._spec.binds)}
        if self._program() != self._spec.bwrap:
            sources[f"{_STAGE}/tools"] = str(Path(self._spec.bwrap).parents[2])
        _libc("unshare", _NEW_MOUNTS)
        _mount(None, "/", None, _RECURSIVE_PRIVATE)
        # Opened first: some sources lie below the folder that the stage covers.
        opened = {place: open_unlinked(source) for place, source in sources.items()}
        _mount("tmpfs", _STAGE, "tmpfs", _NO_SUID_NO_DEVICES, "mode=0755,size=1m")
        for place, descriptor in opened.items():
            _mount_staged(descriptor, place)


def _lower(limit: int, most: int) -> None:
    """Set a limit of a process, to less than it has: more is not ours to give where we are not root."""
    _, hard = resource.getrlimit(limit)
    least = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(limit, (least, least))


def open_unlinked(path: str) -> int:
    """Open a path no part of which is a link: its owner may have put one there since the platform looked."""
    current = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in Path(path).parts[1:]:
        deeper = os.open(part, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=current)
        os.close(current)
        if stat.S_ISLNK(os.fstat(deeper).st_mode):
            raise OSError(errno.ELOOP, f"{path} passes through the link {part}")
        current = deeper
    return current


def _mount_staged(descriptor: int, place: str) -> None:
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.mkdir(place)  # noqa: PTH102  # between fork and exec, system calls are enough
    else:
        os.close(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))
    _mount(f"/proc/self/fd/{descriptor}", place, None, _RECURSIVE_BIND)
    os.close(descriptor)


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    words = [None if word is None else word.encode() for word in (source, target, kind, options)]
    _libc("mount", words[0], words[1], words[2], flags, words[3])


def _libc(name: str, *arguments: bytes | int | None) -> None:
    """Call what Python 3.11 has no function for."""
    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    if function(*[ctypes.c_ulong(word) if isinstance(word, int) else word for word in arguments]) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
