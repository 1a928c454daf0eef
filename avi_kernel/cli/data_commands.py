"""`gavip data cp`: files between this machine and one's space on the platform."""

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import click

from avi_kernel.cli import exits, output
from avi_kernel.cli.calls import as_json, connected, platform
from avi_kernel.cli.document import api_document
from avi_kernel.cli.versions import require
from avi_kernel.sizes import size
from avi_kernel.transport import ApiError, NotFound

if TYPE_CHECKING:
    from avi_kernel.copying import Copied, Copier

SPACE = "space:"
"""What a path on the platform begins with."""
NEEDED = ("data.list", "data.get", "data.digest", "data.begin", "data.append", "data.finish")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One file to be copied."""

    local: Path
    remote: str
    size: int
    upload: bool


@click.command()
@click.argument("source", help="A file or folder of this machine, or space:PATH on the platform.")
@click.argument("target", help="Where it goes: space:PATH, or a file or folder of this machine.")
@click.option("-r", "--recursive", is_flag=True, help="A folder with all in it; hidden files and links stay.")
def cp(source: str, target: str, *, recursive: bool) -> int:
    """Copy files between this machine and your space on the platform.

    What breaks off goes on where it was, also when you say it again; what lies there already with the same content is
    not copied again. Every file is compared by its SHA-256, and appears in its place whole or not at all.

    \b
    gavip data cp stars.csv space:data/
    gavip data cp -r space:avis/hr-diagram results
    """  # noqa: D301 - click's own mark for lines that stay lines
    if source.startswith(SPACE) == target.startswith(SPACE):
        raise click.UsageError(f"One of the two is on the platform: write {SPACE}PATH for it.")
    with exits.told_plainly():
        require(api_document(platform().url), NEEDED, url=platform().url)
    with connected() as transport:
        from avi_kernel.copying import Copier  # noqa: PLC0415 - `gavip data list` does without

        copier = Copier(transport)
        up = target.startswith(SPACE)
        plan = (
            _uploads(copier, Path(source), target, recursive)
            if up
            else _downloads(copier, source, Path(target), recursive)
        )
        steps = list(plan)
        with click.progressbar(
            length=sum(step.size for step in steps),
            label=_label(steps),
            file=sys.stderr,
            hidden=not sys.stderr.isatty(),
        ) as bar:
            copier.progress = bar.update
            done = [_carried_out(copier, step) for step in steps]
    _tell(done)
    return exits.OK


def _carried_out(copier: "Copier", step: Step) -> "Copied":
    if step.upload:
        return copier.upload(step.local, step.remote)
    step.local.parent.mkdir(parents=True, exist_ok=True)
    return copier.download(step.remote, step.local)


def _uploads(copier: "Copier", source: Path, target: str, recursive: bool) -> Iterator[Step]:
    """Yield what is to be copied to the platform."""
    from avi_kernel.copying import files_below  # noqa: PLC0415 - as above

    if not source.exists():
        raise click.UsageError(f"There is no {source} on this machine.")
    top = _remote_target(copier, target.removeprefix(SPACE), source.resolve().name)
    if not source.is_dir():
        yield Step(local=source, remote=top, size=source.stat().st_size, upload=True)
        return
    _require_recursive(str(source), recursive)
    for below in files_below(source):
        local = source / below
        yield Step(local=local, remote=f"{top}/{below}", size=local.stat().st_size, upload=True)


def _remote_target(copier: "Copier", path: str, name: str) -> str:
    """Return where something goes: into a folder that is there, or is said to be one by a slash, under its own name."""
    plain = path.strip("/")
    if not plain or path.endswith("/") or _is_remote_folder(copier, plain):
        return f"{plain}/{name}".strip("/")
    return plain


def _is_remote_folder(copier: "Copier", path: str) -> bool:
    try:
        copier.listed(path)
    except ApiError as error:
        if error.status in {401, 403}:
            raise
        return False
    return True


def _downloads(copier: "Copier", source: str, target: Path, recursive: bool) -> Iterator[Step]:
    """Yield what is to be copied from the platform."""
    path = source.removeprefix(SPACE).strip("/")
    parent, _, name = path.rpartition("/")
    entry = next((one for one in copier.listed(parent) if one["name"] == name), None) if name else None
    if path and entry is None:
        raise NotFound(f"There is no {path} in your space.")
    top = target / _plain(name) if target.is_dir() and name else target
    if entry and not entry["is_folder"]:
        yield Step(local=top, remote=path, size=int(entry["size"]), upload=False)
        return
    _require_recursive(source, recursive)
    yield from _below(copier, path, top)


def _below(copier: "Copier", path: str, target: Path) -> Iterator[Step]:
    for entry in copier.listed(path):
        remote = f"{path}/{entry['name']}".strip("/")
        local = target / _plain(entry["name"])
        if entry["is_folder"]:
            yield from _below(copier, remote, local)
        else:
            yield Step(local=local, remote=remote, size=int(entry["size"]), upload=False)


def _plain(name: str) -> str:
    """Return a name under which a file may be written here: a platform, or who writes there, makes it up."""
    is_plain = name and Path(name).name == PurePosixPath(name).name == name and name.isprintable()
    if not is_plain or name.startswith("."):
        raise exits.Stop(
            f"{name!r} is no plain file name.",
            code=exits.USAGE,
            next_step="Rename it in your space, then copy it.",
        )
    return name


def _require_recursive(name: str, recursive: bool) -> None:
    if not recursive:
        raise click.UsageError(f"{name} is a folder: say -r to copy it with all in it.")


def _label(steps: list[Step]) -> str:
    return f"{len(steps)} files" if len(steps) != 1 else Path(steps[0].remote).name[:40]


def _tell(done: "list[Copied]") -> None:
    if as_json():
        output.show([_row(one) for one in done], model="", as_json=True)
        return
    for one in done:
        click.echo(f"{one.target}  {size(one.size)}{', was there' if one.was_there else ''}")
    if not done:
        click.echo("none")


def _row(one: "Copied") -> dict[str, Any]:
    return asdict(one)


COMMANDS: dict[str, click.Command] = {"cp": cp}
