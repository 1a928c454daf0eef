"""Pages of a project's files: in its repository, at its newest commit."""

import mimetypes
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import quote

from typing_extensions import override

from avi_kernel.protocol.previews import PreviewView
from avi_kernel.protocol.runs import ResultEntry
from gavip_hub.domain.previews import kind_of
from gavip_hub.exceptions import NotFound
from gavip_hub.handlers.contents import ContentPage, Shown, look
from gavip_hub.handlers.downloads import Sent, send_file, unchanged
from gavip_hub.handlers.notebook_page import NotebookPages
from gavip_hub.handlers.page_base import ROOT
from gavip_hub.handlers.previews import CONTENT_BYTES, Place, Preview, asked_of, preview_of
from gavip_hub.handlers.project_base import ProjectPages
from gavip_hub.services.browsing import Folder
from gavip_hub.services.editing import may_be_edited
from gavip_hub.storage.git_entries import Entry

UNKNOWN = "application/octet-stream"
_TEXT_ENDINGS = (
    ".py",
    ".toml",
    ".cfg",
    ".yml",
    ".yaml",
    ".rst",
    ".sh",
    ".java",
    ".f90",
    ".gitignore",
    ".gitattributes",
)


@dataclass(frozen=True, kw_only=True)
class ShownFile:
    """A file with its addresses, as the template of previews takes it."""

    name: str
    title: str
    size: int
    preview: Preview
    content: str
    download: str


class ProjectFile(ProjectPages):
    """Any page of one file: it is looked at, and taken out only where somebody has not got it yet."""

    async def look(self, name: str, path: str) -> Entry:
        """Return what git says of a file or folder."""
        found: Entry = await self.context.file_threads(
            self.services.browsing.look, viewer=self.owner, name=name, path=path
        )
        return found

    async def content(self, name: str, entry: Entry) -> BinaryIO:
        """Return its content, to be closed."""
        found: BinaryIO = await self.context.file_threads(
            self.services.browsing.content, name=name, entry=entry
        )
        return found


class ProjectFiles(ProjectFile):
    """A folder of a repository, or the beginning of a file."""

    @override
    async def get(self, name: str, path: str) -> None:
        path = path.rstrip("/")
        shown = await self.project(name, path=path)
        with self.context.reads.one(self.require()):
            entry = await self.context.file_threads(
                self.services.browsing.at, viewer=self.owner, name=name, path=path
            )
            if isinstance(entry, Folder):
                self.render_page("project_folder.html", folder=entry, **shown)
                return
            told = _told(entry)
            kind = _preview(told)
            seen: dict[str, Any] = {
                "view": PreviewView(kind=kind_of(told.name, told.media_type)),
                "ask": asked_of(self),
            }
            if kind in {"table", "text", "file"}:
                with await self.content(name, entry) as file:
                    seen = await look(self, Shown.result(told, file))
        edited = _edited(path, told, kind) if shown["project"].may != "read" else ""
        entry_shown = _shown(name, path, told, kind)
        place = _place(name, path, entry_shown)
        self.render_page("project_file.html", entry=entry_shown, edited=edited, place=place, **seen, **shown)


class ProjectContent(ContentPage, ProjectFile):
    """A file of a repository that is shown as it is."""

    @override
    async def get(self, name: str, path: str) -> None:
        with self.context.reads.one(self.require()):
            entry = await self.look(name, path)
            told = _told(entry)
            if entry.is_folder or entry.size > CONTENT_BYTES:
                raise NotFound(f"The portal does not show {path[:200]!r}; clone the repository.")
            with await self.content(name, entry) as file:
                await self.show_content(Shown.result(told, file), lasts=False)


class ProjectRaw(ProjectFile):
    """A file of a repository, to be kept."""

    is_stream = True

    @override
    async def get(self, name: str, path: str) -> None:
        with self.context.reads.one(self.require()):
            entry = await self.look(name, path)
            if await unchanged(self, entry.object_id):
                return
            with await self.content(name, entry) as file:
                await send_file(self, _sent(entry, file))


def _sent(entry: Entry, file: BinaryIO) -> Sent:
    return Sent(file=file, name=entry.path, media_type=UNKNOWN, etag=entry.object_id)


def _told(entry: Entry) -> ResultEntry:
    """Return a file as previews take one; its name is a stranger's and is shown as text alone."""
    guessed, _ = mimetypes.guess_type(entry.path, strict=True)
    if kind_of(entry.path, guessed or "") == "none" and entry.path.lower().endswith(_TEXT_ENDINGS):
        guessed = "text/plain"
    return ResultEntry.model_construct(
        name=entry.path, title="", media_type=guessed or UNKNOWN, size=entry.size, sha256=entry.object_id
    )


def _preview(told: ResultEntry) -> Preview:
    return preview_of(told.name, told.media_type)


def _place(project: str, path: str, shown: ShownFile) -> Place:
    return Place(
        page=f"{ROOT}projects/{project}/files/{quote(path)}",
        content=shown.content,
        download=shown.download,
        title=shown.title,
        size=shown.size,
    )


def _edited(path: str, told: ResultEntry, kind: Preview) -> str:
    """Return where a file is edited: `here`, in `lab`, or nowhere in the browser."""
    if kind == "notebook":
        return "lab"
    return "here" if kind in {"text", "table"} and may_be_edited(path, told.size) else ""


def _shown(project: str, path: str, told: ResultEntry, kind: Preview) -> ShownFile:
    place = f"{ROOT}projects/{project}"
    return ShownFile(
        name=told.name,
        title=told.name,
        size=told.size,
        preview=kind,
        content=f"{place}/content/{quote(path)}",
        download=f"{place}/raw/{quote(path)}",
    )


def project_file_routes(
    project: str, notebooks: NotebookPages
) -> list[tuple[str, type[Any], dict[str, Any]]]:
    """Return the addresses of files, below that of a project."""
    return [
        (f"{project}/files/(.+)", ProjectFiles, {}),
        (f"{project}/content/(.+)", ProjectContent, {"notebooks": notebooks}),
        (f"{project}/raw/(.+)", ProjectRaw, {}),
    ]
