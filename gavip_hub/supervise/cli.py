"""`gavip up` and its kin: what the package `gavip-hub` adds to the command `gavip`."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from gavip_hub.config import Gavip, load_config
from gavip_hub.exceptions import GavipError
from gavip_hub.supervise import accounts
from gavip_hub.supervise.supervisor import Supervisor, only_one

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_root = click.option(
    "--root",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("gavip-data"),
    show_default=True,
    help="Folder that holds all state.",
)
_port = click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Port of the proxy; default: the last start's, at first 8000.",
)
_keep_boxes = click.option(
    "--keep-boxes", is_flag=True, help="At Ctrl-C leave running jobs and servers running."
)


@click.command()
@_root
@_port
@_keep_boxes
def up(root: Path, port: int | None, *, keep_boxes: bool) -> None:
    """Start the platform and keep it running until Ctrl-C."""
    with _said_plainly():
        config = _configured(root, port)
        with only_one(config.root):
            asyncio.run(_serve(config, keep_boxes=keep_boxes, once_ready=_print_ready))


def _configured(root: Path, port: int | None) -> Gavip:
    config = load_config(root, **({"port": port} if port else {}))
    config.root.mkdir(parents=True, exist_ok=True)
    return config


async def _serve(config: Gavip, *, keep_boxes: bool, once_ready: Callable[[Gavip], Any]) -> None:
    supervisor = Supervisor(config=config, tell=_tell)
    ended = asyncio.Event()
    for sign in _ENDING:
        asyncio.get_running_loop().add_signal_handler(sign, ended.set)
    try:
        starting = asyncio.create_task(supervisor.start())
        await _first_of(starting, ended)
        if not ended.is_set():
            once_ready(config)
        await ended.wait()
    finally:
        _tell(
            "stopping" if not keep_boxes else "stopping proxy, Hub and service; what runs for users goes on"
        )
        await supervisor.stop(keep_boxes=keep_boxes)


async def _first_of(starting: asyncio.Task[None], ended: asyncio.Event) -> None:
    """Wait for the start, but not longer than until somebody presses Ctrl-C."""
    waiting = asyncio.create_task(ended.wait())
    await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if starting.done():
        await starting
    else:
        starting.cancel()


def _print_ready(config: Gavip) -> None:
    passwords = accounts.read_passwords(config.root)
    click.echo("")
    click.secho(f"GAVIP is ready at {config.public_url}", bold=True)
    click.echo(f"  data root  {config.root}")
    click.echo(f"  passwords  {config.root / accounts.LISTING}")
    for user, role in config.users.items():
        click.echo(f"  {user:<10} {passwords.get(user, '(set earlier)')}  ({role})")
    click.echo("Ctrl-C stops everything.")


def _tell(line: str) -> None:
    click.echo(f"  {line}", err=True)


@contextmanager
def _said_plainly() -> Iterator[None]:
    """Show a refusal as its sentence, with the exit status of the command line's reference."""
    logging.basicConfig(level=logging.WARNING, format="  %(levelname)s %(name)s: %(message)s")
    try:
        yield
    except GavipError as error:
        click.secho(f"gavip: {error.message}", fg="red", err=True)
        conflict, server = 5, 6
        sys.exit(conflict if error.status_code == 409 else server)  # noqa: PLR2004 - HTTP Conflict
