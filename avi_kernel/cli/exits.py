"""How the command ends: a number for scripts, and for people the cause and the next step."""

import sys
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


class Stop(click.ClickException):
    """The command cannot go on."""

    def __init__(self, message: str, *, code: int, next_step: str = "") -> None:
        super().__init__(f"{message}\n{next_step}" if next_step else message)
        self.exit_code = code


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
    """Return how an error ends the command; None where it is nobody's foreseen one.

    Looks only at modules that are loaded: what is not cannot have raised it.
    """
    if transport := sys.modules.get("avi_kernel.transport"):
        codes: dict[type[Exception], int] = {
            transport.SignInRequired: SIGN_IN,
            transport.NotAllowed: SIGN_IN,
            transport.NotFound: NOT_FOUND,
            transport.Conflict: CONFLICT,
            transport.BadRequest: USAGE,
            transport.Unavailable: SERVER,
        }
        if type(error) in codes:
            return Stop(str(error), code=codes[type(error)], next_step=type(error).next_step)
    if (problems := sys.modules.get("avi_kernel.protocol.problems")) and isinstance(
        error, problems.FolderProblem
    ):
        return Stop(str(error), code=USAGE)
    if (parameters := sys.modules.get("avi_kernel.protocol.parameters")) and isinstance(
        error, parameters.ParameterProblem
    ):
        return Stop(f"{error.field}: {error}", code=USAGE)
    if (store := sys.modules.get("avi_kernel.standalone.store")) and isinstance(error, store.Unknown):
        return Stop(str(error), code=NOT_FOUND)
    return None
