"""What the pages of one's own files do: every button is a form, which works without script."""

import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from typing_extensions import override

from gavip_hub.exceptions import BadParameter, GavipError
from gavip_hub.handlers.data import WRITE
from gavip_hub.handlers.file_pages import LONGEST_PATH, FilePage
from gavip_hub.handlers.page_base import ROOT
from gavip_hub.services.files import Announced

Done = dict[str, str]
"""What the next page's address says was done."""


class FileAct(FilePage):
    """One thing that is done; then the browser goes back to the folder, or stays there with what is wrong."""

    scope = WRITE

    @override
    async def post(self, act: str) -> None:
        acts: dict[str, Callable[[], Awaitable[Done]]] = {
            "folder": self._make_folder,
            "rename": self._rename,
            "move": self._move,
            "copy": self._copy,
            "delete": self._delete,
            "undo": self._undo,
            "upload": self._upload,
            "abandon": self._abandon,
        }
        try:
            done = await acts[act]()
        except GavipError as error:
            if error.status_code in (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE):
                raise
            self.set_status(error.status_code)
            await self.show(self.here, problem=error.message)
            return
        self.go(f"files?{urlencode({'path': self.here, **done})}")

    @property
    def here(self) -> str:
        """The folder whose page the button stood on."""
        return self.get_body_argument("here", "", strip=False)[:LONGEST_PATH]

    @property
    def chosen(self) -> list[str]:
        """What it is about."""
        return [path[:LONGEST_PATH] for path in self.get_body_arguments("path", strip=False)]

    async def _make_folder(self) -> Done:
        path = f"{self.here}/{_name(self.get_body_argument('name', ''))}"
        await self.context.file_threads(self.services.file_moves.make_folder, owner=self.owner, path=path)
        return {"did": "made"}

    async def _rename(self) -> Done:
        [path] = self.chosen[:1] or [""]
        to = f"{path.rpartition('/')[0]}/{_name(self.get_body_argument('name', ''))}"
        await self.context.file_threads(self.services.file_moves.move, owner=self.owner, path=path, to=to)
        return {"did": "renamed"}

    async def _move(self) -> Done:
        async def move(path: str, to: str) -> None:
            await self.context.file_threads(self.services.file_moves.move, owner=self.owner, path=path, to=to)

        return {"did": "moved", "n": await self._each(move)}

    async def _copy(self) -> Done:
        async def copy(path: str, to: str) -> None:
            await self.context.copying_threads(
                self.services.file_moves.copy, owner=self.owner, groups=self.groups, path=path, to=to
            )

        with self.context.writes.one(self.require()):
            return {"did": "copied", "n": await self._each(copy)}

    async def _each(self, act: Callable[[str, str], Awaitable[None]]) -> str:
        """Do it with each of them, and say how far that came where one is refused."""
        to = f"{self.get_body_argument('to', '', strip=False)[:LONGEST_PATH]}/"
        for done, path in enumerate(self.chosen):
            try:
                await act(path, to)
            except GavipError as error:
                if done:
                    error.message = f"{done} of {len(self.chosen)} are done. {error.message}"
                raise
        return str(len(self.chosen))

    async def _delete(self) -> Done:
        found = await self.context.file_threads(
            self.services.file_moves.delete, owner=self.owner, paths=self.chosen
        )
        return {"did": "deleted", "n": str(len(found)), "undo": found[0].id.rpartition("-")[0]}

    async def _undo(self) -> Done:
        found = await self.context.file_threads(
            self.services.file_moves.undo, owner=self.owner, together=self.get_body_argument("undo", "")
        )
        return {"did": "restored", "n": str(len(found))}

    async def _upload(self) -> Done:
        """Take small files that a browser without script sends at once."""
        files = [file for file in self.request.files.get("file", []) if file.filename]
        if not files:
            raise BadParameter("Choose a file first.", field="file")
        for file in files:
            await self._take(file.filename.replace("\\", "/").rpartition("/")[2], file.body)
        return {"did": "uploaded", "n": str(len(files))}

    async def _take(self, name: str, content: bytes) -> None:
        owner, service = self.owner, self.services.files
        # The mark makes it an upload of its own: what an earlier one left is not gone on with.
        announced = Announced(path=f"{self.here}/{name}", size=len(content), mark=secrets.token_hex(8))
        begun = await self.in_thread(service.announce, owner=owner, groups=self.groups, announced=announced)
        with self.context.writes.one(self.require()):
            if content:
                await self.context.file_threads(
                    service.append, owner=owner, upload=begun.id, offset=0, content=content
                )
            await self.context.file_threads(service.finish, owner=owner, upload=begun.id)

    async def _abandon(self) -> Done:
        await self.context.file_threads(
            self.services.files.abandon, owner=self.owner, upload=self.get_body_argument("upload", "")
        )
        return {"did": "abandoned"}


class BinAct(FilePage):
    """What is done with the bin."""

    scope = WRITE

    @override
    async def post(self, act: str) -> None:
        moves, owner = self.services.file_moves, self.owner
        name = self.get_body_argument("id", "")[:64]
        if act == "restore":
            found = await self.context.file_threads(moves.restore, owner=owner, name=name)
            folder = found.path.rpartition("/")[0]
            self.go(f"files?{urlencode({'path': folder, 'did': 'restored'})}")
            return
        if act == "remove":
            await self.context.file_threads(moves.remove, owner=owner, name=name)
            deleted = 1
        else:
            deleted = (await self.context.file_threads(moves.empty, owner=owner)).deleted
        self.go(f"files/bin?{urlencode({'did': 'removed', 'n': deleted})}")


def _name(text: str) -> str:
    if not text.strip() or "/" in text:
        raise BadParameter("Give it a name without a slash, as maps or stars-2.csv.", field="name")
    return text.strip()


ROUTES: list[tuple[str, type[Any], dict[str, Any]]] = [
    (f"{ROOT}files/(folder|rename|move|copy|delete|undo|upload|abandon)", FileAct, {}),
    (f"{ROOT}files/bin/(restore|remove|empty)", BinAct, {}),
]
