"""One execution of one pipeline, from its document to its outcome."""

import sys
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from pydantic import JsonValue

from avi_kernel.pipelines import failures
from avi_kernel.pipelines.failures import PipelineFailed
from avi_kernel.pipelines.kernel_process import KernelProcess
from avi_kernel.pipelines.places import JobPlaces
from avi_kernel.pipelines.queries import read_queries
from avi_kernel.pipelines.results import describe_results, read_titles
from avi_kernel.protocol.input_files import SPACE_VARIABLE, absolute
from avi_kernel.protocol.parameters import ParameterProblem, check_parameters
from avi_kernel.protocol.runs import JobDocument, JobError, Outcome, Progress
from avi_kernel.reporter import Platform, Report, Reporter


class Execution:
    """Runs what a document asks for, and turns whatever happens into an outcome."""

    def __init__(
        self,
        *,
        document: JobDocument,
        places: JobPlaces,
        environ: Mapping[str, str],
        first_kernel: KernelProcess | None,
        start_kernel: Callable[[], KernelProcess],
    ) -> None:
        self._document = document
        self._places = places
        self._environ = environ
        self._first_kernel = first_kernel
        self._start_kernel = start_kernel
        self._titles: dict[str, str] = {}

    def outcome(self, platform: Platform, started: datetime) -> Outcome:
        """Run the pipeline while reporting, and describe how it ended."""
        with Reporter(
            send=platform.progress, heartbeat=self._document.heartbeat, notes=self._places.notes
        ) as reporter:
            error = self._error_of_run(reporter)
            if error is None:
                reporter.report(Progress(fraction=1.0, message="collecting results"))
            titles = {**self._titles, **read_titles(self._places.titles)}
            results = describe_results(self._places.results, titles)
        return Outcome(
            status="error" if error else "completed",
            results=results,
            error=error,
            queries=read_queries(self._places.queries),
            started_at=started,
            ended_at=datetime.now(UTC),
        )

    def _error_of_run(self, reporter: Reporter) -> JobError | None:
        try:
            parameters = check_parameters(self._document.pipeline.parameters, self._document.parameters)
            self._run(reporter, self._with_files(parameters))
        except ParameterProblem as problem:
            return JobError(code="bad_parameters", message=f"{problem.field}: {problem}"[:2000])
        except PipelineFailed as failed:
            sys.stderr.write(f"\n{failed.error.traceback}\ngavip: {failed.error.message}\n")
            return failed.error
        except Exception as error:  # noqa: BLE001 - the job's owner is told whatever it was
            return failures.raised(
                step="",
                source="",
                ename=type(error).__name__,
                evalue=str(error),
                traceback=traceback.format_exc(),
            )
        return None

    def _with_files(self, parameters: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """Return the parameters with files where they lie in this container."""
        specs = self._document.pipeline.parameters
        files = [spec.name for spec in specs if spec.type == "file"]
        return absolute(parameters, files, space=self._environ.get(SPACE_VARIABLE, ""))

    def _run(self, reporter: Reporter, parameters: Mapping[str, JsonValue]) -> None:
        def report(progress: Progress, part: tuple[float, float]) -> None:
            self._places.notes.unlink(missing_ok=True)
            reporter.report(progress, part)

        if self._document.pipeline.kind == "environment":
            self._build_environment(report)
        elif self._document.pipeline.kind == "check":
            self._check(report)
        elif self._document.pipeline.kind == "luigi":
            self._run_graph(report, parameters)
        else:
            self._run_notebooks(report, parameters)

    def _build_environment(self, report: Report) -> None:
        from avi_kernel.building.build import EnvironmentBuild  # noqa: PLC0415 - each kind loads its own libraries

        self._end_first_kernel()
        build = EnvironmentBuild(
            code=self._places.code,
            results=self._places.results,
            report=report,
            index=self._environ["GAVIP_PACKAGE_INDEX"],
            environ=self._places.child_environment(self._environ),
        )
        self._titles = build.titles
        build.run(self._document.pipeline.path)

    def _check(self, report: Report) -> None:
        from avi_kernel.checking.job import leave_scorecard  # noqa: PLC0415 - as above

        self._end_first_kernel()
        leave_scorecard(
            code=self._places.code,
            results=self._places.results,
            report=report,
            seconds=self._document.time_limit,
            environ=self._places.child_environment(self._environ),
        )

    def _run_graph(self, report: Report, parameters: Mapping[str, JsonValue]) -> None:
        from avi_kernel.pipelines.graphs import GraphPipeline  # noqa: PLC0415 - as above

        self._end_first_kernel()
        pipeline = GraphPipeline(places=self._places, report=report, environ=self._environ)
        pipeline.run(self._document.pipeline, parameters)

    def _run_notebooks(self, report: Report, parameters: Mapping[str, JsonValue]) -> None:
        from avi_kernel.pipelines.notebooks import NotebookPipeline  # noqa: PLC0415 - as above

        first = self._first_kernel or self._start_kernel()
        pipeline = NotebookPipeline(
            places=self._places, report=report, first=first, start_kernel=self._start_kernel
        )
        self._titles = pipeline.titles
        pipeline.run([*self._document.pipeline.steps, self._document.pipeline.path], parameters)

    def _end_first_kernel(self) -> None:
        """End the kernel that began beside this: it is not needed."""
        if self._first_kernel is not None:
            self._first_kernel.close()
