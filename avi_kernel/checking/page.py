"""`python -m avi_kernel.checking.page FOLDER NOTEBOOK WORK REPORT`: render one page as its reader would get it, and tell of errors.

A program of its own, since a server's kernels are forked before anything else runs in it.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from avi_kernel import fast_imports

fast_imports.apply()

from nbformat import NotebookNode  # noqa: E402 - after the mend
from tornado.ioloop import IOLoop  # noqa: E402 - as above
from typing_extensions import override  # noqa: E402 - as above

from avi_kernel.interface import forking, options  # noqa: E402 - as above
from avi_kernel.interface.start import import_server  # noqa: E402 - as above
from avi_kernel.pipelines import failures  # noqa: E402 - as above
from avi_kernel.protocol.runs import JobError  # noqa: E402 - as above


def main(folder: Path, notebook: str, work: Path, report: Path) -> None:
    """Render, and write down how it went."""
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry) != Path.cwd()]
    chosen = options.standalone(folder=folder, port=0, work_dir=work)
    nursery = forking.Nursery.start(modules=forking.wanted(folder)) if forking.available() else None
    import_server()
    from avi_kernel.interface.app import InterfaceServer  # noqa: PLC0415 - after the fork

    class OnePage(InterfaceServer):
        """Is made like any other, and then renders instead of listening."""

        @override
        def listen(self) -> None:
            self.ioloop = IOLoop.current()
            try:
                told = self.ioloop.run_sync(lambda: _rendered(self, folder / notebook))
            finally:
                self.stop()
            report.write_text(json.dumps(told), "utf-8")

    server = OnePage(options=chosen, nursery=nursery)
    server.initialize([])
    server.start()


async def _rendered(server: Any, path: Path) -> dict[str, Any]:
    from avi_kernel.interface.page_runs import PageRun  # noqa: PLC0415 - as above
    from avi_kernel.interface.rendering import Executor  # noqa: PLC0415 - as above

    executors: list[Executor] = []

    class Watched(Executor):
        """Can be asked for its widgets afterwards."""

        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            executors.append(self)

    renderer = server.renderer_of(path, executor=Watched)
    await renderer.warm_up(page=server.page({}))
    notebook = renderer.load()
    begun = time.monotonic()
    run = PageRun.of(server, renderer, notebook)
    try:
        size = sum([len(piece) async for piece in run.pieces])
    finally:
        await run.abandon()
    seconds = time.monotonic() - begun
    error = error_in_cells(notebook, path.name) or error_in_widgets(executors, path.name)
    return {"seconds": seconds, "characters": size, "error": error.model_dump() if error else None}


def error_in_cells(notebook: NotebookNode, name: str) -> JobError | None:
    """Return the first error that a cell puts out."""
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output["output_type"] == "error":
                return _error(output, name, cell=number, source=cell.source)
    return None


def error_in_widgets(executors: list[Any], name: str) -> JobError | None:
    """Return the first error that is shown inside a widget."""
    states = [state for executor in executors for state in executor.widget_state.values()]
    for state in states:
        for output in state.get("outputs") or []:
            if isinstance(output, dict) and output.get("output_type") == "error":
                return _error(output, f"{name}, in an Output widget", cell=None, source="")
    return None


def _error(output: Any, step: str, *, cell: int | None, source: str) -> JobError:
    return failures.raised(
        step=step,
        cell=cell,
        source=source,
        ename=str(output.get("ename", "")),
        evalue=str(output.get("evalue", "")),
        traceback="\n".join(map(str, output.get("traceback", []))),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
