"""A real interface server for tests, standalone: its own process, a folder, a token."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import nbformat
import psutil

Cell = str
"""Source of a code cell; one that begins with `#` and a space is markdown."""


def write_notebook(path: Path, *cells: Cell, kernel: str = "python3") -> Path:
    """Write a notebook of these cells."""
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": kernel, "display_name": kernel}})
    notebook.cells = [
        nbformat.v4.new_markdown_cell(cell) if cell.startswith("# ") else nbformat.v4.new_code_cell(cell)
        for cell in cells
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


@dataclass(frozen=True)
class Interface:
    """A server that runs."""

    address: str
    """With the token."""
    process: psutil.Process

    @property
    def url(self) -> str:
        """Without the token, with a slash at the end."""
        return self.address.split("?")[0]

    @property
    def token(self) -> str:
        return parse_qs(urlsplit(self.address).query)["token"][0]

    @property
    def origin(self) -> str:
        return self.url.rstrip("/")

    def client(self, *, known: bool = True) -> httpx.AsyncClient:
        """Return a client; a known one brings the token as a program would."""
        headers = {"Authorization": f"token {self.token}"} if known else {}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=60)

    async def page(self) -> str:
        """Return the whole page, with a kernel of its own."""
        async with self.client() as client:
            answer = await client.get("")
        assert answer.status_code == 200, answer.text
        return answer.text

    def kernels(self) -> list[psutil.Process]:
        """Return the processes that are kernels."""
        return kernels_below(self.process)


def kernels_below(server: psutil.Process) -> list[psutil.Process]:
    """Return a server's kernels: they lead a session each, the nursery does not."""
    return [child for child in server.children(recursive=True) if _leads_a_session(child.pid)]


def _leads_a_session(pid: int) -> bool:
    try:
        return os.getsid(pid) == pid
    except ProcessLookupError:  # it ended since it was listed
        return False


def kernel_of(page: str) -> str:
    """Return the id of the kernel that a page was given."""
    start = page.index('id="jupyter-config-data"')
    config = page[page.index(">", start) + 1 : page.index("</script>", start)]
    return str(json.loads(config)["kernelId"])


@asynccontextmanager
async def interface(
    folder: Path,
    *,
    work_dir: Path | None = None,
    env: Mapping[str, str] | None = None,
    program: str | None = None,
) -> AsyncIterator[Interface]:
    """Serve a folder until the end of the block; `program` is Python to run in place of the module."""
    what = ["-c", program] if program else ["-m", "avi_kernel.interface"]
    work = ["--work-dir", str(work_dir)] if work_dir else []
    process = subprocess.Popen(
        [sys.executable, *what, "--standalone", "--folder", str(folder), *work],
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:  # closes the pipe, which kernels hold too
        try:
            async with asyncio.timeout(60):
                line = await asyncio.to_thread(process.stdout.readline)
            assert line, "the interface server did not start"
            yield Interface(line.strip(), psutil.Process(process.pid))
        finally:
            process.terminate()


async def eventually(check: object, *, within: float = 15.0) -> None:
    """Wait until something holds that nobody announces."""
    async with asyncio.timeout(within):
        while not check():
            await asyncio.sleep(0.05)
