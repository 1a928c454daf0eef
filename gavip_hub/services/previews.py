"""Previews of files: of results, of a space, of products. Each is made by a program of its own, and the latest are kept."""

import asyncio
import json
import logging
from collections import OrderedDict
from typing import BinaryIO, Protocol
from weakref import WeakValueDictionary

from pydantic import ValidationError

from avi_kernel.protocol.previews import Kind, PreviewAsk, PreviewView
from gavip_hub.domain.previews import kind_of
from gavip_hub.exceptions import NoRoom, NotFound, Unavailable

log = logging.getLogger(__name__)
AT_ONCE = 2
MOST_WAITING = 32
KEPT = 128
KEPT_BYTES = 32_000_000
BROKEN = "What was made of this file cannot be shown: download it to see it."
READ: frozenset[Kind] = frozenset({"fits", "votable", "csv", "tsv", "parquet", "hdf5", "image", "text"})
"""Kinds that the program reads; of others a browser shows the content itself, or nobody does."""
SHOWS_PICTURES = frozenset({"fits", "image"})


class Program(Protocol):
    """What reads a file."""

    async def answer(self, file: BinaryIO, question: str) -> bytes:
        """Return a line of JSON, and perhaps a PNG behind it."""


class Previews:
    """Makes previews, few at once: the program may take a processor and more than a gigabyte.

    Parameters
    ----------
    program
        Reads one file for one question.
    """

    def __init__(self, *, program: Program) -> None:
        self._program = program
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._own: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._waiting = 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    async def of(
        self, file: BinaryIO, *, asker: str, name: str, media_type: str = "", etag: str, ask: PreviewAsk
    ) -> PreviewView:
        """Return a page of a file.

        Parameters
        ----------
        asker
            For whom it is made: one at a time for each.
        etag
            Changes with the content; under it answers are kept.

        Raises
        ------
        NoRoom
            Too many wait already.
        """
        kind = kind_of(name, media_type)
        if kind not in READ:
            return PreviewView(kind=kind)
        try:
            answer = await self._answer(file, asker, kind, etag, ask, picture=False)
            return PreviewView.model_validate_json(answer.partition(b"\n")[0])
        except Unavailable as broken:
            return PreviewView(kind=kind, problem=broken.message)
        except ValidationError as error:
            log.warning("the preview of a %s file is no answer: %s", kind, error.errors()[0]["msg"])
            return PreviewView(kind=kind, problem=BROKEN)

    async def picture(
        self, file: BinaryIO, *, asker: str, name: str, media_type: str = "", etag: str, ask: PreviewAsk
    ) -> bytes:
        """Return the image of a file as a PNG that was made here.

        Raises
        ------
        NotFound
            There is none; the message says why.
        NoRoom
            Too many wait already.
        """
        kind = kind_of(name, media_type)
        if kind not in SHOWS_PICTURES:
            raise NotFound(f"The portal makes no picture of {name[:80]!r}; download it.")
        try:
            head, _, png = (await self._answer(file, asker, kind, etag, ask, picture=True)).partition(b"\n")
        except Unavailable as broken:
            raise NotFound(broken.message) from None
        if not png.startswith(b"\x89PNG"):
            raise NotFound(str(json.loads(head).get("problem") or BROKEN))
        return png

    async def _answer(
        self, file: BinaryIO, asker: str, kind: Kind, etag: str, ask: PreviewAsk, *, picture: bool
    ) -> bytes:
        question = json.dumps({"kind": kind, "picture": picture, **ask.model_dump()})
        key = f"{etag} {question}"
        if key not in self._kept:
            self._keep(key, await self._in_turn(file, asker, question))
        self._kept.move_to_end(key)
        return self._kept[key]

    async def _in_turn(self, file: BinaryIO, asker: str, question: str) -> bytes:
        if self._waiting >= MOST_WAITING:
            raise NoRoom("Many files are being looked at just now; try again in a moment.")
        self._waiting += 1
        try:
            own = self._own.setdefault(asker, asyncio.Lock())
            async with own, self._turns:
                return await self._program.answer(file, question)
        finally:
            self._waiting -= 1

    def _keep(self, key: str, answer: bytes) -> None:
        self._kept[key] = answer
        while len(self._kept) > 1 and (
            len(self._kept) > KEPT or sum(map(len, self._kept.values())) > KEPT_BYTES
        ):
            self._kept.popitem(last=False)
