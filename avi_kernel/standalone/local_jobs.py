"""Jobs of one AVI folder, run by the same runner as on a platform, with everything below `FOLDER/.gavip`."""

import asyncio
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from avi_kernel.protocol.api import JobSubmit, JobView, Phase
from avi_kernel.protocol.folder import read_release
from avi_kernel.protocol.manifest import PipelineSpec
from avi_kernel.protocol.parameters import check_parameters
from avi_kernel.protocol.runs import LOG_FILE, OUTCOME_FILE, JobDocument, JobError, Outcome, Progress
from avi_kernel.standalone.store import FINAL, LocalStore, Unknown

OWN_FOLDER = ".gavip"
VERSION = "dev"
_MEMORY_MB = 512
_HEARTBEAT = 5.0
_PATIENCE = 5.0
_LACK = "It was killed (signal 9): mostly for want of memory. Give it less to do, or more memory."


def leave_out_of_git(own: Path) -> None:
    """Have git leave this folder alone; a container may have written what is there, which is not followed."""
    with suppress(FileExistsError), (own / ".gitignore").open("x") as ignored:
        ignored.write("*\n")


class NotNow(Exception):
    """What was asked does not fit the job's present state."""


class LocalJobs:
    """Starts, watches and ends the jobs of one folder.

    Parameters
    ----------
    folder
        The AVI's; read again for each job, so that what its developer just changed is what runs.
    avi
        Its name.
    owner
        Who the jobs are said to belong to.
    own
        Where everything goes that is made; default: `.gavip` in the folder.
    environ
        What the jobs find in their environment; default: what is in ours.
    """

    def __init__(
        self,
        *,
        folder: Path,
        avi: str,
        owner: str,
        own: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.avi = avi
        self.owner = owner
        self.own = own or self.folder / OWN_FOLDER
        self.environ = environ
        self.api_url = ""
        """Where the jobs report to; set once the server listens."""
        self.store = LocalStore(self.own / "jobs")
        self._documents: dict[str, JobDocument] = {}
        self._tokens: dict[str, str] = {}
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}

    @property
    def work(self) -> Path:
        """The folder that is the user's `avis/<avi>` on a platform."""
        return self.own / "work"

    async def submit(self, request: JobSubmit) -> JobView:
        """Make a job, and start it unless the request says otherwise."""
        pipelines = {each.name: each for each in read_release(self.folder).pipelines}
        spec = pipelines.get(request.pipeline) if request.avi == self.avi else None
        if spec is None:
            known = ", ".join(pipelines) or "none"
            raise Unknown(f"There is no pipeline {request.pipeline} here; {self.avi} has: {known}.")
        view = self.store.save(self._view(request, spec))
        self._documents[view.id] = _document(view, spec)
        return await self.start(view.id) if request.start else view

    def _view(self, request: JobSubmit, spec: PipelineSpec) -> JobView:
        memory = spec.resources.memory
        return JobView(
            id=secrets.token_hex(6),
            owner=self.owner,
            avi=self.avi,
            version=VERSION,
            pipeline=spec.name,
            title=spec.title,
            parameters=check_parameters(spec.parameters, request.parameters),
            phase=Phase.PENDING,
            state="PENDING",
            memory_mb=request.memory_mb or (memory if isinstance(memory, int) else _MEMORY_MB),
            memory_source="user" if request.memory_mb else "author",
            cpu=spec.resources.cpu,
            time_limit=spec.resources.time_limit,
            created_at=datetime.now(UTC),
            again_of=request.again_of,
        )

    async def start(self, job: str) -> JobView:
        """Start a job that was made but not started."""
        if self.store.get(job).phase != Phase.PENDING:
            raise NotNow(f"Job {job} was started already.")
        attempt = self.store.attempt(job)
        attempt.mkdir(parents=True)
        self.work.mkdir(parents=True, exist_ok=True)
        leave_out_of_git(self.own)
        self._tokens[job] = secrets.token_urlsafe(24)
        now = datetime.now(UTC)
        view = self.store.change(job, phase=Phase.EXECUTING, state="RUNNING", queued_at=now, started_at=now)
        with (attempt / LOG_FILE).open("wb") as log:
            self._processes[job] = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "avi_kernel", "run"),
                cwd=self.work,
                env=self._environment(job),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._watches[job] = asyncio.create_task(self._watch(job))
        return view

    def _environment(self, job: str) -> dict[str, str]:
        outer = os.environ if self.environ is None else self.environ
        kept = {name: value for name, value in outer.items() if not name.startswith("JUPYTERHUB_")}
        return {
            **kept,
            "GAVIP_API_URL": self.api_url,
            "GAVIP_TOKEN": self._tokens[job],
            "GAVIP_USER": self.owner,
            "GAVIP_USER_SPACE": str(self.own),
            "GAVIP_WORK_DIR": str(self.work),
            "GAVIP_AVI": self.avi,
            "GAVIP_AVI_VERSION": VERSION,
            "GAVIP_CODE_DIR": str(self.folder),
            "GAVIP_ATTEMPT_DIR": str(self.store.attempt(job)),
        }

    async def _watch(self, job: str) -> None:
        """Wait for the runner's end, and for the time limit."""
        process = self._processes[job]
        limit = self._documents[job].time_limit
        error: JobError | None = None
        try:
            await asyncio.wait_for(process.wait(), limit)
        except TimeoutError:
            error = JobError(code="time_limit", message=f"it ran longer than its time limit of {limit} s")
            await self._end(job)
        if self.store.get(job).phase == Phase.ABORTED:
            return
        outcome = self._outcome(job)
        error = error or (outcome.error if outcome else _vanished(process.returncode))
        phase = Phase.ERROR if error else Phase.COMPLETED
        self.store.change(
            job,
            phase=phase,
            state=phase.value,
            error=error,
            reason="",
            fraction=self.store.get(job).fraction if error else 1.0,
            results=outcome.results if outcome else [],
            ended_at=datetime.now(UTC),
        )

    def _outcome(self, job: str) -> Outcome | None:
        try:
            text = (self.store.attempt(job) / OUTCOME_FILE).read_text("utf-8")
            return Outcome.model_validate_json(text)
        except (OSError, ValidationError):
            return None

    async def cancel(self, job: str) -> JobView:
        """End a job."""
        if self.store.get(job).phase in FINAL:
            raise NotNow(f"Job {job} has ended already.")
        view = self.store.change(
            job, phase=Phase.ABORTED, state="ABORTED", reason="", ended_at=datetime.now(UTC)
        )
        await self._end(job)
        return view

    async def _end(self, job: str) -> None:
        """End a job's processes: gently, then for sure."""
        process = self._processes.get(job)
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), _PATIENCE)
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    async def delete(self, job: str) -> None:
        """End a job and drop everything of it."""
        if self.store.get(job).phase not in FINAL:
            await self.cancel(job)
        shutil.rmtree(self.store.attempt(job), ignore_errors=True)
        self.store.forget(job)

    async def close(self) -> None:
        """End all jobs that run."""
        for job in list(self._watches):
            if self.store.get(job).phase not in FINAL:
                await self.cancel(job)
        await asyncio.gather(*self._watches.values())

    async def ended(self, job: str) -> JobView:
        """Wait for the end of a job that was started here."""
        await self._watches[job]
        return self.store.get(job)

    def process_number(self, job: str) -> int:
        """Return the number of the process that a job's others come from."""
        return self._processes[job].pid

    def job_of(self, token: str) -> str | None:
        """Return the job whose attempt has this token."""
        found = (
            job for job, own in self._tokens.items() if secrets.compare_digest(own.encode(), token.encode())
        )
        return next((job for job in found if self.store.get(job).phase not in FINAL), None)

    def document(self, job: str) -> JobDocument:
        """Return what an attempt is to do."""
        return self._documents[job]

    def progress(self, job: str, report: Progress) -> None:
        """Take an attempt's report."""
        self.store.change(job, fraction=report.fraction, message=report.message, step=report.step)


def _document(view: JobView, spec: PipelineSpec) -> JobDocument:
    return JobDocument(
        job=view.id,
        attempt=1,
        owner=view.owner,
        avi=view.avi,
        version=view.version,
        pipeline=spec,
        parameters=view.parameters,
        memory_mb=view.memory_mb,
        time_limit=view.time_limit,
        heartbeat=_HEARTBEAT,
    )


def _vanished(exit_code: int | None) -> JobError:
    return JobError(
        code="killed",
        message=f"the job's process ended with status {exit_code} and left no outcome",
        hint=_LACK if exit_code == -signal.SIGKILL else "Its log may tell why.",
    )
