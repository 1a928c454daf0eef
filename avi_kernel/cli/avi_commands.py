"""What `gavip avi` does on one's own machine, beside what a platform's API offers under that name."""

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from avi_kernel.authoring.wrapping import Wrapped, wrapped
from avi_kernel.cli import exits, settings
from avi_kernel.cli.check import check
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
    _tell(notebook, name, made)
    _begin(folder, name)


def _wrapped(notebook: Path, name: str) -> Wrapped:
    try:
        return wrapped(notebook.read_text("utf-8"), file=notebook.name, name=name)
    except UnicodeDecodeError:
        raise FolderProblem(notebook.name, "is no text in UTF-8, and no notebook") from None


def _write(folder: Path, made: Wrapped) -> None:
    """Write the files; the folder is there once they are a valid AVI, or not at all."""
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as beside:
        whole = Path(beside) / folder.name
        for path, text in made.files.items():
            target = whole / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
        read_release(whole)
        whole.rename(folder)


def _begin(folder: Path, name: str) -> None:
    """Make a repository of a folder, with the platform as its origin, and say what comes next."""
    platform = settings.current()
    remote = f"{platform.url}/services/gavip/git/{name}.git"
    click.echo(f"\nNext: cd {name}; gavip dev . runs it here.")
    if shutil.which("git") is None:
        click.echo(f"Git is not installed: with it you release the AVI at {remote}")
        return
    try:
        for arguments in (
            ["init", "-q", "-b", "main"],
            ["remote", "add", "origin", remote],
            ["config", "push.autoSetupRemote", "true"],
            ["add", "-A"],
            [*_identity(folder, platform.user or "author"), "commit", "-qm", "Made of a notebook"],
        ):
            subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        raise exits.Stop(
            f"git made no commit of it: {error.stderr.strip()}",
            code=exits.USAGE,
            next_step=f"The folder is whole: commit it yourself, and push it to {remote}",
        ) from None
    click.echo(f"git push; git tag v1.0.0; git push origin v1.0.0 releases it at {remote}")


def _identity(folder: Path, user: str) -> list[str]:
    """Return what git needs to commit where nobody told it a name yet."""
    known = subprocess.run(["git", "config", "user.email"], cwd=folder, check=False, capture_output=True)
    return (
        [] if known.stdout.strip() else ["-c", f"user.name={user}", "-c", f"user.email={user}@gavip.invalid"]
    )


def _tell(notebook: Path, name: str, made: Wrapped) -> None:
    click.echo(f"Made {name}/ of {notebook.name}.")
    for line in made.found:
        click.echo(f"  {line}")
    click.echo("To decide:")
    for line in made.open:
        click.echo(f"  {line}")


COMMANDS: dict[str, click.Command] = {"check": check, "new": new}
