"""pip, as another process: what it says is the log, and what it complains of is kept."""

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from avi_kernel.pipelines.failures import PipelineFailed, plain
from avi_kernel.protocol.runs import JobError

_KEPT = 40
"""Lines of a complaint."""
_END_OF_OUTPUT = "[end of output]"
_TOO_MUCH = re.compile(r"\[Errno (27|28)\]|File too large|No space left on device")


class Pip:
    """Finds and fetches packages of one index.

    Parameters
    ----------
    index
        Address of the index, as pip takes it.
    scratch
        Folder for what is in the making.
    environ
        What pip, and whatever a package runs, may know.
    """

    def __init__(self, *, index: str, scratch: Path, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._index = index
        self._scratch = scratch

    def __call__(self, command: str, *arguments: str | Path) -> None:
        """Run one command of pip's.

        Raises
        ------
        PipelineFailed
            With what pip says was wrong.
        """
        # -I: neither the AVI's folder nor a variable decides what pip is.
        call = [sys.executable, "-I", "-m", "pip", "--isolated", "--no-input", "--no-cache-dir"]
        call += ["--disable-pip-version-check", "--no-color", command, "--index-url", self._index]
        process = subprocess.Popen(
            [*call, *map(str, arguments)],
            cwd=self._scratch,
            env=self._environ,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        complaints = _copied(process)
        if process.wait():
            raise PipelineFailed(_error(complaints))


def _copied(process: subprocess.Popen[str]) -> list[str]:
    """Copy what a process complains of to the log while it does, and return the last of it."""
    lines: list[str] = []
    for line in process.stderr or ():
        sys.stderr.write(line)
        lines = [*lines, line.rstrip()][-_KEPT:]
    return lines


def _error(complaints: Sequence[str]) -> JobError:
    said = [plain(line).removeprefix("ERROR: ") for line in complaints if "ERROR: " in line]
    words = " ".join(said) or " ".join(complaints[-3:]) or "pip failed and did not say why"
    last = _last_words(complaints)
    if _TOO_MUCH.search(last):
        words = "to be built, one of them wrote more than it may"
    elif last:
        words += f": {last}"
    return JobError(
        code="not_built",
        message=f"The packages could not be had: {words}"[:2000],
        hint="Change requirements.txt, and release a new version; the log tells all that pip said.",
    )


def _last_words(complaints: Sequence[str]) -> str:
    """Return the last that a package said that failed to be built, as pip shows it."""
    if _END_OF_OUTPUT not in (stripped := [line.strip() for line in complaints]):
        return ""
    return stripped[stripped.index(_END_OF_OUTPUT) - 1][:500]
