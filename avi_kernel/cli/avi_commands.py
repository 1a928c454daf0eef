"""What `gavip avi` does on one's own machine, beside what a platform's API offers under that name."""

import shutil
import subprocess
from pathlib import Path

import click

from avi_kernel.authoring.wrapping import Wrapped, wrapped
from avi_kernel.cli import exits, settings
from avi_kernel.protocol.folder import read_release
from avi_kernel.protocol.names import NAME_RULE, is_avi_name
from avi_kernel.protocol.problems import FolderProblem


@click.command()
@click.argument("name")
@click.option(
    "--from",
    "notebook",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Notebook that it is made of.",
)
def new(name: str, notebook: Path) -> None:
    """Make an AVI of a notebook, in a new folder NAME that git knows.

    Parameters, their types, units and limits are read from the notebook; nothing of it is run. What it does not tell is
    said. The folder is ready to be pushed to the platform that you signed in to last.
    """
    if not is_avi_name(name):
        raise click.BadParameter(NAME_RULE, param_hint="NAME")
    folder = Path(name)
    if folder.exists():
        raise click.BadParameter(
            f"{folder} exists already: choose another name, or remove it.", param_hint="NAME"
        )
    with exits.told_plainly():
        made = _wrapped(notebook, name)
        _write(folder, made)
        read_release(folder)
        remote = _begun(folder, name)
    _tell(name, made, remote)


def _wrapped(notebook: Path, name: str) -> Wrapped:
    try:
        return wrapped(notebook.read_text("utf-8"), file=notebook.name, name=name)
    except UnicodeDecodeError:
        raise FolderProblem(notebook.name, "is no text in UTF-8, and no notebook") from None


def _write(folder: Path, made: Wrapped) -> None:
    for path, text in made.files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")


def _begun(folder: Path, name: str) -> str:
    """Make a repository of a folder, with the platform as its origin; return that address, or nothing without git."""
    platform = settings.current()
    remote = f"{platform.url}/services/gavip/git/{name}.git"
    if shutil.which("git") is None:
        return ""
    for arguments in (
        ["init", "-q", "-b", "main"],
        ["remote", "add", "origin", remote],
        ["config", "push.autoSetupRemote", "true"],
        ["add", "-A"],
        [*_identity(folder, platform.user or "author"), "commit", "-qm", "Made of a notebook"],
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)
    return remote


def _identity(folder: Path, user: str) -> list[str]:
    """Return what git needs to commit where nobody told it a name yet."""
    known = subprocess.run(["git", "config", "user.email"], cwd=folder, check=False, capture_output=True)
    return (
        [] if known.stdout.strip() else ["-c", f"user.name={user}", "-c", f"user.email={user}@gavip.invalid"]
    )


def _tell(name: str, made: Wrapped, remote: str) -> None:
    click.echo(f"Made {name}/ of it.")
    for line in made.found:
        click.echo(f"  {line}")
    click.echo("To decide:")
    for line in made.open:
        click.echo(f"  {line}")
    click.echo(f"\nNext: cd {name}; gavip dev . runs it here.")
    if remote:
        click.echo(f"git push; git tag v1.0.0; git push origin v1.0.0 releases it at {remote}")


COMMANDS: dict[str, click.Command] = {"new": new}
