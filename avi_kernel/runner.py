"""Run the one job of this container: fetch what it is, run its pipeline, leave its outcome and report it."""

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import cast

from avi_kernel.pipelines.kernel_process import KernelProcess
from avi_kernel.pipelines.places import NO_KERNEL_VARIABLE, JobPlaces

COMPLETED, FAILED, NOT_STARTED = 0, 1, 3
OUTCOME_ROOM = 64 * 1024
"""Bytes: enough for a traceback and hundreds of results."""


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Run the job that the environment names.

    Returns
    -------
    int
        0 completed, 1 the pipeline failed, 3 there was no job to run.
    """
    places = JobPlaces.of_environment(environ)
    places.results.mkdir(parents=True, exist_ok=True)

    def start_kernel() -> KernelProcess:
        return KernelProcess.start(cwd=places.work, env=places.child_environment(environ))

    # Papermill loads pyarrow for files on Hadoop, which no job has; its absence is handled, and saves 0.1 s.
    sys.modules.setdefault("pyarrow", cast(ModuleType, None))
    # The kernel's imports take longer than all else that a short job does: they begin before our own do.
    kernel = None if environ.get(NO_KERNEL_VARIABLE) else start_kernel()
    try:
        return _run(environ, places, kernel, start_kernel)
    finally:
        if kernel is not None:
            kernel.close()


def _run(
    environ: Mapping[str, str],
    places: JobPlaces,
    kernel: KernelProcess | None,
    start_kernel: Callable[[], KernelProcess],
) -> int:
    from avi_kernel.pipelines.execution import Execution  # noqa: PLC0415 - beside the kernel's start, see above
    from avi_kernel.reporter import Platform, PlatformRefused, PlatformSilent  # noqa: PLC0415 - as above

    platform = Platform(
        url=environ["GAVIP_API_URL"].rstrip("/"),
        token=environ["GAVIP_TOKEN"],
        request=environ.get("GAVIP_REQUEST_ID", ""),
    )
    started = datetime.now(UTC)
    try:
        document = platform.document()
    except (PlatformRefused, PlatformSilent) as problem:
        _say(f"this job could not be fetched: {problem}")
        return NOT_STARTED
    _say(
        f"attempt {document.attempt} of {document.job} begins [request={platform.request} job={document.job}]"
    )
    reserve_outcome(places.attempt)
    execution = Execution(
        document=document, places=places, environ=environ, first_kernel=kernel, start_kernel=start_kernel
    )
    outcome = execution.outcome(platform, started)
    try:
        write_outcome(places.attempt, outcome.model_dump_json(indent=1))
    except OSError as error:  # a full disk: the report may arrive all the same
        _say(f"the outcome could not be written: {error}")
    try:
        platform.outcome(outcome)
    except (PlatformRefused, PlatformSilent) as problem:
        _say(f"the outcome was left in the job's folder: {problem}")
    return COMPLETED if outcome.status == "completed" else FAILED


def reserve_outcome(folder: Path) -> None:
    """Take the room of an outcome before anything else fills the disk; where that fails, it is tried at the end."""
    with suppress(OSError), _partial(folder).open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, OUTCOME_ROOM)


def write_outcome(folder: Path, text: str) -> None:
    """Leave the outcome in the attempt's folder, whole or not at all: it counts when no report arrives."""
    from avi_kernel.protocol.runs import OUTCOME_FILE  # noqa: PLC0415 - imported by then

    content, partial = text.encode(), _partial(folder)
    # Over what was reserved, and cut afterwards: to cut first would give the room away.
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT, 0o644), "wb") as file:
        file.write(content)
        file.flush()
        file.truncate(len(content))
        os.fsync(file.fileno())
    partial.replace(folder / OUTCOME_FILE)


def _partial(folder: Path) -> Path:
    return folder / ".outcome.part"


def _say(text: str) -> None:
    sys.stderr.write(f"gavip: {text}\n")
