"""What `gavip image` can do beyond the bare operations: give a downloaded image to the engine of this machine."""

import sys

import click

from avi_kernel.cli import exits
from avi_kernel.cli.calls import Given, connected, named, save, tell_saved
from avi_kernel.cli.special import Special
from avi_kernel.openapi import Operation, Schemas

_LOAD = ("docker", "load", "--input")


def download(operation: Operation, schemas: Schemas, given: Given) -> int:  # noqa: ARG001 - as all are called
    """Save an image's archive, and load it or say how that is done."""
    load = given.pop("load")
    given["output"] = given["output"] or f"{named(str(given['image']))}.tar.gz"
    if load:
        _require_docker(given["output"])
    with connected() as transport:
        target = save(transport, operation, given)
    tell_saved(target)
    if load:
        return _loaded(target)
    if target != "-":
        click.echo(f"Next: {_load_command(target)}", err=True)
    return exits.OK


def _load_command(target: str) -> str:
    import shlex  # noqa: PLC0415 - help does without, as without the next ones

    return shlex.join([*_LOAD, target])


def _require_docker(target: str) -> None:
    if target == "-":
        raise click.UsageError("--load needs a file: leave out `--output -`, or pipe it into docker load.")
    from avi_kernel.standalone import engine  # noqa: PLC0415 - as above

    with exits.told_plainly():
        engine.require_command("--load")


def _loaded(target: str) -> int:
    """Give the archive to the engine, which says itself what it has loaded."""
    import subprocess  # noqa: PLC0415 - as above

    sys.stdout.flush()
    if subprocess.run([*_LOAD, target], check=False).returncode:
        raise exits.Stop(
            f"The engine did not load {target}; it lies there, whole.",
            code=exits.SERVER,
            next_step=f"Does `docker info` answer? Then: {_load_command(target)}",
        )
    return exits.OK


SPECIAL = {
    "image.download": Special(
        run=download,
        option=lambda: click.Option(
            ["--load"], is_flag=True, help="Load it into this machine's Docker engine, too."
        ),
    ),
}
