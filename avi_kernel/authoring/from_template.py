"""AVIs made of a template, and brought on to its newer versions."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from avi_kernel.authoring import templates
from avi_kernel.authoring.copying import ANSWERS_FILE, Request
from avi_kernel.authoring.git import CAREFUL, git, need_git, settings
from avi_kernel.authoring.problems import AuthoringProblem

_KEPT = re.compile(
    r"PATH|HOME|USER|LANG|LC_\w+|TERM|COLUMNS|LINES|SYSTEMROOT|XDG_\w+|GIT_CONFIG_(GLOBAL|NOSYSTEM)"
)
"""Variables that copier's process has: no token, no password of a proxy."""
_LARGEST_ANSWERS = 256 * 1024
_INTERRUPTED = 130


class Ended(AuthoringProblem):
    """Copier was ended from outside: it came to a limit of this machine."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Which version of which template an AVI is made of."""

    address: str
    version: str

    @property
    def name(self) -> str:
        """What people call the template."""
        return templates.name_of(self.address)


@dataclass(frozen=True, kw_only=True)
class Source:
    """What an AVI is to be made of."""

    address: str
    """As the AVI remembers it."""
    version: str = ""
    """Which one, where that is not the newest."""
    repository: Path | None = None
    """Where it lies already, for who has fetched it."""


@dataclass(frozen=True, kw_only=True)
class Update:
    """What came of bringing an AVI on."""

    before: Origin
    after: Origin
    conflicts: list[str]
    """Files in which the author and the template changed the same lines."""


def make(
    folder: Path, *, source: Source, answers: Mapping[str, str], proposed: Mapping[str, str], ask: bool
) -> Origin:
    """Write a template's files into a new folder.

    Parameters
    ----------
    answers
        To its questions.
    proposed
        Defaults for those that are not answered.
    ask
        Whether somebody can be asked.

    Raises
    ------
    AuthoringProblem
        It cannot be had, or wants what no template may.
    """
    _need_parts()
    with _room(source) as room:
        room.carry_out(
            Request(
                what="copy",
                folder=str(folder.absolute()),
                reply=str(room.reply),
                address=source.address,
                tag=room.tag,
                answers=dict(answers),
                proposed=dict(proposed),
                ask=ask,
            )
        )
    if not (folder / ANSWERS_FILE).is_file():
        raise AuthoringProblem(
            f"The template writes no {ANSWERS_FILE}, so that what is made of it could never be brought on.",
            next_step=f"Its author adds {ANSWERS_FILE}.jinja with {{{{ _copier_answers | to_nice_yaml }}}} in it.",
        )
    return origin(folder)


def update(
    folder: Path, *, answers: Mapping[str, str], ask: bool, version_of: Callable[[str], str] = lambda _: ""
) -> Update:
    """Merge a newer version of a template into an AVI's files; nothing is committed.

    Parameters
    ----------
    folder
        The AVI's, in a working copy of git with nothing uncommitted in it.
    version_of
        Returns which version of the template at an address; nothing: its newest.

    Raises
    ------
    AuthoringProblem
        It was made of no template, or that cannot be had.
    """
    _need_parts()
    before = origin(folder)
    _require_committed(folder)
    version = version_of(before.address)
    if version and templates.order_of(version) <= templates.order_of(before.version):
        return Update(before=before, after=before, conflicts=[])
    with _room(Source(address=before.address, version=version)) as room:
        room.carry_out(
            Request(
                what="update",
                folder=str(folder.resolve()),
                reply=str(room.reply),
                tag=room.tag,
                answers=dict(answers),
                ask=ask,
            )
        )
    unmerged = git("diff", "--name-only", "--diff-filter=U", "--relative", cwd=folder)
    return Update(before=before, after=origin(folder), conflicts=unmerged.splitlines())


def origin(folder: Path) -> Origin:
    """Return what an AVI was made of, as it says itself.

    Raises
    ------
    AuthoringProblem
        It says nothing, or nothing that can be.
    """
    import yaml  # noqa: PLC0415 - it comes with copier

    file = folder / ANSWERS_FILE
    if not file.is_file() or file.stat().st_size > _LARGEST_ANSWERS:
        raise AuthoringProblem(
            f"{folder} was not made of a template: there is no {ANSWERS_FILE}.",
            next_step="Only what `gavip avi new NAME --template …` made can be brought on.",
        )
    try:
        told = yaml.safe_load(file.read_text("utf-8"))
        address, version = told["_src_path"], told["_commit"]
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, RecursionError):
        address = version = None
    if not isinstance(address, str) or not isinstance(version, str):
        raise AuthoringProblem(
            f"{ANSWERS_FILE} does not say which version of which template it is.",
            next_step=f"Take it from a former commit: git checkout COMMIT -- {ANSWERS_FILE}",
        )
    return Origin(address=address, version=version.removeprefix("v"))


@dataclass(frozen=True)
class _Room:
    """A folder in which copier works, and what git tells it."""

    folder: Path
    told_git: dict[str, str]
    tag: str
    """Of the version that is wanted; empty: the newest."""

    @property
    def reply(self) -> Path:
        return self.folder / "reply"

    def carry_out(self, request: Request) -> None:
        kept = {name: value for name, value in os.environ.items() if _KEPT.fullmatch(name)}
        environment = {
            **kept,
            **settings(self.told_git, kept),
            "TMPDIR": str(self.folder),
            "COPIER_CACHE_DIR": str(self.folder / "cache"),
            "GIT_TERMINAL_PROMPT": "0",
        }
        # -P: nothing that lies where the author stands is taken for a module.
        command = [sys.executable, "-P", "-m", "avi_kernel.authoring.copying", request.to_json()]
        done = subprocess.run(command, env=environment, check=False)
        if done.returncode == _INTERRUPTED:
            raise KeyboardInterrupt
        if done.returncode < 0:
            name = signal.Signals(-done.returncode).name
            raise Ended(
                f"Making the files took too much time or memory, and was ended ({name}).",
                next_step="Ask the template's author for a smaller one.",
            )
        if done.returncode != 0:
            said = self.reply.read_text("utf-8") if self.reply.exists() else "Copier ended before its time."
            raise AuthoringProblem(said)


@contextmanager
def _room(source: Source) -> Iterator[_Room]:
    """Fetch a template; copier is then led to what was fetched, and to nothing else."""
    with TemporaryDirectory(prefix="gavip-template-") as name:
        folder = Path(name).resolve()
        repository = source.repository or folder / "template.git"
        if source.repository is None:
            templates.mirror(source.address, repository)
        tag = templates.tag_of(repository, source.version) if source.version else ""
        fetched = {f"url.{repository}.insteadOf": source.address.removeprefix("git+")}
        yield _Room(folder, {**CAREFUL, "protocol.file.allow": "user", **fetched}, tag)


def _need_parts() -> None:
    need_git()
    if find_spec("copier") is None:
        raise AuthoringProblem(
            "Templates need what is not installed here: copier.",
            next_step="pip install 'avi-kernel[authoring]'",
        )


def _require_committed(folder: Path) -> None:
    try:
        changed = git("status", "--porcelain", "--", ".", cwd=folder)
    except subprocess.CalledProcessError:
        raise AuthoringProblem(
            f"{folder} is in no working copy of git, so that nothing can be merged.",
            next_step="git init -b main && git add -A && git commit -m 'As it is', then again.",
        ) from None
    if changed:
        raise AuthoringProblem(
            f"{folder} has changes that are not committed.",
            next_step="git add -A && git commit, then again: so nothing of yours can be lost.",
        )
