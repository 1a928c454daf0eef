"""A check as a job of a platform: it tells how far it is, and its scorecard is a result."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from avi_kernel.pipelines.failures import PipelineFailed
from avi_kernel.protocol.checks import SCORECARD_FILE
from avi_kernel.protocol.runs import JobError, Progress
from avi_kernel.reporter import Report

KEPT_BACK = 30.0
"""Seconds of a job's time that remain for what comes after the check."""
_SAID = "gavip: "


def leave_scorecard(
    *, code: Path, results: Path, report: Report, seconds: float, environ: Mapping[str, str]
) -> None:
    """Check an AVI and leave what was found among the results of this job.

    A process of its own, since this one holds the job's token and left modules out that a check needs.

    Raises
    ------
    avi_kernel.pipelines.failures.PipelineFailed
        The check ended without a scorecard.
    """
    card = results / SCORECARD_FILE
    call = [sys.executable, "-m", "avi_kernel.checking", str(code), "--report", str(card)]
    call += ["--seconds", str(max(1.0, seconds - KEPT_BACK))]
    process = subprocess.Popen(call, env=dict(environ), stdout=subprocess.PIPE, text=True, errors="replace")
    steps = 0
    for line in process.stdout or ():
        sys.stdout.write(line)
        sys.stdout.flush()
        if line.startswith(_SAID):
            steps += 1
            # How many there will be is not known: it comes nearer to the end with each, and never there.
            told = line.removeprefix(_SAID).strip()[:500]
            report(Progress(fraction=1 - 1 / (1 + steps / 6), message=told), (0.0, 1.0))
    status = process.wait()
    if not card.is_file():
        message = f"The check ended with status {status} and left no scorecard; see the log."
        raise PipelineFailed(JobError(code="exited", message=message))
