"""How the command ends: a number for scripts, and for people the cause and the next step."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

OK = 0
JOB_FAILED = 1
USAGE = 2
SIGN_IN = 3
NOT_FOUND = 4
CONFLICT = 5
SERVER = 6
INTERRUPTED = 130
_CODES = {
    "BadRequest": USAGE,
    "SignInRequired": SIGN_IN,
    "NotAllowed": SIGN_IN,
    "NotFound": NOT_FOUND,
    "Conflict": CONFLICT,
    "Unavailable": SERVER,
}


class Stop(click.ClickException):
    """The command cannot go on."""

    def __init__(self, message: str, *, code: int, next_step: str = "") -> None:
        super().__init__(f"{message}\n{next_step}" if next_step else message)
        self.__dict__["exit_code"] = code  # click declares it for the class


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turn what can go wrong into a sentence and an exit status; a traceback is for what nobody foresaw."""
    try:
        yield
    except Exception as error:
        stop = _stop_for(error)
        if stop is None:
            raise
        raise stop from error


def _stop_for(error: Exception) -> Stop | None:
    """Return how an error ends the command; None where it is nobody's foreseen one."""
    from avi_kernel import transport  # noqa: PLC0415 - what can fail is loaded once something did
    from avi_kernel.authoring.problems import AuthoringProblem  # noqa: PLC0415 - as above
    from avi_kernel.protocol.parameters import ParameterProblem  # noqa: PLC0415 - as above
    from avi_kernel.protocol.problems import FolderProblem  # noqa: PLC0415 - as above
    from avi_kernel.standalone.engine import ContainerProblem  # noqa: PLC0415 - as above
    from avi_kernel.standalone.store import Unknown  # noqa: PLC0415 - as above

    match error:
        case transport.ApiError():
            return Stop(str(error), code=_CODES.get(type(error).__name__, SERVER), next_step=error.next_step)
        case ParameterProblem():
            return Stop(f"{error.field}: {error}", code=USAGE)
        case FolderProblem():
            return Stop(str(error), code=USAGE)
        case AuthoringProblem() | ContainerProblem():
            return Stop(str(error), code=USAGE, next_step=error.next_step)
        case Unknown():
            return Stop(str(error), code=NOT_FOUND)
        case _:
            return None
