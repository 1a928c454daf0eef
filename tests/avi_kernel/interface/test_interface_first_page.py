"""The page that a server begins before its reader has come."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest

from tests.support.interface import Interface, eventually, interface, kernel_of, write_notebook

AHEAD = """
import dataclasses, sys
from avi_kernel.interface import options, page_runs, start
alone = options.standalone
options.standalone = lambda **given: dataclasses.replace(alone(**given), first_page_ahead=True)
page_runs.FRESH = {fresh}
start.serve(sys.argv[1:])
"""
"""Begins as behind the Hub, of which the rest is not needed here."""
ASKED = "import os; print(f'asked with [{os.environ[\"QUERY_STRING\"]}]')"


def ahead(folder: Path, *, fresh: float = 60) -> AbstractAsyncContextManager[Interface]:
    return interface(folder, program=AHEAD.format(fresh=fresh))


@pytest.fixture
async def begun(tmp_path: Path) -> AsyncIterator[Interface]:
    write_notebook(tmp_path / "app.ipynb", "# Hello", ASKED, "raise ValueError('no star')")
    async with ahead(tmp_path) as server:
        await eventually(lambda: len(server.kernels()) == 1)
        yield server


async def test_its_first_reader_gets_it_and_the_next_one_of_their_own(begun: Interface) -> None:
    (kernel,) = begun.kernels()
    first = await begun.page()
    assert "asked with []" in first
    assert "no star" in first
    assert begun.kernels() == [kernel]
    second = await begun.page()
    assert kernel_of(second) != kernel_of(first)
    assert len(begun.kernels()) == 2


async def test_who_asks_for_another_page_gets_that_and_the_one_begun_ends(begun: Interface) -> None:
    (kernel,) = begun.kernels()
    async with begun.client() as client:
        answer = await client.get("", params={"star": "5"})
    assert "asked with [star=5]" in answer.text
    await eventually(lambda: not kernel.is_running())
    assert len(begun.kernels()) == 1


async def test_a_stranger_does_not_get_it(begun: Interface) -> None:
    async with begun.client(known=False) as stranger:
        answer = await stranger.get("")
    assert answer.status_code in {httpx.codes.FOUND, httpx.codes.FORBIDDEN}
    assert "asked with []" in await begun.page()


async def test_it_does_not_wait_for_ever(tmp_path: Path) -> None:
    write_notebook(tmp_path / "app.ipynb", "import time\ntime.sleep(600)")
    async with ahead(tmp_path, fresh=1) as server:
        await eventually(lambda: len(server.kernels()) == 1)
        await eventually(lambda: not server.kernels())


async def test_a_reader_who_leaves_in_the_middle_of_it_ends_it(tmp_path: Path) -> None:
    write_notebook(tmp_path / "app.ipynb", "import time\ntime.sleep(600)")
    async with ahead(tmp_path) as server:
        await eventually(lambda: len(server.kernels()) == 1)
        async with server.client() as impatient, impatient.stream("GET", "") as answer:
            await anext(answer.aiter_raw())
        await eventually(lambda: not server.kernels())
