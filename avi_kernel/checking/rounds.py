"""`python -m avi_kernel.checking.rounds`: run notebooks again and again in one process, and tell what it holds after each round.

Standard input says which, as JSON. What a round leaves for its page alone, widgets and open figures, is closed behind it:
who reloads a page gets a new process.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from avi_kernel import fast_imports

fast_imports.apply()

import nbformat  # noqa: E402 - after the mend
from nbclient.client import NotebookClient  # noqa: E402 - as above
from nbformat import NotebookNode  # noqa: E402 - as above
from papermill.iorw import load_notebook_node  # noqa: E402 - as above
from papermill.parameterize import parameterize_notebook  # noqa: E402 - as above

from avi_kernel.box.watch import MemoryWatch  # noqa: E402 - as above
from avi_kernel.checking.leaks import is_settled  # noqa: E402 - as above
from avi_kernel.interface.mends import wake_after_send  # noqa: E402 - as above
from avi_kernel.pipelines.kernel_client import RunningKernel  # noqa: E402 - as above
from avi_kernel.pipelines.kernel_process import KernelProcess  # noqa: E402 - as above
from avi_kernel.pipelines.places import JobPlaces  # noqa: E402 - as above
from avi_kernel.protocol.declared import cell_parameters  # noqa: E402 - as above

SHORTEST_ROUND = 0.3
"""Seconds."""
_NO_LIMIT = 10**9
_PUT_AWAY = """
def _put_away():
    import ctypes, gc, sys
    if "ipywidgets" in sys.modules:
        sys.modules["ipywidgets"].Widget.close_all()
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
_put_away(); del _put_away
"""


def read(code: Path, name: str, parameters: dict[str, Any]) -> NotebookNode:
    """Return a notebook with the values of those parameters that it declares."""
    notebook: NotebookNode = load_notebook_node(str((code / name).resolve()))
    declared = {spec.name for spec in cell_parameters((code / name).read_text("utf-8-sig"), name)}
    given = {key: value for key, value in parameters.items() if key in declared}
    notebook.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "Python 3"}
    notebook.metadata["language_info"] = {"name": "python"}
    return parameterize_notebook(notebook, given) if given else notebook


class Rounds:
    """Runs of the same notebooks in one kernel."""

    def __init__(self, *, notebooks: list[NotebookNode], kernel: RunningKernel, number: int) -> None:
        away: NotebookNode = nbformat.v4.new_code_cell(_PUT_AWAY)  # type: ignore[no-untyped-call] # it has no types
        cells = [cell for notebook in notebooks for cell in notebook.cells if cell.cell_type == "code"]
        cells.append(away)
        self._notebook: NotebookNode = nbformat.from_dict({**notebooks[0], "cells": cells})  # type: ignore[no-untyped-call] # it has no types
        self._client = NotebookClient(self._notebook, km=kernel, timeout=None)
        self._watch = MemoryWatch(root=number, limit_mb=_NO_LIMIT)

    async def run(self, *, until: float, tell: Callable[[list[float]], None]) -> None:
        """Tell the MB that were held after each round; the last is the one in which that is clear, or time is up."""
        self._client.kc = await self._client.async_start_new_kernel_client()
        held: list[float] = []
        try:
            while not is_settled(held) and time.monotonic() < until:
                await self._round()
                held.append(self._watch.held_mb())
                tell(held)  # now: the next may not come to an end
        finally:
            self._client.kc.stop_channels()

    async def _round(self) -> None:
        begun = time.monotonic()
        for number, cell in enumerate(self._notebook.cells):
            cell.outputs = []
            await self._client.async_execute_cell(cell, number, store_history=False)
        # What goes on by itself, in threads, gets time to.
        await asyncio.sleep(max(0.0, SHORTEST_ROUND - (time.monotonic() - begun)))


def _write(report: Path, held: list[float]) -> None:
    report.write_text(json.dumps(held), "utf-8")


def main() -> None:
    """Run, and write down what was held."""
    asked = json.load(sys.stdin)
    code = Path(asked["code"])
    wake_after_send()
    places = JobPlaces.of_environment(os.environ)
    for folder in (places.results, places.work):
        folder.mkdir(parents=True, exist_ok=True)
    kernel = KernelProcess.start(cwd=places.work, env=places.child_environment(os.environ))
    manager = RunningKernel(kernel)
    try:
        rounds = Rounds(
            notebooks=[read(code, name, asked["parameters"]) for name in asked["notebooks"]],
            kernel=manager,
            number=kernel.process.pid,
        )
        until = time.monotonic() + asked["seconds"]
        report = Path(asked["report"])
        asyncio.run(rounds.run(until=until, tell=lambda held: _write(report, held)))
    finally:
        manager.close()


if __name__ == "__main__":
    main()
