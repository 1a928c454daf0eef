import asyncio
import io
from types import SimpleNamespace

from gavip_hub.handlers.downloads import PIECE, _send


class Reader:
    """A handler whose reader takes nothing until told."""

    def __init__(self):
        self.context = SimpleNamespace(file_threads=self._at_once)
        self.asked, self.taken = asyncio.Event(), asyncio.Event()
        self.got = b""

    async def _at_once(self, act, *arguments):
        return act(*arguments)

    def write(self, piece):
        self.got += piece

    async def flush(self):
        self.asked.set()
        await self.taken.wait()

    async def finish(self):
        pass


async def test_a_reader_that_takes_nothing_holds_one_piece():
    content = io.BytesIO(bytes(10 * PIECE))
    reader = Reader()
    sending = asyncio.create_task(_send(reader, content, 0, 10 * PIECE))
    await reader.asked.wait()
    assert content.tell() == PIECE
    reader.taken.set()
    await sending
    assert len(reader.got) == 10 * PIECE


async def test_a_reader_that_never_takes_a_piece_is_given_up(monkeypatch):
    monkeypatch.setattr("gavip_hub.handlers.downloads.PIECE_SECONDS", 0)
    sending = asyncio.create_task(_send(Reader(), io.BytesIO(b"content"), 0, 7))
    (ended,) = await asyncio.gather(sending, return_exceptions=True)
    assert isinstance(ended, TimeoutError)
