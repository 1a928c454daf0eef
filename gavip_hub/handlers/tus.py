"""Files that browsers send piece by piece, by tus 1.0 (https://tus.io): what breaks off goes on where it was.

Creation and termination besides the core protocol. A piece is 4 MB at most, like every body here.
"""

import binascii
from base64 import b64decode
from http import HTTPStatus
from typing import Any

from typing_extensions import override

from avi_kernel.protocol.api import Profile
from avi_kernel.protocol.base import MOST
from gavip_hub.exceptions import BadParameter, BadRequest, Forbidden
from gavip_hub.handlers.base import BaseHandler
from gavip_hub.handlers.data import WRITE
from gavip_hub.handlers.page_base import ROOT
from gavip_hub.services.files import Announced, WhenTaken

VERSION = "1.0.0"
PIECE_TYPE = "application/offset+octet-stream"
LONGEST_PATH = 8192
_DIGITS = 16


class TusHandler(BaseHandler):
    """What all of them share."""

    @override
    def set_default_headers(self) -> None:
        super().set_default_headers()  # refusals carry these too
        self.set_header("Tus-Resumable", VERSION)
        self.set_header("Tus-Version", VERSION)
        self.set_header("Cache-Control", "no-store")

    @override
    async def prepare(self) -> None:
        await super().prepare()
        if self.request.method != "OPTIONS" and self.request.headers.get("Tus-Resumable") != VERSION:
            refused = BadRequest(f"Uploads go by tus {VERSION}: send the header Tus-Resumable: {VERSION}.")
            refused.status_code = HTTPStatus.PRECONDITION_FAILED
            raise refused

    def person(self) -> Profile:
        """Return who sends the file."""
        profile = self.require(WRITE)
        if profile.avi is not None:
            raise Forbidden("Files are written by people, and not by an interface.")
        return profile

    def number(self, header: str) -> int:
        """Return a header that is a number of bytes."""
        text = self.request.headers.get(header, "")
        if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS and int(text) <= MOST):
            raise BadRequest(f"{header} must be a number of bytes; got {text[:40]!r}.")
        return int(text)


class TusUploads(TusHandler):
    """Where an upload begins."""

    @override
    async def options(self) -> None:
        self.set_header("Tus-Extension", "creation,termination")
        self.set_status(HTTPStatus.NO_CONTENT)

    @override
    async def post(self) -> None:
        profile, size = self.person(), self.number("Upload-Length")
        told = _metadata(self.request.headers.get("Upload-Metadata", ""))
        announced = Announced(
            path=told.get("path") or told.get("filename", ""),
            size=size,
            mark=told.get("modified", ""),
            taken=_when_taken(told.get("taken", "")),
        )
        begun = await self.in_thread(
            self.services.files.announce, owner=profile.name, groups=profile.groups, announced=announced
        )
        if not begun.size:  # no piece of it will come
            with self.context.writes.one(profile):
                await self.context.file_threads(
                    self.services.files.finish, owner=profile.name, upload=begun.id
                )
        self.set_status(HTTPStatus.CREATED)
        self.set_header("Location", f"{ROOT}files/uploads/{begun.id}")


class TusUpload(TusHandler):
    """One of them."""

    @override
    async def head(self, upload: str) -> None:
        offset, size = await self.context.file_threads(
            self.services.files.come, owner=self.person().name, upload=upload
        )
        self.set_header("Upload-Offset", offset)
        self.set_header("Upload-Length", size)
        self.set_header("Content-Length", 0)

    @override
    async def patch(self, upload: str) -> None:
        profile, offset = self.person(), self.number("Upload-Offset")
        if self.request.headers.get("Content-Type") != PIECE_TYPE:
            raise BadRequest(f"A piece of a file must be {PIECE_TYPE}.")
        with self.context.writes.one(profile):
            view = await self.context.file_threads(
                self.services.files.append,
                owner=profile.name,
                upload=upload,
                offset=offset,
                content=self.request.body,
            )
            if view.offset == view.size:
                await self.context.file_threads(self.services.files.finish, owner=profile.name, upload=upload)
        self.set_header("Upload-Offset", view.offset)
        self.set_status(HTTPStatus.NO_CONTENT)

    @override
    async def delete(self, upload: str) -> None:
        await self.context.file_threads(self.services.files.abandon, owner=self.person().name, upload=upload)
        self.set_status(HTTPStatus.NO_CONTENT)


def _metadata(header: str) -> dict[str, str]:
    """Return what is told of a file: names and values in base64, with commas between them."""
    told = {}
    for pair in header.split(","):
        name, _, value = pair.strip().partition(" ")
        try:
            told[name] = b64decode(value, validate=True).decode()[:LONGEST_PATH]
        except (binascii.Error, ValueError):
            raise BadRequest(f"Upload-Metadata: the value of {name[:40]!r} is no text in base64.") from None
    return told


def _when_taken(word: str) -> WhenTaken:
    try:
        return WhenTaken(word or WhenTaken.REFUSE)
    except ValueError:
        accepted = ", ".join(WhenTaken)
        raise BadParameter(f"taken must be one of {accepted}; got {word[:40]!r}.", field="taken") from None


ROUTES: list[tuple[str, type[Any], dict[str, Any]]] = [
    (f"{ROOT}files/uploads", TusUploads, {}),
    (f"{ROOT}files/uploads/([0-9a-f]{{32}})", TusUpload, {}),
]
