"""Git's plumbing on one bare repository: no hook, no filter, no attribute, no configuration but ours has a say."""

import os
import re
import secrets
import subprocess
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from gavip_hub.exceptions import Conflict, Unavailable
from gavip_hub.storage.git_entries import Entry, entries_of
from gavip_hub.storage.patience import end, patient

GIT_SECONDS = 120
MOST_KB = 4 * 1024 * 1024
"""Of address space, for each of git's processes: a small pack can be made to unfold for ever."""
NO_OBJECT = "0" * 40
TRIES = 3
PUSHED = "tmp_objdir-incoming-"
"""How git names the folder of what is pushed and not yet taken."""
NOT_INSTALLED = 127
"""Status of a shell that finds no such program."""
_LISTED = ("-z", "-l", "--full-tree")
_HASH = '[ ! -s "$PATHS" ] || (cd "$CONTENT" && "$@" hash-object -w --no-filters --stdin-paths) <"$PATHS" >/dev/null || exit; '
_WRITE_TREE = (
    '"$@" update-index --replace -z --index-info && tree=$("$@" write-tree) && echo "$tree" '
    f'&& exec "$@" ls-tree -r {" ".join(_LISTED)} "$tree"'
)
"""One shell for all of it: a program started from here costs more than what git does."""
_PLAIN_NAME = re.compile(r"refs(/[A-Za-z0-9_%-]+)+")
_NAMED = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64})\n")
_LONGEST_NAMED = 80
_PIECE = 65_536
_BLOCK = 512
"""Bytes, in which a shell counts."""


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


def limited(
    *command: str, seconds: int = GIT_SECONDS, most_bytes: int = 0, steps: str = 'exec "$@"'
) -> list[str]:
    """Return a command that has limits of its own and for all that it starts, from its first moment on.

    Parameters
    ----------
    steps
        What a shell does with the command.
    seconds
        Of processor time, for each process.
    most_bytes
        Of each file that is written; 0: as many as there is room for.
    """
    limits = (
        f"ulimit -c 0; ulimit -t {seconds}; ulimit -v {MOST_KB} 2>/dev/null; "  # some systems know no `-v`
    )
    limits += f"ulimit -f {most_bytes // _BLOCK + 1}; " if most_bytes else ""
    return ["sh", "-c", f"{limits}{steps}", "git", *command]


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
        blobs = self.hashed(folder, files)
        entries = "\0".join(
            f"{'100755' if executable else '100644'} {blob}\t{path}"
            for (path, executable), blob in zip(files.items(), blobs, strict=True)
        )
        index = {"GIT_INDEX_FILE": str(self._folder / f"index.{secrets.token_hex(4)}")}
        self.run("update-index", "-z", "--index-info", given=entries + "\0", extra=index)
        written = self.run("write-tree", extra=index)
        Path(index["GIT_INDEX_FILE"]).unlink(missing_ok=True)
        for _ in range(TRIES):
            if made := self._joined(written, commit):
                return made
        raise Conflict("Its repository is being pushed to: publish it again in a moment.")

    def hashed(self, folder: Path, files: Iterable[str]) -> list[str]:
        """Give the repository each file of a folder, and return what it is there.

        Its bytes are kept as they are, whatever a `.gitattributes` asks for.
        """
        how = ("-w", "--no-filters", "--stdin-paths")
        return self.run("hash-object", *how, given=_lines_of(files), folder=folder).split()

    def written(
        self, files: Mapping[str, tuple[str, str]], *, folder: Path, new: Iterable[str]
    ) -> tuple[str, dict[str, Entry]]:
        """Return the tree of files, given by mode and object, and what git took into it.

        Parameters
        ----------
        new
            Those whose content the repository gets from a folder.
        """
        index = self._folder / f"index.{secrets.token_hex(4)}"
        told = "".join(f"{mode} {blob}\t{path}\0" for path, (mode, blob) in files.items())
        given, extra = told.encode("utf-8", "surrogateescape"), {"GIT_INDEX_FILE": str(index)}
        try:
            with tempfile.NamedTemporaryFile("w", errors="surrogateescape") as paths:
                paths.write(_lines_of(new))
                paths.flush()
                extra |= {"CONTENT": str(folder), "PATHS": paths.name}
                with self._reading(given=given, extra=extra, steps=_HASH + _WRITE_TREE) as output:
                    tree = output.readline().decode().strip()
                    return tree, {entry.path: entry for entry in entries_of(output)}
        finally:
            index.unlink(missing_ok=True)

    def _joined(self, tree: str, commit: "Commit") -> str:
        """Put a commit of a tree before what the main branch has now; return it, or nothing where that moved meanwhile."""
        names = ["refs/heads/main", *([f"refs/tags/{commit.tag}"] if commit.tag else [])]
        before = {name: self.named(name) for name in names}
        parent = before["refs/heads/main"]
        parents = ["-p", parent] if parent else []
        made = self.run("commit-tree", tree, "-m", commit.message, *parents, extra=commit.signature())
        told = "".join(f"update {name} {made} {old or NO_OBJECT}\n" for name, old in before.items())
        try:
            self.run("update-ref", "--stdin", given=f"start\n{told}prepare\ncommit\n")
        except Unavailable:
            if {name: self.named(name) for name in names} == before:
                raise
            return ""
        return made

    def named(self, name: str) -> str:
        """Return the object that a whole name stands for; nothing where there is none."""
        return self._loose(name) or self._told(name)

    def _loose(self, name: str) -> str:
        """Return the same from the file that git writes at one stroke; nothing where git itself has to say."""
        if not _PLAIN_NAME.fullmatch(name):
            return ""
        with suppress(OSError), (self._folder / name).open("rb") as file:
            found = _NAMED.fullmatch(file.read(_LONGEST_NAMED))
            return found[1].decode() if found else ""
        return ""

    def _told(self, name: str) -> str:
        found = self.run("for-each-ref", "--format=%(objectname) %(refname)", name).splitlines()
        return next((line.split(" ")[0] for line in found if line.partition(" ")[2] == name), "")

    def commit_of(self, revision: str) -> str | None:
        """Return the commit that an object stands for, a tag's above all; None where there is none."""
        # Printed with its type: nothing a stranger chose is taken for an option or a path.
        found = self.look(f"{revision}^{{commit}}")
        return found[0] if found and found[1] == "commit" else None

    def is_before(self, commit: str, later: str) -> bool:
        """Tell whether one commit leads to another."""
        # Counted rather than asked by a status, which is the same for a refusal of git's own.
        return self.run("rev-list", "--max-count=1", commit, f"^{later}") == ""

    def merged(self, ours: str, theirs: str) -> tuple[str, list[str]] | None:
        """Return the tree that joins two commits, as `git merge` does, and the paths at which they contradict each other.

        None: they contradict each other at no one file, as where a folder was renamed to two others.
        """
        how = ("--write-tree", "-z", "--name-only", "--no-messages")
        status, told = self._ended("merge-tree", *how, ours, theirs, accepted=(0, 1))
        tree, *paths = told.split("\0")
        found = [path for path in paths if path]
        return None if status and not found else (tree, found)

    def look(self, revision: str) -> tuple[str, str, int] | None:
        """Return id, kind (`commit`, `tree`, `blob` or `tag`) and size of an object; None where there is none."""
        asked = f"{revision}\n"
        told = self.run(
            "cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)", given=asked
        ).split()
        is_there = len(told) == 3 and told[1] in {"commit", "tree", "blob", "tag"}  # noqa: PLR2004 - as asked for
        return (told[0], told[1], int(told[2])) if is_there else None

    def entries(self, tree: str, *, recursive: bool = True) -> Iterator[Entry]:
        """Yield the files of a commit or tree one by one; a tree may name itself so often that nobody could read it to its end.

        Parameters
        ----------
        recursive
            All files below it; else what lies in it, folders too.
        """
        depth = ["-r"] if recursive else []
        with self._reading("ls-tree", *depth, *_LISTED, tree) as output:
            yield from entries_of(output)

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

    def beginning(self, *arguments: str, most: int) -> tuple[bytes, bool]:
        """Return what a command prints, so many bytes of it at most, and whether that is all."""
        with self._reading(*arguments) as output:
            told = output.read(most + 1)
        return told[:most], len(told) <= most

    @contextmanager
    def _reading(
        self,
        *arguments: str,
        given: bytes = b"",
        extra: Mapping[str, str] | None = None,
        steps: str = 'exec "$@"',
    ) -> Iterator[IO[bytes]]:
        """Give the output of a command, which ends with the block, however far it came.

        Parameters
        ----------
        steps
            What a shell does with the command; without arguments that is git alone.

        Raises
        ------
        Unavailable
            It was read to its end, and the command failed: what came is not all.
        """
        with tempfile.TemporaryFile() as asked:  # a pipe would fill up, while nobody reads the answer
            asked.write(given)
            asked.seek(0)
            with subprocess.Popen(
                self._command(*arguments, steps=steps),
                stdin=asked,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                process_group=0,
                cwd=self._folder,
                env={**self._environment, **(extra or {})},
            ) as process:
                output = patient(process, seconds=GIT_SECONDS)
                try:
                    yield output
                    if output.read(1) == b"" and process.wait() != 0:
                        raise Unavailable(f"git {' '.join(arguments[:1])} did not come to its end.")
                finally:
                    end(process)

    def _command(self, *arguments: str, steps: str = 'exec "$@"') -> list[str]:
        command = ["git", "-c", f"core.hooksPath={os.devnull}", "-c", "core.symlinks=false"]
        if arguments[:1] != ("init",):
            command.append(f"--git-dir={self._folder}")
        return limited(*command, *arguments, steps=steps)

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
        return self._ended(*arguments, given=given, folder=folder, extra=extra)[1]

    def _ended(
        self,
        *arguments: str,
        given: str = "",
        folder: Path | None = None,
        extra: dict[str, str] | None = None,
        accepted: Collection[int] = (0,),
    ) -> tuple[int, str]:
        """Run a command; return its status, which is one of those that are no failure, and what it printed."""
        try:
            done = subprocess.run(
                self._command(*arguments),
                input=given,
                capture_output=True,
                text=True,
                errors="surrogateescape",  # names are bytes, whatever their authors meant by them
                check=False,
                timeout=GIT_SECONDS,
                cwd=folder or self._folder,
                env={**self._environment, **(extra or {})},
            )
        except (subprocess.SubprocessError, OSError) as error:
            raise Unavailable(f"git {arguments[0]} failed: {str(error)[:300]}") from error
        if done.returncode == NOT_INSTALLED:
            raise Unavailable("git is not installed on the platform's machine.")
        if done.returncode not in accepted:
            raise Unavailable(f"git {arguments[0]} failed: {done.stderr.strip()[:300]}")
        return done.returncode, done.stdout.strip()

    def passed_on(self, *arguments: str, given: IO[bytes], output: IO[bytes] | None) -> str:
        """Run a command from file to file; return what it says where it fails."""
        try:
            done = subprocess.run(
                self._command(*arguments),
                stdin=given,
                stdout=subprocess.DEVNULL if output is None else output,
                stderr=subprocess.PIPE,
                check=False,
                timeout=GIT_SECONDS,
                cwd=self._folder,
                env=self._environment,
            )
        except (subprocess.SubprocessError, OSError) as error:
            raise Unavailable(f"git {arguments[0]} failed: {str(error)[:300]}") from error
        told = done.stderr.decode("utf-8", "replace").strip()[:300]
        return (told or f"status {done.returncode}") if done.returncode else ""


@dataclass(frozen=True, kw_only=True)
class Commit:
    """What is said of a commit that the platform itself makes."""

    message: str
    tag: str
    """Name that it gets beside the main branch; empty for none."""
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


def _lines_of(paths: Iterable[str]) -> str:
    """Write paths for git; a line that began with a quote would be unquoted, and could so name any file of this machine."""
    return "".join(f"./{path}\n" for path in paths)


def _pieces(output: IO[bytes], size: int) -> Iterator[bytes]:
    while size > 0:
        piece = output.read(min(_PIECE, size))
        if not piece:
            raise Unavailable("git ended in the middle of a file.")
        size -= len(piece)
        yield piece
