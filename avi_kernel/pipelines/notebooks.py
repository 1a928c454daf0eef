"""Run a pipeline of notebooks, one after the other, by papermill."""

import logging
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError
from papermill.execute import execute_notebook
from pydantic import JsonValue

from avi_kernel.pipelines import failures
from avi_kernel.pipelines.failures import PipelineFailed
from avi_kernel.pipelines.kernel_client import KERNEL, KernelSilent, RunningKernel
from avi_kernel.pipelines.kernel_process import KernelProcess
from avi_kernel.pipelines.places import JobPlaces
from avi_kernel.protocol.declared import cell_parameters
from avi_kernel.protocol.runs import JobError, Progress
from avi_kernel.reporter import Report

INJECTED = "injected-parameters"
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_START_PATIENCE = 120
# It warns of parameters that it does not find itself, such as those with no default; ours are checked already.
logging.getLogger("papermill").setLevel(logging.ERROR)


class CellFollower:
    """Turns the hooks of nbclient into progress, and remembers the cell that runs."""

    def __init__(self, *, step: str, part: tuple[float, float], report: Report) -> None:
        self.step = step
        self._part = part
        self._report = report
        self._heading = ""
        self.cell: Any = None
        self.done = 0
        self.cells = 0
        self.index = -1

    def notebook_started(self, notebook: Any) -> None:
        """Count what is to come."""
        self.cells = sum(cell.cell_type == "code" for cell in notebook.cells)
        self._tell()

    def cell_started(self, cell: Any, cell_index: int) -> None:  # noqa: ARG002 - nbclient's names
        """Remember where we are; a heading above a cell says what it does."""
        if INJECTED not in cell.metadata.get("tags", []):
            self.index += 1
        self.cell = cell
        if cell.cell_type == "markdown" and (heading := _HEADING.search(cell.source)):
            self._heading = heading.group(1)
        self._tell()

    def cell_executed(self, cell: Any, cell_index: int, execute_reply: Any) -> None:  # noqa: ARG002 - as above
        """One more is done."""
        self.done += 1
        self._tell()

    def _tell(self) -> None:
        start, span = self._part
        self._report(
            Progress(
                fraction=min(1.0, start + span * self.done / max(1, self.cells)),
                message=self._heading[:500],
                step=self.step[:200],
                cell=self.index if self.index >= 0 else None,
                cells=self.cells,
            ),
            (start, span),
        )


class NotebookPipeline:
    """The notebooks of one job.

    Parameters
    ----------
    first
        A kernel that boots already, for the first notebook.
    start_kernel
        Starts one for each further notebook.
    """

    def __init__(
        self,
        *,
        places: JobPlaces,
        report: Report,
        first: KernelProcess,
        start_kernel: Callable[[], KernelProcess],
    ) -> None:
        self._places = places
        self._report = report
        self._kernel: KernelProcess | None = first
        self._start_kernel = start_kernel
        self.titles: dict[str, str] = {}

    def run(self, paths: list[str], parameters: Mapping[str, JsonValue]) -> None:
        """Run the notebooks in order; each sees what those before it left among the results.

        Raises
        ------
        PipelineFailed
            With the step, the cell and its error.
        """
        for number, path in enumerate(paths):
            part = (number / len(paths), 1 / len(paths))
            kernel = self._kernel or self._start_kernel()
            self._kernel = None
            self._step(path, parameters, part, RunningKernel(kernel))

    def _step(
        self, path: str, parameters: Mapping[str, JsonValue], part: tuple[float, float], kernel: RunningKernel
    ) -> None:
        source = self._places.code / path
        follower = CellFollower(step=source.stem, part=part, report=self._report)
        output = self._places.results / f"{source.stem}.ipynb"
        self.titles[output.name] = f"Executed notebook: {source.stem}"
        declared = {spec.name for spec in cell_parameters(source.read_text("utf-8-sig"), path)}
        given = {name: value for name, value in parameters.items() if name in declared}
        try:
            self._execute(source, output, given, follower, kernel)
        except PapermillExecutionError as error:
            raise PipelineFailed(_failed_cell(follower, error)) from None
        except KernelSilent as silent:
            raise PipelineFailed(failures.not_started(follower.step, str(silent))) from silent
        except DeadKernelError as error:
            raise PipelineFailed(_dead_kernel(follower, kernel.exit_code or 0)) from error
        finally:
            kernel.close()

    def _execute(
        self,
        source: Path,
        output: Path,
        parameters: dict[str, JsonValue],
        follower: CellFollower,
        kernel: RunningKernel,
    ) -> None:
        execute_notebook(
            _literal_path(source),
            _literal_path(output),
            parameters,
            kernel_name=KERNEL,
            language="python",
            progress_bar=False,
            start_timeout=_START_PATIENCE,
            km=kernel,
            on_notebook_start=follower.notebook_started,
            on_cell_start=follower.cell_started,
            on_cell_executed=follower.cell_executed,
        )


def _literal_path(path: Path) -> str:
    """Papermill fills `{name}` in paths from parameters: ours are meant as they stand."""
    return str(path.resolve()).replace("{", "{{").replace("}", "}}")


def _failed_cell(follower: CellFollower, error: PapermillExecutionError) -> JobError:
    return failures.raised(
        step=follower.step,
        cell=follower.index,
        source=error.source,
        ename=error.ename,
        evalue=error.evalue,
        traceback="\n".join(error.traceback),
    )


def _dead_kernel(follower: CellFollower, exit_code: int) -> JobError:
    cell = follower.index if follower.index >= 0 else None
    source = follower.cell.source if follower.cell else ""
    return failures.died(step=follower.step, cell=cell, source=source, exit_code=exit_code)
