"""Each mend: what stock software does, and what it does mended."""

import asyncio
import select
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import psutil
import pytest
import zmq
import zmq.asyncio
from jupyter_client.channels import AsyncZMQSocketChannel, ZMQSocketChannel
from jupyter_client.session import Session

from avi_kernel.interface import mends
from tests.support.interface import Interface, eventually, interface, kernel_of, write_notebook

WITHOUT = "import sys, nbformat; print(type(sys.modules.get('rfc3987_syntax')).__name__)"
WITH = "from avi_kernel import fast_imports; fast_imports.apply(); " + WITHOUT


@pytest.mark.parametrize(("program", "loaded"), [(WITHOUT, "module"), (WITH, "NoneType")])
def test_the_grammar_is_built_by_stock_imports_only(program: str, loaded: str) -> None:
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == loaded


WHOLE = "import sys, avi_kernel.interface.app; print('sqlalchemy.orm' in sys.modules)"
ALONE = "from avi_kernel.interface import start; start.import_server(); " + WHOLE


@pytest.mark.parametrize(("program", "loaded"), [(WHOLE, "True"), (ALONE, "False")])
def test_the_hubs_database_is_imported_by_stock_imports_only(program: str, loaded: str) -> None:
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == loaded


def test_scopes_are_compared_and_the_real_database_can_be_imported_all_the_same() -> None:
    program = """
from avi_kernel.interface import start
start.import_server()
from jupyterhub.services.auth import HubAuth
for user in ("ann", "bob"):
    print(HubAuth.check_scopes(None, {"access:servers!server=ann/hr"}, {"scopes": [f"access:servers!user={user}"]}))
import sqlalchemy
print(sqlalchemy.select.__name__)
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == ["{'access:servers!server=ann/hr'}", "set()", "select"]


@pytest.fixture
def mended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AsyncZMQSocketChannel, "send", ZMQSocketChannel.send)  # stock, put back afterwards
    mends.wake_after_send()


@pytest.fixture
def stock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AsyncZMQSocketChannel, "send", ZMQSocketChannel.send)


async def _reply_that_came_before_a_send(folder: Path, *, patience: float) -> dict[str, object]:
    """Send while a reply has just arrived and nobody has looked yet: what nbclient's output widget does."""
    session = Session()
    with zmq.Context() as kernel_side, zmq.asyncio.Context() as client_side:
        kernel, client = kernel_side.socket(zmq.ROUTER), client_side.socket(zmq.DEALER)
        client.routing_id = b"page"
        kernel.bind(f"ipc://{folder}/s")
        client.connect(f"ipc://{folder}/s")
        channel = AsyncZMQSocketChannel(client, session, asyncio.get_running_loop())
        try:
            channel.send(session.msg("hello"))
            await asyncio.to_thread(kernel.recv_multipart)
            waiting = asyncio.ensure_future(channel.get_msg())  # with no time limit, as nbclient waits
            await asyncio.sleep(0)  # it waits now
            session.send(kernel, session.msg("reply"), ident=b"page")
            select.select(
                [client.FD], [], [], 3
            )  # the reply is here, and this thread has not let the loop look
            time.sleep(0.01)  # noqa: ASYNC251 - libzmq looks at what came only if its last look was a while ago
            channel.send(session.msg("state"))
            async with asyncio.timeout(patience):
                return await waiting
        finally:
            kernel.close(0)
            client.close(0)


async def test_stock_send_eats_the_wake_up(stock: None, tmp_path: Path) -> None:
    with pytest.raises(TimeoutError):
        await _reply_that_came_before_a_send(tmp_path, patience=0.5)


async def test_mended_send_wakes_who_waits(mended: None, tmp_path: Path) -> None:
    assert (await _reply_that_came_before_a_send(tmp_path, patience=10))["msg_type"] == "reply"


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Interface]:
    write_notebook(tmp_path / "app.ipynb", "# Hello", "1 + 1")
    async with interface(tmp_path) as server:
        yield server


async def _leave(server: Interface, kernel: str, *, origin: str) -> int:
    """Say what a page that goes away says, as a browser says it."""
    async with httpx.AsyncClient(base_url=server.url) as browser:
        await browser.get("", params={"token": server.token})  # a cookie, as a browser has one
        answer = await browser.post(
            f"voila/api/shutdown/{kernel}", headers={"Origin": origin}, files={"_xsrf": (None, "")}
        )
    return answer.status_code


async def test_a_page_that_goes_away_ends_its_kernel(served: Interface) -> None:
    kernel = kernel_of(await served.page())
    assert len(served.kernels()) == 1
    assert await _leave(served, kernel, origin=served.origin) == 204
    await eventually(lambda: not served.kernels())


async def test_another_origin_cannot_end_a_kernel(served: Interface) -> None:
    kernel = kernel_of(await served.page())
    assert await _leave(served, kernel, origin="http://other.example") == 403
    assert len(served.kernels()) == 1


async def test_stock_voila_keeps_the_kernel(tmp_path: Path, free_address: Callable[[], int]) -> None:
    notebook = write_notebook(tmp_path / "app.ipynb", "# Hello", "1 + 1")
    port = free_address()
    stock = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "voila", "--no-browser", f"--port={port}", "--token=t", str(notebook)),
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(60):
            while b"is running" not in await stock.stderr.readline():
                pass
        server = Interface(f"http://127.0.0.1:{port}/?token=t", psutil.Process(stock.pid))
        reading = asyncio.create_task(stock.stderr.read())
        kernel = kernel_of(await server.page())
        assert await _leave(server, kernel, origin=server.origin) == 403
        assert (
            len(server.process.children(recursive=True)) == 2
        )  # the one that was left, and that of the visit
    finally:
        stock.terminate()
        await stock.wait()
        await reading
