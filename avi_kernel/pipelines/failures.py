"""Why a pipeline failed, in words for its owner."""

import re
import signal

from avi_kernel.protocol.runs import JobError

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_NO_SPACE = re.compile(r"\[Errno 28\]|No space left on device")
_NO_PROCESS = re.compile(r"\[Errno 11\]|can't start new thread")
_MEMORY_HINT = "Run it again with more memory, or on a smaller input."
_FEWER = "Start fewer of them at once, and wait for those that have ended; what a job may have is limited."


class PipelineFailed(Exception):
    """The author's code ended in an error; nothing is wrong with the platform."""

    def __init__(self, error: JobError) -> None:
        super().__init__(error.message)
        self.error = error


def raised(
    *, step: str, cell: int | None = None, source: str, ename: str, evalue: str, traceback: str
) -> JobError:
    """Describe an exception that the author's code did not catch."""
    code, message, hint = _words(ename, evalue)
    where = f"{step}, cell {cell + 1}" if cell is not None else step
    return JobError(
        code=code,
        message=f"{where}: {message}"[:2000],
        hint=hint,
        step=step[:200],
        cell=cell,
        source=source[:20000],
        ename=ename[:200],
        evalue=plain(evalue)[:5000],
        traceback=_tail(plain(traceback), 100000),
    )


def _words(ename: str, evalue: str) -> tuple[str, str, str]:
    """Return code, message and hint."""
    if ename == "SystemExit":
        return "exited", f"the code ended itself with sys.exit({evalue})", ""
    if ename == "KeyboardInterrupt":
        return "raised", "the code was interrupted (KeyboardInterrupt)", ""
    if ename.endswith("MemoryError"):
        return "raised", f"there was not enough memory ({ename})", _MEMORY_HINT
    if _NO_SPACE.search(evalue):
        return "no_space", f"there was no space left to write to ({plain(evalue)})", ""
    if _NO_PROCESS.search(evalue):
        return (
            "too_many_processes",
            f"the code started too many processes and threads ({plain(evalue)})",
            _FEWER,
        )
    return "raised", f"{ename}: {plain(evalue)}" if evalue else ename, ""


def died(*, step: str, cell: int | None, source: str, exit_code: int) -> JobError:
    """Describe a process of the author's code that ended in the middle of its work."""
    where = f"{step}, cell {cell + 1}" if cell is not None else step
    if exit_code >= 0:
        code, message = "exited", f"the code ended its own interpreter with status {exit_code}"
        hint = "Something called os._exit or crashed; raise an exception instead, so that its place is seen."
    elif -exit_code == signal.SIGKILL:
        code, message = "killed", "the interpreter was killed (signal 9), most often for lack of memory"
        hint = _MEMORY_HINT
    else:
        code, message = "killed", f"the interpreter was ended by signal {_signal_name(-exit_code)}"
        hint = "A crash of this kind comes from a compiled library."
    return JobError(
        code=code, message=f"{where}: {message}", hint=hint, step=step[:200], cell=cell, source=source[:20000]
    )


def not_started(step: str, message: str) -> JobError:
    """Describe a kernel that never became ready: the author's code had no part in it."""
    hint = "The machine may be overloaded, or the job's memory too small for an interpreter: run it again."
    return JobError(code="platform", message=f"{step}: {message}"[:2000], hint=hint, step=step[:200])


def _signal_name(number: int) -> str:
    try:
        return f"{number} ({signal.Signals(number).name})"
    except ValueError:
        return str(number)


def plain(text: str) -> str:
    """Return text without the colours that IPython paints on it."""
    return _COLOUR.sub("", text)


def _tail(text: str, longest: int) -> str:
    return text if len(text) <= longest else "…" + text[1 - longest :]
