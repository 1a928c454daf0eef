"""Git's plumbing on one bare repository: no hook, no filter, no attribute, no configuration but ours has a say."""

import os
import re
import secrets
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from gavip_hub.exceptions import Unavailable

GIT_SECONDS = 120
SUBMODULE = "160000"
PUSHED = "tmp_objdir-incoming-"
"""How git names the folder of what is pushed and not yet taken."""
_ENTRY = re.compile(rb"(\d{6}) ([a-z]+) ([0-9a-f]{40,64}) +(-|\d+)\t(.+)", re.DOTALL)
_LONGEST_ENTRY = 16_384
"""Bytes; a path is 4,096 long at most."""
_PIECE = 65_536


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One path of a commit's tree."""

    mode: str
    object_id: str
    size: int
    """Bytes; 0 where it is no file."""
    path: str

    @property
    def is_folder(self) -> bool:
        """Whether other paths lie in it."""
        return self.mode == "040000"

    @property
    def is_submodule(self) -> bool:
        """Whether it only names a commit of another repository."""
        return self.mode == SUBMODULE


def clean_environment() -> dict[str, str]:
    """Return what git needs to know of its surroundings: nothing of the platform's, nothing of this machine's people."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "none",
    }


class Git:
    """Runs git in a repository.

    Parameters
    ----------
    pushed
        Folder of objects that somebody pushes, and that are read beside those of the repository.
    """

    def __init__(self, folder: Path, *, pushed: Path | None = None) -> None:
        self._folder = folder
        self._environment = clean_environment()
        if pushed is not None:
            self._environment |= {
                "GIT_OBJECT_DIRECTORY": str(pushed),
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(folder / "objects"),
            }

    def make(self) -> None:
        """Make the repository where it is missing."""
        if (self._folder / "HEAD").exists():
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        self.run("init", "--quiet", "--bare", "--template=", "--initial-branch=main", "--", str(self._folder))

    def record(self, folder: Path, files: dict[str, bool], commit: "Commit") -> str:
        """Record exactly the bytes of a folder's files on the main branch, and return the commit.

        Parameters
        ----------
        files
            Path -> whether it may be executed.
        """
        # Given by file: bytes as they are, whatever a `.gitattributes` in the tree asks for.
        hashed = self.run(
            "hash-object", "-w", "--no-filters", "--stdin-paths", given="\n".join(files), folder=folder
        )
        entries = "\0".join(
            f"{'100755' if executable else '100644'} {blob}\t{path}"
            for (path, executable), blob in zip(files.items(), hashed.split(), strict=True)
        )
        index = {"GIT_INDEX_FILE": str(self._folder / f"index.{secrets.token_hex(4)}")}
        self.run("update-index", "-z", "--index-info", given=entries + "\0", extra=index)
        written = self.run("write-tree", extra=index)
        Path(index["GIT_INDEX_FILE"]).unlink(missing_ok=True)
        parent = self.run("for-each-ref", "--format=%(objectname)", "refs/heads/main")
        parents = ["-p", parent] if parent else []
        made = self.run("commit-tree", written, "-m", commit.message, *parents, extra=commit.signature())
        self.run("update-ref", "refs/heads/main", made)
        self.run("update-ref", f"refs/tags/{commit.tag}", made)
        return made

    def commit_of(self, revision: str) -> str | None:
        """Return the commit that an object stands for, a tag's above all; None where there is none."""
        # Printed with its type: nothing a stranger chose is taken for an option or a path.
        asked = f"{revision}^{{commit}}\n"
        told = self.run("cat-file", "--batch-check=%(objectname) %(objecttype)", given=asked).split()
        return told[0] if told[1:] == ["commit"] else None

    def kind(self, revision: str) -> str:
        """Return `commit`, `tree`, `blob` or `tag`; nothing where there is no such object."""
        told = self.run("cat-file", "--batch-check=%(objecttype)", given=f"{revision}\n")
        return told if told in {"commit", "tree", "blob", "tag"} else ""

    def entries(self, tree: str, *, recursive: bool = True) -> Iterator[Entry]:
        """Yield the files of a commit or tree one by one; a tree may name itself so often that nobody could read it to its end.

        Parameters
        ----------
        recursive
            All files below it; else what lies in it, folders too.
        """
        depth = ["-r"] if recursive else []
        with self._reading("ls-tree", *depth, "-z", "-l", "--full-tree", tree) as output:
            for line in _lines(output):
                found = _ENTRY.fullmatch(line)
                if found is None:
                    raise Unavailable("git told of a file in a way that is not understood.")
                mode, _, object_id, size, path = found.groups()
                yield Entry(
                    mode=mode.decode(),
                    object_id=object_id.decode(),
                    size=0 if size == b"-" else int(size),
                    path=path.decode("utf-8", "surrogateescape"),
                )

    def contents(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, Iterator[bytes]]]:
        """Yield files with their content in pieces; each is to be read before the next."""
        asked = "".join(f"{entry.object_id}\n" for entry in entries).encode()
        with self._reading("cat-file", "--batch", given=asked) as output:
            for entry in entries:
                header = output.readline().split()
                if len(header) != 3 or int(header[2]) != entry.size:  # noqa: PLR2004 - id, type, size
                    raise Unavailable(f"git has lost a part of {entry.path}.")
                yield entry, _pieces(output, entry.size)
                output.read(1)

    @contextmanager
    def _reading(self, *arguments: str, given: bytes = b"") -> Iterator[IO[bytes]]:
        """Give the output of a command, which ends with the block, however far it came."""
        with subprocess.Popen(
            self._command(*arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            env=self._environment,
        ) as process:
            if process.stdin is None or process.stdout is None:
                raise Unavailable("git gave no pipes.")
            try:
                process.stdin.write(given)
                process.stdin.close()
                yield process.stdout
            finally:
                process.kill()

    def _command(self, *arguments: str) -> list[str]:
        command = ["git", "-c", f"core.hooksPath={os.devnull}", "-c", "core.symlinks=false"]
        if arguments[0] != "init":
            command.append(f"--git-dir={self._folder}")
        return [*command, *arguments]

    def run(
        self,
        *arguments: str,
        given: str = "",
        folder: Path | None = None,
        extra: dict[str, str] | None = None,
    ) -> str:
        """Run a command and return what it printed.

        Raises
        ------
        Unavailable
            It failed.
        """
        try:
            done = subprocess.run(
                self._command(*arguments),
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


@dataclass(frozen=True, kw_only=True)
class Commit:
    """What is said of a commit that the platform itself makes."""

    message: str
    tag: str
    author: str
    at: datetime

    def signature(self) -> dict[str, str]:
        """Return who made it and when, as git's environment has it."""
        when = f"{int(self.at.timestamp())} +0000"
        who = "".join(letter for letter in self.author if letter.isalnum() or letter in "-_") or "gavip"
        return {
            **{f"GIT_{role}_NAME": who for role in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{role}_EMAIL": f"{who}@gavip.invalid" for role in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{role}_DATE": when for role in ("AUTHOR", "COMMITTER")},
        }


def _lines(output: IO[bytes]) -> Iterator[bytes]:
    """Yield what NUL ends."""
    rest = b""
    while piece := output.read(_PIECE):
        *whole, rest = (rest + piece).split(b"\0")
        yield from whole
        if len(rest) > _LONGEST_ENTRY:
            raise Unavailable("git told of a path that is too long to be one.")


def _pieces(output: IO[bytes], size: int) -> Iterator[bytes]:
    while size > 0:
        piece = output.read(min(_PIECE, size))
        if not piece:
            raise Unavailable("git ended in the middle of a file.")
        size -= len(piece)
        yield piece
