"""AVIs' files made of a template, by a program of its own with limits: a template is a stranger's."""

import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from avi_kernel.authoring.rendering import TOO_MUCH, UNFIT, Rendering
from gavip_hub.exceptions import BadTemplate
from gavip_hub.storage.beneath import opened_folder
from gavip_hub.storage.copies import MB, Tree, copied
from gavip_hub.storage.git import Git
from gavip_hub.storage.repositories import Repositories
from gavip_hub.trees import remove_path

LARGEST_TEMPLATE = 16 * MB
MOST_FILES = 1000
"""Of a template, and of an AVI that is made of it."""
LARGEST_MADE = 64 * MB
SECONDS = 60.0
PROCESSOR = 20
"""Seconds of it, for each process."""
_LOOK = 0.1
"""Seconds between two looks at what has been written."""
_BLOCK = 512


@dataclass(frozen=True, kw_only=True)
class TemplateSource:
    """A version of a template, and where the platform has it."""

    address: str
    """As an AVI remembers it."""
    version: str = ""
    avi: str = ""
    """Project whose repository it is; empty: it comes with the platform."""
    tag: str = ""
    """Whole name of its version's tag in that repository."""


class TemplateRenderer:
    """Makes AVIs' files of templates; nothing is asked, fetched or run of them.

    Parameters
    ----------
    root
        The data root.
    """

    def __init__(self, *, root: Path, repositories: Repositories) -> None:
        self._folder = root / "templates"
        self._repositories = repositories

    @contextmanager
    def made(self, source: TemplateSource, *, proposed: dict[str, str]) -> Iterator[Tree]:
        """Give the files of an AVI that is made by a template's defaults, as long as the block lasts.

        Parameters
        ----------
        proposed
            Answers in place of some of these defaults.

        Raises
        ------
        BadTemplate
            It cannot be used, is too large, or takes too long.
        BadManifest
            What it makes are no plain files.
        """
        room = self._folder / secrets.token_hex(8)
        room.mkdir(mode=0o700, parents=True)
        (room / "copy").mkdir()
        try:
            repository = self._taken(source, room / "template.git") if source.avi else None
            self._render(source, room, repository, proposed)
            with opened_folder(room, ["made"]) as folder:
                tree = copied(folder, room / "copy")
            _require_few(tree)
            yield tree
        finally:
            remove_path(room)

    def _taken(self, source: TemplateSource, target: Path) -> Path:
        """Return a repository that holds one version alone, and is small."""
        git = self._repositories.git(source.avi)
        _require_fit(git, source.tag)
        Git(target).make()
        origin = f"file://{quote(str(self._repositories.folder(source.avi).resolve()))}"
        one = ["--quiet", "--no-tags", "--depth=1", origin, f"{source.tag}:{source.tag}"]
        Git(target).run("fetch", *one, extra={"GIT_ALLOW_PROTOCOL": "file"})
        return target

    def _render(
        self, source: TemplateSource, room: Path, repository: Path | None, proposed: dict[str, str]
    ) -> None:
        reply = room / "reply"
        request = Rendering(
            folder=str(room / "made"),
            reply=str(reply),
            address=source.address,
            version=source.version if repository else "",
            repository=str(repository or ""),
            proposed=proposed,
            processor=PROCESSOR,
        )
        status = _run(request, room)
        if status == UNFIT:
            raise BadTemplate(_without_place(reply.read_text("utf-8"), room, self._folder.parent)[:1000])
        if status > 0 and status != TOO_MUCH:
            raise BadTemplate(
                f"It ends the program that makes its files (exit {status}); try it with `gavip avi new` first."
            )
        if status:
            raise BadTemplate(
                "It takes too much memory or time: an AVI is made of it in seconds, with little memory."
            )


def _without_place(said: str, room: Path, root: Path) -> str:
    """Return what copier said of a template without where on this machine that was, or what else is there."""
    own = re.sub(rf"{re.escape(str(room))}(/gavip-template-\w+(/copier\.[\w.]+)?)?/?", "", said)
    return re.sub(rf"{re.escape(str(root))}[^\"'\s]*", "(outside)", own)


def _require_fit(git: Git, tag: str) -> None:
    size = 0
    for count, entry in enumerate(git.entries(f"{tag}^{{commit}}"), start=1):
        if entry.is_submodule:  # git may fetch nothing, and would say so at length
            raise BadTemplate(f"{entry.shown[:200]}: is a submodule; put its files themselves there.")
        size += entry.size
        if count > MOST_FILES or size > LARGEST_TEMPLATE:
            raise BadTemplate(
                f"It is too large: at most {MOST_FILES} files and {LARGEST_TEMPLATE // MB} MB are accepted."
            )


def _require_few(tree: Tree) -> None:
    """Refuse what is made of it, where that is more than the looks meanwhile allowed for."""
    size = sum((tree.folder / path).stat().st_size for path in tree.files)
    if len(tree.files) > MOST_FILES or size > LARGEST_MADE:
        raise BadTemplate(
            f"It makes {len(tree.files)} files of {size / MB:.1f} MB; at most {MOST_FILES} and "
            f"{LARGEST_MADE // MB} MB are accepted."
        )


def _run(request: Rendering, room: Path) -> int:
    """Run the program, and end it with all that it started where it takes too long or writes too much."""
    call = [sys.executable, "-P", "-m", "avi_kernel.authoring.rendering", request.to_json()]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(room),
        "LANG": "C.UTF-8",
        "TMPDIR": str(room),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    silent = subprocess.DEVNULL
    with subprocess.Popen(
        call, env=environment, cwd=room, stdin=silent, stdout=silent, stderr=silent, start_new_session=True
    ) as process:
        until = time.monotonic() + SECONDS
        try:
            while process.poll() is None and time.monotonic() < until:
                _require_small(room)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK)
            return -signal.SIGKILL if process.returncode is None else process.returncode
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _require_small(room: Path) -> None:
    """Refuse what was written until now where it is more than may be; some of it goes away again."""
    files = size = 0
    for _, folders, names, here in os.fwalk(room, onerror=lambda _: None, follow_symlinks=False):
        files += len(names) + len(folders)
        for name in names:
            with suppress(FileNotFoundError):
                size += os.stat(name, dir_fd=here, follow_symlinks=False).st_blocks * _BLOCK
        if files > 20 * MOST_FILES or size > 2 * LARGEST_MADE:
            raise BadTemplate(
                f"It makes files without end: at most {MOST_FILES} and {LARGEST_MADE // MB} MB are accepted."
            )
