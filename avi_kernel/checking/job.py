"""A check as a job of a platform: it tells how far it is, and its scorecard is a result."""

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from avi_kernel.checking.check import check
from avi_kernel.protocol.checks import SCORECARD_FILE
from avi_kernel.protocol.runs import Progress
from avi_kernel.reporter import Report

KEPT_BACK = 30.0
"""Seconds of a job's time that remain for what comes after the check."""


def leave_scorecard(
    *, code: Path, results: Path, report: Report, seconds: float, environ: Mapping[str, str]
) -> None:
    """Check an AVI and leave what was found among the results of this job."""
    steps = 0

    def say(line: str) -> None:
        nonlocal steps
        steps += 1
        sys.stdout.write(f"gavip: {line}\n")
        sys.stdout.flush()
        # How many there will be is not known: it comes nearer to the end with each, and never there.
        report(Progress(fraction=1 - 1 / (1 + steps / 6), message=line[:500]), (0.0, 1.0))

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        card = check(
            code, scratch=Path(scratch), say=say, seconds=max(1.0, seconds - KEPT_BACK), environ=environ
        )
    (results / SCORECARD_FILE).write_text(card.model_dump_json(indent=1), "utf-8")
