"""What the operator's commands share; light, since each part of a platform in containers is such a command."""

import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from gavip_hub.exceptions import GavipError

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

root_option = click.option(
    "--root",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("gavip-data"),
    show_default=True,
    envvar="GAVIP_ROOT",
    help="Folder that holds all state.",
)


def tell(line: str) -> None:
    """Say what happens."""
    with _also_unread():
        click.echo(f"  {line}", err=True)


def warn(text: str) -> None:
    """Say what must not be overlooked."""
    with _also_unread():
        click.echo("", err=True)
        for line in text.splitlines():
            click.secho(f"  ! {line}", fg="yellow", bold=True, err=True)
        click.echo("", err=True)


@contextmanager
def _also_unread() -> Iterator[None]:
    """Go on where whoever read the output is gone: a platform is not to fall, nor to leave its parts behind, for that."""
    try:
        yield
    except BrokenPipeError:
        # What is left in the buffer would be tried again, and fail again, at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


@contextmanager
def said_plainly() -> Iterator[None]:
    """Show a refusal as its sentence, with the exit status of the command line's reference."""
    logging.basicConfig(level=logging.WARNING, format="  %(levelname)s %(name)s: %(message)s")
    try:
        yield
    except GavipError as error:
        click.secho(f"gavip: {error.message}", fg="red", err=True)
        conflict, server = 5, 6
        sys.exit(conflict if error.status_code == 409 else server)  # noqa: PLR2004 - HTTP Conflict
