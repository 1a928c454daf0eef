"""What `gavip image` can do beyond the bare operations: give a downloaded image to the engine of this machine."""

import sys

import click

from avi_kernel.cli import exits
from avi_kernel.cli.calls import Given, connected, save, tell_saved
from avi_kernel.cli.special import Special
from avi_kernel.openapi import Operation, Schemas
from avi_kernel.transport import file_name

_LOAD = ("docker", "load", "--input")


def download(operation: Operation, schemas: Schemas, given: Given) -> int:  # noqa: ARG001 - as all are called
    """Save an image's archive, and load it or say how that is done."""
    load = given.pop("load")
    given["output"] = given["output"] or _archive_name(str(given["image"]))
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


def _archive_name(image: str) -> str:
    try:
        return f"{file_name(image)}.tar.gz"
    except ValueError as error:
        raise click.UsageError(f"{error}: say with --output where to save it.") from None


def _require_docker(target: str) -> None:
    if target == "-":
        raise click.UsageError("--load needs a file: leave out `--output -`, or pipe it into docker load.")
    import shutil  # noqa: PLC0415 - as above

    if shutil.which(_LOAD[0]) is None:
        raise exits.Stop(
            "--load needs the command docker, which is not on this machine.",
            code=exits.USAGE,
            next_step="Install Docker (https://docs.docker.com/get-docker/), or leave --load out.",
        )


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
