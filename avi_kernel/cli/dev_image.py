"""`gavip dev --image`: what this machine does for the `gavip dev` that runs in a container."""

import re
import webbrowser
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from avi_kernel.cli import settings
from avi_kernel.protocol.folder import read_release
from avi_kernel.standalone import container, container_packages
from avi_kernel.standalone.inside import Inside

_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/\S*")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What was asked of a container, beside what `gavip dev` is asked anyway."""

    image: str
    """Empty: the manifest's."""
    memory_mb: int | None
    cpus: float | None
    port: int


def run(folder: Path, avi: str, wanted: Wanted, arguments: Sequence[str], *, browser: bool) -> int:
    """Run `gavip dev` with these arguments in a container of the AVI's folder; return its status."""
    release = read_release(folder)
    box = container.box_of(folder, release, image=wanted.image, memory_mb=wanted.memory_mb, cpus=wanted.cpus)
    box = _with_packages(box, release.requirements)
    port, page_port = container.free_ports(2, wanted.port)
    click.echo(f"In a container of {box.image}: {box.memory_mb} MB, {box.cpus:g} cores.", err=True)
    return container.run(
        box,
        Inside(avi=avi, port=port, page_port=page_port),
        [*arguments, "--port", str(port), "--no-browser"],
        told=Teller(ports=(port, page_port) if browser else ()),
    )


def _with_packages(box: container.Box, requirements: Sequence[str]) -> container.Box:
    if not requirements:
        return box
    kept = container_packages.kept_at(Path(settings.cache_folder()), box, requirements)
    if not kept.is_dir():
        click.echo("Fetching what requirements.txt asks for; it is kept for the next start.", err=True)
        container_packages.build(box, kept)
    return box.with_packages(kept)


class Teller:
    """Prints what the container says, and opens the first address of its own.

    Parameters
    ----------
    ports
        Of the container: a stranger's code may print addresses of whatever else listens on this machine.
    """

    def __init__(self, *, ports: Collection[int]) -> None:
        self._ports = {str(port) for port in ports}

    def __call__(self, line: str) -> None:
        """Print a line."""
        click.echo(line, nl=False)
        found = _ADDRESS.search(line)
        if found and found[1] in self._ports:
            self._ports.clear()
            webbrowser.open(found[0])
