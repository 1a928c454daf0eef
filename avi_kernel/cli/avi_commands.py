"""What `gavip avi` does on one's own machine, beside what a platform's API offers under that name."""

import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

import click

from avi_kernel.authoring import from_template, new_folder
from avi_kernel.authoring.wrapping import Wrapped, wrapped
from avi_kernel.cli import exits, offered, settings
from avi_kernel.cli.check import check
from avi_kernel.cli.values import key_values
from avi_kernel.protocol.names import NAME_RULE, is_avi_name
from avi_kernel.protocol.problems import FolderProblem

_DATA = click.option(
    "--data", "given", multiple=True, metavar="NAME=VALUE", help="Answer to a question of the template."
)
_DEFAULTS = click.option("--defaults", is_flag=True, help="Ask nothing: take what the template proposes.")


@click.command()
@click.argument("name")
@click.option(
    "--from",
    "notebook",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Notebook that it is made of.",
)
@click.option(
    "--template",
    shell_complete=offered.names,
    help="Template that it is made of: a name, a git address, or a folder.",
)
@_DATA
@_DEFAULTS
def new(
    name: str, notebook: Path | None, template: str | None, given: tuple[str, ...], *, defaults: bool
) -> None:
    """Make an AVI of a notebook or a template, in a new folder NAME that git knows.

    Of a notebook, parameters, their types, units and limits are read, and nothing is run; what it does not tell is said. A
    template asks a few questions, and runs nothing either. The folder is ready to be pushed to the platform that you signed
    in to last.
    """
    if not is_avi_name(name):
        raise click.BadParameter(NAME_RULE, param_hint="NAME")
    folder = Path(name)
    if folder.exists():
        raise click.BadParameter(
            f"{folder} exists already: choose another name, or remove it.", param_hint="NAME"
        )
    if notebook and (template or given or defaults):
        raise click.UsageError("--from goes without --template, --data and --defaults.")
    with exits.told_plainly():
        if notebook:
            _of_notebook(folder, notebook)
        elif template:
            _of_template(folder, template, key_values(given), ask=_asks(defaults=defaults))
        else:
            raise click.UsageError(
                f"Say what it is made of: --from NOTEBOOK, or --template NAME.\n\n{_listed()}"
            )


@click.command("templates")
@click.pass_context
def list_templates(ctx: click.Context) -> None:
    """List the templates that an AVI can be made of: the platform's, or those of this command."""
    if (ctx.obj or {}).get("json"):
        click.echo(json.dumps([asdict(one) for one in offered.known_templates() if one.is_offered]))
    else:
        click.echo(_listed())


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path())
@_DATA
@_DEFAULTS
def update(folder: Path, given: tuple[str, ...], *, defaults: bool) -> None:
    """Bring the AVI in FOLDER to the newest version of its template; of a platform's, to the one that it offers.

    What you changed stays. Both are merged in the working copy and nothing is committed, so that you can look first.
    """
    with exits.told_plainly():
        done = from_template.update(
            folder,
            answers=key_values(given),
            ask=_asks(defaults=defaults),
            version_of=offered.version_of,
        )
    _tell_update(done)


def _asks(*, defaults: bool) -> bool:
    return not defaults and sys.stdin.isatty()


def _listed() -> str:
    known = [one for one in offered.known_templates() if one.is_offered]
    widest = max((len(one.name) for one in known), default=0)
    lines = [f"  {one.name:<{widest}}  {one.summary}" for one in known]
    return "\n".join(["Templates:", *lines])


def _of_notebook(folder: Path, notebook: Path) -> None:
    try:
        made = wrapped(notebook.read_text("utf-8"), file=notebook.name, name=folder.name)
    except UnicodeDecodeError:
        raise FolderProblem(notebook.name, "is no text in UTF-8, and no notebook") from None
    with new_folder.whole(folder) as place:
        for path, text in made.files.items():
            target = place / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
    _tell(notebook, folder.name, made)
    _begin(folder, "Made of a notebook")


def _of_template(folder: Path, template: str, answers: dict[str, str], *, ask: bool) -> None:
    author = new_folder.known("user.name", folder.parent) or settings.current().user
    proposed = {"title": folder.name.replace("-", " ").capitalize()} | ({"author": author} if author else {})
    with new_folder.whole(folder) as place:
        source = offered.source_of(template)
        made = from_template.make(place, source=source, answers=answers, proposed=proposed, ask=ask)
    said = f"the template {made.name} {made.version}"
    click.echo(f"Made {folder.name}/ of {said}. Its README.md says what to change first.")
    _begin(folder, f"Made of {said}")


def _begin(folder: Path, message: str) -> None:
    """Make a repository of a folder, with the platform as its origin, and say what comes next."""
    platform = settings.current()
    remote = f"{platform.url}/services/gavip/git/{folder.name}.git"
    click.echo(f"\nNext: cd {folder.name}; gavip dev . runs it here.")
    if shutil.which("git") is None:
        click.echo(f"Git is not installed: with it you release the AVI at {remote}")
        return
    new_folder.begin_repository(folder, remote=remote, user=platform.user or "author", message=message)
    click.echo(f"git push; git tag v1.0.0; git push origin v1.0.0 releases it at {remote}")


def _tell(notebook: Path, name: str, made: Wrapped) -> None:
    click.echo(f"Made {name}/ of {notebook.name}.")
    for line in made.found:
        click.echo(f"  {line}")
    click.echo("To decide:")
    for line in made.open:
        click.echo(f"  {line}")


def _tell_update(done: from_template.Update) -> None:
    template, version = done.after.name, done.after.version
    if done.conflicts:
        files = "".join(f"\n  {path}" for path in done.conflicts)
        raise exits.Stop(
            f"The template {template} {version} is merged, but for what it and you changed both:{files}",
            code=exits.CONFLICT,
            next_step="In each, choose between the lines <<<<<<< and >>>>>>>; a notebook whole: git checkout --ours FILE keeps yours,\n"
            "git checkout --theirs FILE takes the template's. Then git add -A && git commit. git reset --hard && git clean -fd takes all of it back.",
        )
    if done.before.version == version:
        click.echo(f"This is the newest version of the template {template}, {version}.")
        return
    click.echo(f"Brought from {done.before.version} to {version} of the template {template}.")
    click.echo("Next: git diff shows what changed; git add -A && git commit keeps it.")


COMMANDS: dict[str, click.Command] = {
    "check": check,
    "new": new,
    "templates": list_templates,
    "update": update,
}
