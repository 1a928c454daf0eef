"""Kernels that are forked are what kernels that are started would be."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
import websockets

from tests.support.interface import Interface, eventually, interface, kernel_of, write_notebook

FACTS = """
import json, os, random, sys
import numpy as np
import helper
facts = {
    "draws": [random.random(), float(np.random.random())],
    "here": os.getcwd(),
    "helper": helper.ANSWER,
    "parent": os.getppid(),
    "session": os.getsid(0) == os.getpid(),
    "debugger": sys.modules.get("debugpy") is not None,
    "main": sys.modules["__main__"].__dict__ is globals(),
    "profile": os.environ["IPYTHONDIR"],
    "arguments": sys.argv[0],
}
print("FACTS" + json.dumps(facts) + "END")
"""
PLOT = "import matplotlib.pyplot as plt\nimport ipywidgets\nplt.plot([1, 2, 3])\nplt.show()"
LATE_FLUSH = """
import signal, time
from pathlib import Path
kernel = get_ipython().kernel
answer = kernel.control_handlers["shutdown_request"]
async def late(*given):
    await answer(*given)
    Path("ended-as-told").touch()
    time.sleep(0.5)
kernel.control_handlers["shutdown_request"] = late
signal.signal(signal.SIGTERM, lambda *_: Path("ended-by-force").touch())
"""
"""Has the thread that ends the kernel flush when the main thread has long begun to close the output."""
LAST_WORDS = """
import atexit, os
from pathlib import Path
atexit.register(Path(f"ended-{os.getpid()}").touch)
"""
TARGETS = "print(sorted(get_ipython().kernel.comm_manager.targets))"


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Interface]:
    folder = tmp_path / "avi"
    write_notebook(folder / "app.ipynb", "# Facts", FACTS, PLOT, TARGETS)
    (folder / "helper.py").write_text("ANSWER = 42\n")
    (tmp_path / "work").mkdir()
    async with interface(folder, work_dir=tmp_path / "work") as server:
        yield server


def facts_of(page: str) -> dict[str, object]:
    text = page[page.index("FACTS{") + 5 : page.index("}END") + 1]
    return dict(json.loads(text.replace("&#34;", '"').replace("&quot;", '"')))


async def test_forked_kernels_are_like_started_ones(served: Interface, tmp_path: Path) -> None:
    first_page, second_page = await served.page(), await served.page()
    first, second = facts_of(first_page), facts_of(second_page)
    assert first["helper"] == 42
    assert first["here"] == str(tmp_path / "work")
    assert first["session"]
    assert first["main"]
    assert not first["debugger"]
    assert str(Path.home()) not in str(first["profile"])
    assert first["arguments"] == "ipykernel_launcher"
    assert first["parent"] == second["parent"] != served.process.pid  # the nursery
    # Two kernels of one parent draw different numbers, from both generators.
    assert not set(first["draws"]) & set(second["draws"])  # type: ignore[call-overload]
    # A picture, not its text: importing pyplot before the fork can lose inline plots without a word.
    assert '"image/png"' in first_page or "data:image/png" in first_page
    # Without its targets, a page asks for each widget by itself.
    assert "jupyter.widget.control" in first_page


async def test_without_its_nursery_the_server_starts_kernels_slowly(served: Interface) -> None:
    nursery = next(child for child in served.process.children() if os.getsid(child.pid) != child.pid)
    nursery.kill()
    assert facts_of(await served.page())["helper"] == 42


async def test_kernels_end_with_the_server(tmp_path: Path) -> None:
    write_notebook(tmp_path / "app.ipynb", "1 + 1")
    async with interface(tmp_path) as server:
        await server.page()
        family = server.process.children(recursive=True)
        assert len(family) == 2
        server.process.kill()
        await eventually(lambda: not any(lives(member) for member in family))


async def test_a_kernel_that_is_told_to_end_does_so_without_force(tmp_path: Path) -> None:
    write_notebook(tmp_path / "app.ipynb", LATE_FLUSH)
    async with interface(tmp_path) as server:
        await server.page()
        server.process.terminate()
        await eventually(lambda: not lives(server.process))
    assert {path.name for path in tmp_path.glob("ended-*")} == {"ended-as-told"}


async def test_kernels_of_a_server_that_is_told_to_end_may_tidy_up(tmp_path: Path) -> None:
    write_notebook(tmp_path / "app.ipynb", LAST_WORDS)
    async with interface(tmp_path) as server:
        await server.page()
        await server.page()
        server.process.terminate()
        await eventually(lambda: not lives(server.process))
    assert len(list(tmp_path.glob("ended-*"))) == 2


def lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


REFUSED = {
    "execute_request": {"code": "open('mark', 'w')", "silent": False, "user_expressions": {}},
    "complete_request": {"code": "o", "cursor_pos": 1},
    "inspect_request": {"code": "open", "cursor_pos": 1, "detail_level": 1},
    "history_request": {"hist_access_type": "tail", "output": False, "raw": True, "n": 9},
    "is_complete_request": {"code": "1"},
}


def message(kind: str, content: dict[str, object]) -> str:
    header = {
        "msg_id": kind,
        "msg_type": kind,
        "username": "",
        "session": "test",
        "version": "5.3",
        "date": "",
    }
    return json.dumps(
        {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    )


async def replies(server: Interface, *messages: str, last: str) -> list[str]:
    """Send messages to the kernel of a new page; return the kinds of all answers up to the last."""
    kernel = kernel_of(await server.page())
    url = f"{server.url.replace('http', 'ws')}api/kernels/{kernel}/channels?session_id=test"
    headers = {"Authorization": f"token {server.token}"}
    answers: list[str] = []
    async with asyncio.timeout(30), websockets.connect(url, additional_headers=headers) as socket:
        for each in messages:
            await socket.send(each)
        while last not in answers:
            answers.append(json.loads(await socket.recv())["msg_type"])
    return answers


async def test_a_page_may_ask_for_its_widgets_and_nothing_else(tmp_path: Path) -> None:
    write_notebook(tmp_path / "app.ipynb", "1 + 1")
    attempts = [message(kind, content) for kind, content in REFUSED.items()]
    async with interface(tmp_path) as server:
        answers = await replies(server, *attempts, message("comm_info_request", {}), last="comm_info_reply")
    assert not {kind.replace("request", "reply") for kind in REFUSED} & set(answers)
    assert not (tmp_path / "mark").exists()


async def test_with_that_one_message_allowed_the_attack_works(tmp_path: Path) -> None:
    write_notebook(tmp_path / "app.ipynb", "1 + 1")
    careless = {"GAVIP_TEST_ALLOW": "execute_request"}
    program = (
        "import os, runpy, avi_kernel.interface.kernels as kernels;"
        "kernels.ALLOWED_MESSAGES.append(os.environ['GAVIP_TEST_ALLOW']);"
        "runpy.run_module('avi_kernel.interface', run_name='__main__')"
    )
    async with interface(tmp_path, env=careless, program=program) as server:
        await replies(server, message("execute_request", REFUSED["execute_request"]), last="execute_reply")
    assert (tmp_path / "mark").exists()
