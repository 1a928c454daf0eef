"""Run an interface notebook cell by cell and turn it into the page, piece by piece."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from dataclasses import dataclass
from json import JSONDecodeError
from pathlib import Path
from typing import Any

import jinja2
import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode
from typing_extensions import override
from voila.execute import VoilaExecutor
from voila.exporter import VoilaExporter

from avi_kernel.interface.assets import OWN

TEMPLATE = "gavip"
DEFAULT_KERNEL = "python3"
KERNEL_LOST = (
    "the kernel of this page has ended, most often because the interface's memory was full. "
    "Close views that you do not need, and reload the page."
)
COMPILED = OWN / "compiled"
"""Where an image has the templates, compiled when it was built."""
REHEARSAL = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {},
    "cells": [{"cell_type": "markdown", "id": "rehearsal", "metadata": {}, "source": "$x$"}],
}
"""A notebook that makes the templates show what they have."""


class Executor(VoilaExecutor):  # type: ignore[misc]  # Voilà has no types
    """Run cells; an error is shown in words, its traceback only to the AVI's developer.

    A traceback quotes the source, and the source of a private AVI is not for its users.
    """

    @override
    def strip_code_cell_errors(self, cell: NotebookNode) -> NotebookNode:
        for output in cell.get("outputs", []):
            if output["output_type"] == "error":
                output["traceback"] = []
        return cell


class CompiledTemplates(jinja2.FileSystemBytecodeCache):
    """Templates that were compiled ahead: 0.12 s of a core less a server. One that changed since is compiled anew, and not kept."""

    @override
    def dump_bytecode(self, _bucket: jinja2.bccache.Bucket) -> None:
        """Keep nothing: the folder is the image's."""


def make_exporter(
    *, template_paths: list[str], compiled: jinja2.BytecodeCache | None = None, **traits: Any
) -> VoilaExporter:
    """Return what turns cells into HTML."""
    exporter = VoilaExporter(
        template_paths=template_paths,
        template_name=TEMPLATE,
        exclude_input=True,
        exclude_output_prompt=True,
        exclude_input_prompt=True,
        **traits,
    )
    exporter.environment.bytecode_cache = compiled or (
        CompiledTemplates(str(COMPILED)) if COMPILED.is_dir() else None
    )
    return exporter


class Unreadable(Exception):
    """The interface's notebook is not one: half saved, or damaged."""


@dataclass(frozen=True, kw_only=True)
class Started:
    """A kernel that answers."""

    kernel_id: str
    manager: Any


class Renderer:
    """Renders one notebook for any number of pages; each page brings its own kernel."""

    def __init__(
        self,
        *,
        notebook: Path,
        exporter: VoilaExporter,
        specs: KernelSpecManager,
        show_tracebacks: bool,
        log: logging.Logger,
        executor: type[Executor] = Executor,
    ) -> None:
        self.notebook = notebook
        self._executor = executor
        self._exporter = exporter
        self._specs = specs
        self._show_tracebacks = show_tracebacks
        self._log = log

    def load(self) -> NotebookNode:
        """Read the notebook, without old outputs, with a kernel that exists here.

        Raises
        ------
        Unreadable
            When the file is no notebook.
        """
        notebook = _read(self.notebook)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = []
                cell.execution_count = None
        spec = notebook.metadata.setdefault("kernelspec", {"name": DEFAULT_KERNEL})
        if spec.get("name") not in self._specs.find_kernel_specs():
            spec["name"] = DEFAULT_KERNEL
        return notebook

    async def warm_up(self, *, page: dict[str, Any]) -> None:
        """Compile the templates by rendering a page of no cells."""
        empty: NotebookNode = nbformat.from_dict(REHEARSAL)  # type: ignore[no-untyped-call]
        async for _ in self._exporter.generate_from_notebook_node(
            empty,
            resources=self._resources(page),
            extra_context=_rehearsal(empty, with_heading(page, empty)),
            page_config={},
        ):
            pass

    def _resources(self, page: dict[str, Any]) -> dict[str, Any]:
        return {
            "metadata": {"name": self.notebook.stem},
            "base_url": page["base_url"],
            "theme": "light",
            "template": TEMPLATE,
        }

    async def pieces(
        self,
        notebook: NotebookNode,
        *,
        kernel: Awaitable[Started],
        page: dict[str, Any],
        page_config: dict[str, Any],
    ) -> AsyncGenerator[str, None]:
        """Yield the page's HTML as it comes: its head at once, then each cell when it has run."""
        run = _Run(
            notebook=notebook,
            kernel=kernel,
            log=self._log,
            show_tracebacks=self._show_tracebacks,
            executor=self._executor,
        )
        async for piece, _ in self._exporter.generate_from_notebook_node(
            notebook,
            resources=self._resources(page),
            extra_context={
                "kernel_start": run.start,
                "cells_as_they_run": run.cells,
                "page": with_heading(page, notebook),
            },
            page_config=page_config,
        ):
            yield piece


class _Run:
    """One page's way through its notebook."""

    def __init__(
        self,
        *,
        notebook: NotebookNode,
        kernel: Awaitable[Started],
        log: logging.Logger,
        show_tracebacks: bool,
        executor: type[Executor],
    ) -> None:
        self._notebook = notebook
        self._kernel = kernel
        self._log = log
        self._show_tracebacks = show_tracebacks
        self._executor_class = executor
        self._executor: Executor

    async def start(self) -> str:
        """Wait for the kernel and return its id."""
        started = await self._kernel
        self._executor = self._executor_class(
            self._notebook, km=started.manager, log=self._log, show_tracebacks=self._show_tracebacks
        )
        self._executor.kc = await self._executor.async_start_new_kernel_client()
        return started.kernel_id

    async def cells(self) -> AsyncIterator[NotebookNode]:
        """Yield each cell once it has run, up to the first that fails."""
        try:
            for index, cell in enumerate(self._notebook.cells):
                failed = await self._run_cell(cell, index)
                yield cell
                if failed:
                    return
        finally:
            self._executor.kc.stop_channels()

    async def _run_cell(self, cell: NotebookNode, index: int) -> bool:
        """Run one cell in place; tell whether the page ends here."""
        try:
            await self._executor.execute_cell(cell, None, index, store_history=False)
        except CellExecutionError as error:
            self._log.warning("Cell %d failed:\n%s", index + 1, error)
            if not self._show_tracebacks:
                self._executor.strip_code_cell_errors(cell)
        except Exception as error:  # noqa: BLE001 - the kernel died, or the platform failed: the page must say so
            self._log.exception("Cell %d could not be run", index + 1)
            cell.outputs = [_as_output(error)]
        else:
            return False
        return True


def _read(path: Path) -> NotebookNode:
    try:
        notebook: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except Exception as error:  # what nbformat raises at strange content is of many kinds
        place = error.__cause__ if isinstance(error.__cause__, JSONDecodeError) else error
        raise Unreadable(f"{path.name} cannot be read as a notebook: {place}.") from error
    return notebook


def with_heading(page: dict[str, Any], notebook: NotebookNode) -> dict[str, Any]:
    """Return the page's frame, with a heading of its own unless the notebook begins with one."""
    first = next(iter(notebook.cells), None)
    titled = first is not None and first.cell_type == "markdown" and first.source.lstrip().startswith("# ")
    return {**page, "heading": not titled}


def _rehearsal(notebook: NotebookNode, page: dict[str, Any]) -> dict[str, Any]:
    """Return what a template is given, without a kernel."""

    async def start() -> str:
        return ""

    async def cells() -> AsyncIterator[NotebookNode]:
        for cell in notebook.cells:
            yield cell

    return {"kernel_start": start, "cells_as_they_run": cells, "page": page}


def _as_output(error: Exception) -> NotebookNode:
    output: NotebookNode = nbformat.from_dict(  # type: ignore[no-untyped-call]
        {
            "output_type": "error",
            "ename": type(error).__name__,
            "evalue": KERNEL_LOST if isinstance(error, DeadKernelError) else str(error),
            "traceback": [],
        }
    )
    return output
