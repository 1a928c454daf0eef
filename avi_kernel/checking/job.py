"""A check as a job of a platform: it tells how far it is, and its scorecard is a result."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from avi_kernel.box.seccomp import keep_out
from avi_kernel.pipelines.failures import PipelineFailed
from avi_kernel.protocol.checks import SCORECARD_FILE
from avi_kernel.protocol.runs import JobError, Progress
from avi_kernel.protocol.scorecard import LARGEST_REPORT
from avi_kernel.reporter import Report

KEPT_BACK = 30.0
"""Seconds of a job's time that remain for what comes after the check."""
_SAID = "gavip: "


def leave_scorecard(
    *, code: Path, results: Path, report: Report, seconds: float, environ: Mapping[str, str]
) -> None:
    """Check an AVI and leave what was found among the results of this job.

    A process of its own, since this one holds the job's token and left modules out that a check needs. It sends the
    scorecard through a socket that nothing else has, and once all that it ran has ended: files here are open to the
    AVI's code until then, and a pipe is to whoever has the check open a link to `/proc/self/fd`. It loads nothing from
    the working directory or the home, where that code may write.

    Raises
    ------
    avi_kernel.pipelines.failures.PipelineFailed
        The check ended without a scorecard.
    """
    keep_out()
    reading, writing = socket.socketpair()
    call = [sys.executable, "-P", "-s", "-m", "avi_kernel.checking", str(code)]
    call += ["--report", f"fd:{writing.fileno()}", "--seconds", str(max(1.0, seconds - KEPT_BACK))]
    with reading, reading.makefile("rb") as sent:
        process = subprocess.Popen(
            call,
            env=dict(environ),
            stdout=subprocess.PIPE,
            text=True,
            errors="replace",
            pass_fds=(writing.fileno(),),
        )
        writing.close()
        with ThreadPoolExecutor(1) as threads:
            told = threads.submit(sent.read, LARGEST_REPORT + 1)
            _follow(process, report)
            status, text = process.wait(), told.result()
    if status not in {0, 1} or not 0 < len(text) <= LARGEST_REPORT:
        message = f"The check ended with status {status} and left no scorecard; see the log."
        raise PipelineFailed(JobError(code="exited", message=message))
    _write(text, results / SCORECARD_FILE)


def _follow(process: "subprocess.Popen[str]", report: Report) -> None:
    """Print what a check says, and tell how far it is."""
    steps = 0
    for line in process.stdout or ():
        sys.stdout.write(line)
        sys.stdout.flush()
        if line.startswith(_SAID):
            steps += 1
            # How many there will be is not known: it comes nearer to the end with each, and never there.
            told = line.removeprefix(_SAID).strip()[:500]
            report(Progress(fraction=1 - 1 / (1 + steps / 6), message=told), (0.0, 1.0))


def _write(text: bytes, card: Path) -> None:
    """Put a scorecard in place of whatever the AVI's code left there."""
    if card.is_dir() and not card.is_symlink():
        shutil.rmtree(card)
    card.unlink(missing_ok=True)
    with card.open("xb") as file:
        file.write(text)
