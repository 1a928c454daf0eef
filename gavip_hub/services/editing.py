"""One text file of a project, edited in the portal: shown, and kept as a commit on main."""

import logging
from contextlib import suppress
from dataclasses import dataclass

from gavip_hub.clock import Clock
from gavip_hub.domain.pushes import MAIN, checked_message
from gavip_hub.exceptions import BadRequest, Conflict
from gavip_hub.services.browsing import checked_path
from gavip_hub.services.projects import ProjectService
from gavip_hub.services.pushes import PushService
from gavip_hub.storage import git_browse
from gavip_hub.storage.disk import DiskSpace
from gavip_hub.storage.git import Commit, Git
from gavip_hub.storage.git_drafts import Drafts
from gavip_hub.storage.repositories import Repositories

LARGEST_TEXT = 512 * 1024

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class TextView:
    """A text file as main has it."""

    path: str
    text: str
    blob: str
    """Git's name of this very content."""


class ChangedMeanwhile(Conflict):
    """The file has changed on main since you opened it."""


class EditingService:
    """Edits files of those projects that somebody may write, by the checks that a push passes."""

    def __init__(
        self,
        *,
        projects: ProjectService,
        pushes: PushService,
        repositories: Repositories,
        drafts: Drafts,
        disk: DiskSpace,
        clock: Clock,
    ) -> None:
        self._projects = projects
        self._pushes = pushes
        self._repositories = repositories
        self._drafts = drafts
        self._disk = disk
        self._clock = clock

    def get(self, *, author: str, name: str, path: str) -> TextView:
        """Return a text file of main.

        Raises
        ------
        NotFound
            There is no such file, or the project is not theirs to write.
        BadRequest
            It is a notebook, no text in UTF-8, or too large.
        """
        git, main = self._main(author, name)
        return _text(git, main, path)

    def compare(self, *, author: str, name: str, path: str, text: str) -> tuple[TextView, str]:
        """Return a text file of main, and which lines of it another text changes."""
        git, main = self._main(author, name)
        now = _text(git, main, path)
        content = as_before(text, now.text)
        what = Commit(message="Compared", tag="", author=author, at=self._clock.now())
        with self._drafts.of_file(name, base=main, path=path, content=content, what=what) as draft:
            return now, draft.lines()[0]

    def change(self, *, author: str, name: str, path: str, text: str, blob: str, message: str) -> str:
        """Commit another text of a file to main, and return the commit.

        Parameters
        ----------
        blob
            What the author saw and edited.

        Raises
        ------
        ChangedMeanwhile
            Main has another text of it by now.
        Conflict
            Nothing differs, or main moved at this very moment.
        BadManifest
            A push of the same would not be taken.
        """
        git, main = self._main(author, name)
        what = Commit(message=checked_message(message), tag="", author=author, at=self._clock.now())
        self._disk.require_room()
        before = _text(git, main, path)
        if before.blob != blob:
            raise ChangedMeanwhile
        if len(text.encode()) > LARGEST_TEXT:
            raise BadRequest(_too_large(path), field="text")
        content = as_before(text, before.text)
        if content == before.text:
            raise Conflict("Nothing differs from what main has.")
        with (
            self._drafts.of_file(name, base=main, path=path, content=content, what=what) as draft,
            self._pushes.own(user=author, avi=name, old=main, new=draft.commit),
        ):
            self._drafts.keep(draft, draft.commit, {MAIN: (main, draft.commit)})
        log.info("%s changed %s of %s in the portal", author, path, name)
        return draft.commit

    def _main(self, author: str, name: str) -> tuple[Git, str]:
        """Return the plumbing on a project, and main's commit, for those who may write it."""
        commit = self._projects.main_of(author=author, name=name)
        return self._repositories.git(name), commit


def may_be_edited(path: str, size: int) -> bool:
    """Tell whether a file could be edited here, as far as its name and size tell."""
    return size <= LARGEST_TEXT and not path.lower().endswith(".ipynb")


def as_before(text: str, before: str) -> str:
    """Return what a form sent with the ends of lines that the file had; browsers send CR LF, whatever stood there."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return plain.replace("\n", "\r\n") if "\r\n" in before else plain


def _text(git: Git, main: str, path: str) -> TextView:
    entry = git_browse.file(git, main, checked_path(path))
    if entry.is_folder or path.lower().endswith(".ipynb"):
        raise BadRequest(f"{path[:200]} is no text file; notebooks are edited in JupyterLab.", field="path")
    if entry.size > LARGEST_TEXT:
        raise BadRequest(_too_large(path), field="path")
    text = _decoded(b"".join(piece for _, pieces in git.contents([entry]) for piece in pieces), path)
    if as_before(text, text) != text:
        raise BadRequest(f"Lines of {path[:200]} end in different ways: edit it in JupyterLab.", field="path")
    return TextView(path=path, text=text, blob=entry.object_id)


def _decoded(content: bytes, path: str) -> str:
    with suppress(UnicodeDecodeError):
        if "\0" not in (text := content.decode()):
            return text
    raise BadRequest(f"{path[:200]} is no text in UTF-8: edit it in JupyterLab.", field="path")


def _too_large(path: str) -> str:
    return f"{path[:200]} is larger than {LARGEST_TEXT // 1024} kB: edit it in JupyterLab."
