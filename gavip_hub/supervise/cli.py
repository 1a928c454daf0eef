"""`gavip up` and its kin: what the package `gavip-hub` adds to the command `gavip`."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import click

from gavip_hub.backends.sandbox import detect
from gavip_hub.config import Gavip, load_config
from gavip_hub.exceptions import GavipError, NotFound
from gavip_hub.supervise import accounts
from gavip_hub.supervise.backup import back_up, restore
from gavip_hub.supervise.commandline import ENDING, root_option, said_plainly, tell, warn
from gavip_hub.supervise.demo import run_once, run_working_copy
from gavip_hub.supervise.examples import working_copy
from gavip_hub.supervise.locks import only_one
from gavip_hub.supervise.preparation import prepare_parts, upgrade_database
from gavip_hub.supervise.simulate import simulate_command
from gavip_hub.supervise.supervisor import Supervisor

_port = click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Port of the proxy; default: the last start's, at first 8000.",
)
_keep_boxes = click.option(
    "--keep-boxes", is_flag=True, help="At Ctrl-C leave running jobs and servers running."
)


_docker = click.option(
    "--docker",
    is_flag=True,
    help="Start containers by the machine's Docker engine, in images of `make images`.",
)


@click.command()
@root_option
@_port
@_keep_boxes
@_docker
def up(root: Path, port: int | None, *, keep_boxes: bool, docker: bool) -> None:
    """Start the platform and keep it running until Ctrl-C."""
    with said_plainly():
        config = _configured(root, port, docker=docker)
        with only_one(config.root):
            asyncio.run(_serve(config, keep_boxes=keep_boxes, once_ready=_ready))


@click.command()
@root_option
@_port
@_keep_boxes
@_docker
def demo(root: Path, port: int | None, *, keep_boxes: bool, docker: bool) -> None:
    """Start the platform and run the bundled pipeline once, as one of its users would."""
    with said_plainly():
        config = _configured(root, port, docker=docker)
        with only_one(config.root):
            asyncio.run(_serve(config, keep_boxes=keep_boxes, once_ready=_ready_and_run))


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path("my-avi"))
@root_option
@_port
@click.option("--example", default="hr_diagram", show_default=True, help="Bundled AVI to copy.")
def quickstart(folder: Path, root: Path, port: int | None, example: str) -> None:
    """Make a working copy of an example AVI in FOLDER, publish it on a platform of your own, and run it."""
    with said_plainly():
        made = working_copy(folder, example=example)
        click.echo(
            f"{'Made' if made else 'Found'} the AVI {folder}; change it, then run `gavip dev {folder}`."
        )
        config = _configured(root, port)
        with only_one(config.root):
            asyncio.run(
                _serve(config, keep_boxes=False, once_ready=partial(_ready_publish_and_run, folder=folder))
            )


@click.group()
def admin() -> None:
    """Look after a platform: users' passwords, the database, backups, what the machine enforces."""


@admin.command("password")
@click.argument("user")
@root_option
def admin_password(user: str, root: Path) -> None:
    """Give a user of the embedded sign-in a new password, and show it."""
    with said_plainly():
        config = _existing(root)
        if user not in config.users:
            raise NotFound(
                f"There is no user {user!r}; there are: {', '.join(config.users)}. "
                f"Add one in {config.root / 'config.py'}: c.Gavip.users = {{…}}"
            )
        click.echo(accounts.set_password(config.root, user))


@admin.command("upgrade")
@root_option
def admin_upgrade(root: Path) -> None:
    """Bring the service's database to this version's schema; `gavip up` does so too."""
    with said_plainly():
        upgrade_database(_existing(root))
        click.echo("The database has this version's schema.")


@admin.command("prepare")
@root_option
def admin_prepare(root: Path) -> None:
    """Make all that the parts of a platform find at their start; `gavip up` does so too."""
    with said_plainly():
        asyncio.run(prepare_parts(_configured(root, None), tell))


@admin.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@root_option
def admin_backup(file: Path, root: Path) -> None:
    """Write a platform whose Hub and service do not run into FILE, a tar archive: databases, files, settings, secrets."""
    with said_plainly():
        back_up(_existing(root), file)
        click.echo(f"{file} holds all of {root}, secrets included: keep it private.")


@admin.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@root_option
def admin_restore(file: Path, root: Path) -> None:
    """Make a new data root of FILE, an archive of `gavip admin backup`; nothing is ever overwritten."""
    with said_plainly():
        restore(file.absolute(), root.absolute())
        click.echo(f"{root} is as it was; start the platform.")


@admin.command("sandbox")
def admin_sandbox() -> None:
    """Say what this machine enforces on other people's code, by running a box."""
    with said_plainly():
        report = detect()
        click.echo(f"enforced: {', '.join(sorted(report.enforced)) or 'nothing'}")
        click.echo(report.notice or "Nothing is missing.")


admin.add_command(simulate_command)


def _configured(root: Path, port: int | None, *, docker: bool = False) -> Gavip:
    config = load_config(
        root, **({"port": port} if port else {}), **({"backend": "docker"} if docker else {})
    )
    config.root.mkdir(parents=True, exist_ok=True)
    return config


def _existing(root: Path) -> Gavip:
    if not (root / "state").is_dir():
        raise NotFound(f"{root} is no data root of GAVIP; name it with --root.")
    return load_config(root)


async def _serve(config: Gavip, *, keep_boxes: bool, once_ready: Callable[[Gavip], Awaitable[None]]) -> None:
    supervisor = Supervisor(config=config, tell=tell, warn=warn)
    ended = asyncio.Event()
    for sign in ENDING:
        asyncio.get_running_loop().add_signal_handler(sign, ended.set)
    try:
        await _unless_ended(supervisor.start(), ended)
        if not ended.is_set():
            await _unless_ended(once_ready(config), ended)
        await ended.wait()
    finally:
        tell("stopping" if not keep_boxes else "stopping proxy, Hub and service; what runs for users goes on")
        await supervisor.stop(keep_boxes=keep_boxes)


async def _unless_ended(step: Awaitable[None], ended: asyncio.Event) -> None:
    """Do a step, but not longer than until somebody presses Ctrl-C."""
    doing, ending = asyncio.ensure_future(step), asyncio.ensure_future(ended.wait())
    await asyncio.wait({doing, ending}, return_when=asyncio.FIRST_COMPLETED)
    ending.cancel()
    if not doing.done():
        doing.cancel()
        await asyncio.wait({doing})
    else:
        await doing


async def _ready(config: Gavip) -> None:
    _print_ready(config)
    click.echo("Ctrl-C stops everything.")


async def _ready_and_run(config: Gavip) -> None:
    _print_ready(config)
    try:
        await run_once(config)
    except GavipError as error:
        warn(f"The pipeline could not be run: {error.message}")
    click.echo("Ctrl-C stops everything.")


async def _ready_publish_and_run(config: Gavip, *, folder: Path) -> None:
    _print_ready(config)
    try:
        await run_working_copy(config, folder)
    except GavipError as error:
        warn(f"{folder} could not be run: {error.message}")
    click.echo("Ctrl-C stops everything.")


def _print_ready(config: Gavip) -> None:
    passwords = accounts.read_passwords(config.root)
    click.echo("")
    click.secho(f"GAVIP is ready at {config.public_url}", bold=True)
    click.echo(f"  data root  {config.root}")
    click.echo(f"  passwords  {config.root / accounts.LISTING}")
    for user, role in config.users.items():
        click.echo(f"  {user:<10} {passwords.get(user, '(set earlier)')}  ({role})")
    click.echo(f"  command    gavip login {config.public_url}")
    click.echo("")
