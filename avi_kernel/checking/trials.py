"""Runs of a check: pages rendered, pipelines run on their tests' values, and both in rounds."""

import asyncio
import json
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from pydantic import ValidationError

from avi_kernel.checking.calls import Calls
from avi_kernel.checking.meter import Meter
from avi_kernel.checking.programs import run_program
from avi_kernel.checking.surroundings import Surroundings
from avi_kernel.protocol.api import JobSubmit, JobView, Profile
from avi_kernel.protocol.expressions import BadExpression, memory_of
from avi_kernel.protocol.manifest import PipelineSpec
from avi_kernel.protocol.pipeline_tests import PipelineTest
from avi_kernel.protocol.runs import RESULTS_FOLDER, JobError
from avi_kernel.standalone.local_jobs import LocalJobs
from avi_kernel.standalone.server import LocalApi

OWNER = "checker"
DEFAULTS = "defaults"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One run of a page or a pipeline."""

    name: str
    """Of the notebook or the pipeline."""
    test: str = ""
    seconds: float
    memory_mb: float | None = None
    asked_mb: float | None = None
    error: JobError | None = None
    undeclared: bool = False
    """Whether it called a host that is not declared."""
    view: JobView | None = None
    results: Path | None = None

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"{self.name} ({self.test})" if self.test else self.name


class Trials:
    """Makes the runs of one check.

    Parameters
    ----------
    avi
        The AVI's name.
    """

    def __init__(self, *, avi: str, surroundings: Surroundings, calls: Calls) -> None:
        self._avi = avi
        self._around = surroundings
        self._calls = calls

    @asynccontextmanager
    async def _platform(self, run: Path, role: str) -> AsyncIterator[tuple[LocalJobs, dict[str, str]]]:
        """Serve a little platform to one run; yield its jobs and the environment of what asks it."""
        jobs = LocalJobs(folder=self._around.folder, avi=self._avi, owner=OWNER, own=run)
        profile = Profile(name=OWNER, roles=[role], avi=self._avi)
        api = LocalApi(jobs=jobs, token=secrets.token_urlsafe(24), profile=profile).listen()
        jobs.environ = self._around.environment(run, role=role, api=jobs.api_url)
        jobs.work.mkdir(parents=True)
        asking = {"GAVIP_API_URL": jobs.api_url, "GAVIP_TOKEN": api.token, "GAVIP_AVI": self._avi}
        try:
            yield jobs, {**jobs.environ, **asking, "GAVIP_ATTEMPT_DIR": str(run)}
        finally:
            await api.close()

    async def page(self, notebook: str, *, role: str, asked_mb: float, seconds: float) -> Trial:
        """Render an interface notebook as the interface's server does."""
        run, before = self._around.fresh("page"), self._calls.undeclared()
        report = run / "page.json"
        command = (sys.executable, "-m", "avi_kernel.checking.page", str(self._around.folder), notebook)
        async with self._platform(run, role) as (jobs, env):
            ended = await run_program(
                [*command, str(jobs.work), str(report)],
                cwd=jobs.work,
                env=env,
                log=run / "log.txt",
                seconds=seconds,
            )
        told = _read(report)
        if not ended.in_time:
            error: JobError | None = JobError(
                code="time_limit", message=f"{notebook} was not rendered after {seconds:.0f} s"
            )
        elif told is None:
            error = JobError(
                code="exited",
                message=f"{notebook}: its server ended before the page was whole",
                traceback=ended.printed,
            )
        else:
            error = _error_in(told)
        return Trial(
            name=notebook,
            seconds=float(told["seconds"]) if isinstance(told, dict) else ended.seconds,
            memory_mb=ended.memory_mb,
            asked_mb=asked_mb,
            error=error,
            undeclared=self._calls.undeclared() > before,
        )

    async def pipeline(self, spec: PipelineSpec, test: PipelineTest, *, seconds: float) -> Trial:
        """Run a pipeline with the values of one test."""
        run, before, begun = self._around.fresh(spec.name), self._calls.undeclared(), monotonic()
        async with self._platform(run, "scientist") as (jobs, _):
            request = JobSubmit(avi=self._avi, pipeline=spec.name, parameters=test.parameters)
            job = await jobs.submit(request)
            async with Meter(jobs.process_number(job.id)) as meter:
                view = await _ended(jobs, job.id, seconds)
            error = view.error
            if view.phase == "ABORTED":
                error = JobError(
                    code="time_limit", message=f"{spec.name} was still running after {seconds:.0f} s"
                )
            return Trial(
                name=spec.name,
                test=test.title,
                seconds=monotonic() - begun,
                memory_mb=meter.measured_mb,
                asked_mb=asked_memory(spec, view),
                error=error,
                undeclared=self._calls.undeclared() > before,
                view=view,
                results=jobs.store.attempt(job.id) / RESULTS_FOLDER,
            )

    async def rounds(
        self, notebooks: list[str], *, parameters: dict[str, object], role: str, seconds: float
    ) -> list[float]:
        """Run notebooks again and again in one process; return the MB that it held after each round."""
        run = self._around.fresh("rounds")
        report = run / "held.json"
        asked = {
            "code": str(self._around.folder),
            "notebooks": notebooks,
            "parameters": parameters,
            "seconds": seconds,
            "report": str(report),
        }
        async with self._platform(run, role) as (jobs, env):
            await run_program(
                [sys.executable, "-m", "avi_kernel.checking.rounds"],
                cwd=jobs.work,
                env=env,
                log=run / "log.txt",
                seconds=2 * seconds,
                question=json.dumps(asked).encode(),
            )
        held = _read(report)
        return [float(each) for each in held] if isinstance(held, list) else []


async def _ended(jobs: LocalJobs, job: str, seconds: float) -> JobView:
    """Wait for a job's end, and end it with all its processes when its time is up."""
    ending = asyncio.create_task(jobs.ended(job))
    done, _ = await asyncio.wait({ending}, timeout=seconds)
    if not done:
        await jobs.cancel(job)
    return await ending


def asked_memory(spec: PipelineSpec, view: JobView) -> float | None:
    """Return the MB that its author asks for with these parameters; None where nothing is said."""
    memory = spec.resources.memory
    try:
        return memory_of(memory, view.parameters) if isinstance(memory, str) else memory
    except BadExpression:
        return None


def _read(report: Path) -> object:
    """Return what a program left; None where it left nothing that can be read."""
    try:
        return json.loads(report.read_text("utf-8"))
    except (OSError, ValueError):
        return None


def _error_in(told: object) -> JobError | None:
    try:
        return JobError.model_validate(told["error"]) if isinstance(told, dict) and told["error"] else None
    except (KeyError, ValidationError):
        return JobError(code="exited", message="the page's program left no report that can be read")
