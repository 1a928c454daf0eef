"""The AVIs' git repositories, and one read-only checkout a release (docs/adr/0011)."""

import fcntl
import hashlib
import os
import secrets
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from avi_kernel.protocol.folder import NO_PART_OF_AN_AVI
from gavip_hub.exceptions import BadManifest, BadRequest, NotFound, Unavailable
from gavip_hub.storage.beneath import opened_folder
from gavip_hub.trees import remove_path

MB = 1024 * 1024
LARGEST_TREE = 256 * MB
MOST_FILES = 5000
DEEPEST = 40
GIT_SECONDS = 120
_STAGING = ".staging"
_COPY = 1024 * 1024
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A copy of a folder that belongs to the platform alone."""

    folder: Path
    files: dict[str, bool]
    """Path -> whether it may be executed."""
    digest: str
    """SHA-256 of all paths and contents."""


class Repositories:
    """One bare repository an AVI, one checkout a release; nothing that a stranger wrote is ever executed here.

    Parameters
    ----------
    root
        The data root.
    """

    def __init__(self, *, root: Path) -> None:
        self._repositories = root / "repositories"
        self._checkouts = root / "checkouts"

    def checkout(self, avi: str, commit: str) -> Path:
        """Return the read-only tree of a release."""
        return self._checkouts / avi / commit

    @contextmanager
    def held(self, avi: str) -> Iterator[None]:
        """Hold an AVI's repository: who else wants it waits, in this process or another of this machine."""
        self._repositories.mkdir(parents=True, exist_ok=True)
        with (self._repositories / f"{avi}.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # closing the file gives it back
            yield

    def take_in(self, root: Path, parts: list[str]) -> Tree:
        """Copy the folder `root/parts...`, whose owner may change it meanwhile, and return the copy.

        Raises
        ------
        BadManifest
            It holds a link, a device, an odd file name, or too much.
        NotFound
            There is no such folder.
        """
        if not root.is_dir():
            raise NotFound(f"There is no folder {root.name}.", field="folder")
        staging = self._checkouts / _STAGING / secrets.token_hex(8)
        staging.mkdir(parents=True, mode=0o700)
        try:
            with opened_folder(root, parts) as folder:
                return _copied(folder, staging)
        except BaseException:
            remove_path(staging)
            raise

    def discard(self, tree: Tree) -> None:
        """Forget a copy that will not become a release."""
        remove_path(tree.folder)

    def commit(self, tree: Tree, *, avi: str, version: str, author: str, at: datetime) -> str:
        """Commit a copy to the AVI's repository, make it the release's checkout, and return the commit.

        Call it while the repository is `held`.
        """
        git = _Git(self._repositories / f"{avi}.git", author=author, at=at)
        git.make()
        commit = git.commit(tree, message=f"{avi} {version}", tag=f"v{version}")
        target = self.checkout(avi, commit)
        if target.exists():
            self.discard(tree)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            tree.folder.rename(target)
        _close(target)
        return commit


def _copied(source: int, target: Path) -> Tree:
    """Copy what a descriptor leads to, file by file, each opened beneath its folder."""
    files: dict[str, bool] = {}
    digest = hashlib.sha256()
    room = LARGEST_TREE
    for path, folder in _walk(source):
        if len(files) >= MOST_FILES:
            raise BadManifest(
                f"The folder has more than {MOST_FILES} files; leave out what is not needed to run."
            )
        content, executable, size = _copy_file(folder, path, target / path, room)
        room -= size
        files[path] = executable
        digest.update(f"{path}\0{int(executable)}\0{content}\n".encode())
    return Tree(folder=target, files=files, digest=digest.hexdigest())


def _walk(source: int) -> Iterator[tuple[str, int]]:
    """Yield each file's path and the descriptor of its folder, in a fixed order."""
    for top, folders, names, here in os.fwalk(".", dir_fd=source, follow_symlinks=False):
        # The walk calls itself for each level, and a thousand are more than Python has.
        if top.count("/") > DEEPEST:
            raise BadManifest(f"{top[2:100]}…: folders lie in one another more than {DEEPEST} deep.")
        # A link to a folder is listed among the folders, and would be left out without a word.
        links = [name for name in folders if stat.S_ISLNK(os.lstat(name, dir_fd=here).st_mode)]
        folders[:] = sorted(name for name in folders if name not in NO_PART_OF_AN_AVI and name not in links)
        for name in sorted([*names, *links]):
            path = os.path.normpath(f"{top}/{name}")
            if name in NO_PART_OF_AN_AVI:
                continue
            if not path.isprintable():
                raise BadManifest(f"{path[:100]!r}: give this file a name without control characters.")
            yield path, here


def _copy_file(folder: int, path: str, target: Path, room: int) -> tuple[str, bool, int]:
    """Copy one file; return the digest of its content, whether it may be executed, and its size."""
    try:
        descriptor = os.open(os.path.basename(path), _FILE, dir_fd=folder)  # noqa: PTH119 - text, not a path here
    except OSError:
        raise BadManifest(f"{path}: is a link or cannot be read; put the file itself there.") from None
    with os.fdopen(descriptor, "rb") as source:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise BadManifest(f"{path}: is not a file.")
        target.parent.mkdir(parents=True, exist_ok=True)
        executable = bool(found.st_mode & stat.S_IXUSR)
        digest, size = hashlib.sha256(), 0
        with os.fdopen(os.open(target, _NEW, 0o755 if executable else 0o644), "wb") as copy:
            while block := source.read(_COPY):
                size += len(block)
                if size > room:
                    raise BadManifest(
                        f"The folder is larger than {LARGEST_TREE // MB} MB; leave data out of it."
                    )
                digest.update(block)
                copy.write(block)
    return digest.hexdigest(), executable, size


def _close(folder: Path) -> None:
    """Take all write permissions away: a release never changes."""
    for top, _, names, here in os.fwalk(folder, topdown=False, follow_symlinks=False):
        for name in names:
            mode = os.stat(name, dir_fd=here, follow_symlinks=False).st_mode
            os.chmod(name, 0o555 if mode & stat.S_IXUSR else 0o444, dir_fd=here)
        Path(top).chmod(0o555)


class _Git:
    """Plumbing on one bare repository: no hook, no filter, no attribute, no configuration but ours has a say."""

    def __init__(self, folder: Path, *, author: str, at: datetime) -> None:
        self._folder = folder
        when = f"{int(at.timestamp())} +0000"
        who = "".join(letter for letter in author if letter.isalnum() or letter in "-_") or "gavip"
        self._environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "none",
            **{f"GIT_{role}_NAME": who for role in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{role}_EMAIL": f"{who}@gavip.invalid" for role in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{role}_DATE": when for role in ("AUTHOR", "COMMITTER")},
        }

    def make(self) -> None:
        """Make the repository where it is missing."""
        if (self._folder / "HEAD").exists():
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        self._run(
            "init", "--quiet", "--bare", "--template=", "--initial-branch=main", "--", str(self._folder)
        )

    def commit(self, tree: Tree, *, message: str, tag: str) -> str:
        """Record exactly the bytes of a tree, and return the commit."""
        index = {"GIT_INDEX_FILE": str(self._folder / f"index.{secrets.token_hex(4)}")}
        paths = list(tree.files)
        # Given by file: bytes as they are, whatever a `.gitattributes` in the tree asks for.
        blobs = self._run(
            "hash-object", "-w", "--no-filters", "--stdin-paths", given="\n".join(paths), folder=tree.folder
        ).split()
        entries = "\0".join(
            f"{'100755' if tree.files[path] else '100644'} {blob}\t{path}"
            for path, blob in zip(paths, blobs, strict=True)
        )
        self._run("update-index", "-z", "--index-info", given=entries + "\0", extra=index)
        written = self._run("write-tree", extra=index)
        Path(index["GIT_INDEX_FILE"]).unlink(missing_ok=True)
        parent = self._run("for-each-ref", "--format=%(objectname)", "refs/heads/main")
        parents = ["-p", parent] if parent else []
        commit = self._run("commit-tree", written, "-m", message, *parents)
        self._run("update-ref", "refs/heads/main", commit)
        self._run("update-ref", f"refs/tags/{tag}", commit)
        return commit

    def _run(
        self,
        *arguments: str,
        given: str = "",
        folder: Path | None = None,
        extra: dict[str, str] | None = None,
    ) -> str:
        command = ["git", "-c", f"core.hooksPath={os.devnull}", "-c", "core.symlinks=false"]
        if arguments[0] != "init":
            command.append(f"--git-dir={self._folder}")
        try:
            done = subprocess.run(
                [*command, *arguments],
                input=given,
                capture_output=True,
                text=True,
                check=True,
                timeout=GIT_SECONDS,
                cwd=folder or self._folder,
                env={**self._environment, **(extra or {})},
            )
        except FileNotFoundError:
            raise Unavailable("git is not installed on the platform's machine.") from None
        except (subprocess.SubprocessError, OSError) as error:
            told = getattr(error, "stderr", "") or str(error)
            raise Unavailable(f"git {arguments[0]} failed: {told.strip()[:300]}") from error
        return done.stdout.strip()


def split_source(folder: str, *, base: Path) -> list[str]:
    """Return the steps from `base` to a folder.

    Raises
    ------
    BadRequest
        It does not lie below `base`.
    """
    path = Path(folder)
    if path.is_absolute() and not path.is_relative_to(base):
        raise BadRequest(f"The folder must lie below {base}.", field="folder")
    parts = list((path.relative_to(base) if path.is_absolute() else path).parts)
    if ".." in parts:
        raise BadRequest("The folder must be given without `..`.", field="folder")
    return parts
