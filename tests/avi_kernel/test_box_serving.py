"""What a stranger sends harms neither the next one nor the disk."""

import asyncio
import socket

import pytest

from avi_kernel.box.complaints import Complaints
from avi_kernel.box.serving import serve
from tests.support.lines import ask, guarded, status_of


async def test_a_request_on_which_the_program_stumbles_is_answered(caplog):
    async def stumble(reader, _):
        await reader.readline()
        raise ValueError("nobody thought of this")

    async with guarded(stumble) as port:
        answers = [await ask(port, b"hello\n") for _ in range(2)]
    assert [status_of(answer) for answer in answers] == [400, 400]
    assert "nobody thought of this" in caplog.text


async def test_who_comes_when_all_places_are_taken_is_turned_away():
    async def stay(reader, writer):
        writer.write(b"in")
        await reader.read()

    server = await serve(socket.create_server(("127.0.0.1", 0)), stay, most=1)
    async with server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.readexactly(2) == b"in"
        second, other = await asyncio.open_connection("127.0.0.1", port)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await second.readexactly(2)
        other.close()
        writer.close()
        await writer.wait_closed()


def test_complaints_end_where_their_room_ends(tmp_path):
    with (tmp_path / "shim.err").open("w") as file:
        complaints = Complaints(descriptor=file.fileno(), limit=10)
        assert [complaints.write("12345678") for _ in range(3)] == [8, 8, 8]
    assert (tmp_path / "shim.err").read_text() == "1234567812"
