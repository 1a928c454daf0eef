"""The socket of a server: out of the box's reach, and never led astray by what lies in it."""

import asyncio
import stat

import pytest

from avi_kernel.box.front import Front
from avi_kernel.box.serving import serve
from tests.support.lines import BOUND, Upstream

REQUEST = b"GET / HTTP/1.1\r\n\r\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "box").mkdir()
    return tmp_path


async def unix(path, handler):
    return await asyncio.start_unix_server(handler, path)


async def talk(path):
    async with asyncio.timeout(BOUND):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(REQUEST)
        try:
            return await reader.read(100)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()


async def test_the_socket_appears_once_the_server_answers(folder):
    front = Front(folder=str(folder))
    opening = asyncio.ensure_future(front.open())
    done, _ = await asyncio.wait({opening}, timeout=0.1)
    assert not done
    assert not (folder / "s.sock").exists()
    upstream = Upstream(answer=b"hello")
    async with await unix(folder / "box/s.sock", upstream.handle), await serve(await opening, front.handle):
        assert await talk(folder / "s.sock") == b"hello"
        assert stat.S_IMODE((folder / "s.sock").stat().st_mode) == 0o600
    front.remove()
    assert not (folder / "s.sock").exists()


async def test_a_link_to_another_socket_is_not_followed(folder):
    victim = Upstream(answer=b"the neighbour")
    async with await unix(folder / "neighbour.sock", victim.handle):
        upstream = Upstream(answer=b"hello")
        front = Front(folder=str(folder))
        async with await unix(folder / "box/s.sock", upstream.handle):
            listening = await front.open()
        (folder / "box/s.sock").unlink()
        (folder / "box/s.sock").symlink_to(folder / "neighbour.sock")
        async with await serve(listening, front.handle):
            assert await talk(folder / "s.sock") == b""
            assert victim.heard.is_set() is False
            # The control: the proxy itself would have followed it.
            assert await talk(folder / "box/s.sock") == b"the neighbour"
            assert victim.heard.is_set() is True


async def test_a_file_in_place_of_the_socket_is_no_server(folder):
    (folder / "box/s.sock").write_text("")
    opening = asyncio.ensure_future(Front(folder=str(folder)).open())
    done, _ = await asyncio.wait({opening}, timeout=0.2)
    assert not done
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
