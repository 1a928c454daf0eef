"""`gavip dev` in a container: the same command inside the platform's own image, with walls like those of a platform."""

import csv
import getpass
import io
import os
import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Thread
from typing import IO

from avi_kernel import __version__, packages
from avi_kernel.protocol.manifest import ReleaseSpec
from avi_kernel.protocol.readable import plain
from avi_kernel.standalone import engine
from avi_kernel.standalone.engine import ContainerProblem
from avi_kernel.standalone.inside import Inside
from avi_kernel.standalone.local_jobs import OWN_FOLDER, leave_out_of_git

FOLDER = "/avi"
PACKAGES = "/packages"
OWN = f"{FOLDER}/{OWN_FOLDER}"
GAVIP = "/opt/gavip/bin/gavip"
PYTHON = "/opt/gavip/bin/python"
LEAST_MEMORY_MB = 1024
OWN_MEMORY_MB = 512
"""Of the command itself and of what the page and the interface's server hold."""
PIDS = 512
SCRATCH = "1g"
KILLED = 137
_NOT_STARTED = 125
_NO_PROGRAM = frozenset({126, 127})
"""With what `docker run` ends where the image has no such program, or none that can be run."""
_OF_AN_AVI = ("avi.toml", "app.ipynb", "pipelines")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254}")
_TOLD = (
    "GAVIP_ARCHIVE_URL",
    "GAVIP_ARCHIVE_NAME",
    "GAVIP_ARCHIVE_RELEASE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "TZ",
)
"""What of this machine's environment a container is told; by name, so that no list of processes shows a value."""
_LONGEST_PIECE = 64 * 1024
"""Characters of a line that are held at once: a stranger's may have no end."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """A container of one AVI folder: what it may, and what it sees."""

    folder: Path
    own: Path
    """Where what it makes stays; all else of the folder it cannot change."""
    image: str
    name: str
    memory_mb: int
    cpus: float
    user: str
    """`uid:gid`: what it makes belongs to its developer."""
    environ: Mapping[str, str] = field(default_factory=dict)
    packages: Path | None = None
    """What was built for its kernels, beside what the image has."""
    packages_writable: bool = False
    """Whether they are just being built."""

    def with_packages(self, folder: Path, *, writable: bool = False) -> "Box":
        """Return it with a folder of packages, to be read, or to be filled."""
        return replace(self, packages=folder, packages_writable=writable)

    def command(self, *program: str, ports: Sequence[int] = (), network: str = "bridge") -> list[str]:
        """Return the command that runs a program in it until that ends, and leaves nothing behind."""
        return [
            *("docker", "run", "--rm", "--interactive", "--pull", "never"),
            *("--name", self.name, "--label", f"{engine.LABEL}=1", "--hostname", "box"),
            *(*self._walls(), "--network", network),
            *(part for port in ports for part in ("--publish", f"127.0.0.1:{port}:{port}")),
            *self._mounts(),
            *(part for name in _TOLD if name in os.environ for part in ("--env", name)),
            *(part for name, value in self._environment().items() for part in ("--env", f"{name}={value}")),
            *("--workdir", FOLDER, "--entrypoint", program[0]),
            *(self.image, *program[1:]),
        ]

    def _walls(self) -> list[str]:
        memory = f"{self.memory_mb}m"
        return [
            *("--read-only", "--tmpfs", f"/tmp:rw,exec,nosuid,nodev,mode=1777,size={SCRATCH}"),  # noqa: S108 - inside
            *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", self.user),
            # Memory and swap together: there is no swap.
            *("--memory", memory, "--memory-swap", memory, "--cpus", f"{self.cpus:g}"),
            *("--pids-limit", str(PIDS), "--shm-size", "256m", "--ulimit", "core=0"),
        ]

    def _mounts(self) -> Iterator[str]:
        yield from ("--mount", _mount(self.folder, FOLDER, writable=False))
        yield from ("--mount", _mount(self.own, OWN, writable=True))
        if self.packages:
            yield from ("--mount", _mount(self.packages, PACKAGES, writable=self.packages_writable))

    def _environment(self) -> dict[str, str]:
        own = {"HOME": "/tmp", "USER": _user(), "LOGNAME": _user()}  # noqa: S108 - inside, where nobody else is
        return {**self.environ, **own, **({packages.VARIABLE: PACKAGES} if self.packages else {})}


def _user() -> str:
    return getpass.getuser()


def _mount(source: Path, target: str, *, writable: bool) -> str:
    """Return a bind mount as `--mount` reads it: a line of CSV, so that a comma in a folder's name is part of it."""
    fields = ["type=bind", f"source={source}", f"target={target}", *([] if writable else ["readonly"])]
    line = io.StringIO()
    csv.writer(line).writerow(fields)
    return line.getvalue().strip()


def image_of(named: str, release: ReleaseSpec) -> str:
    """Return an image's full name: the one that was named, or that of the manifest in this version.

    Raises
    ------
    ContainerProblem
        It is none.
    """
    if named and any((Path(named) / part).exists() for part in _OF_AN_AVI):
        raise ContainerProblem(
            f"--image {named} names a folder.", "Write the folder first: gavip dev FOLDER --image"
        )
    if named and not _IMAGE.fullmatch(named):
        raise ContainerProblem(
            f"{named!r} is no image's name.",
            "Such as avi-java, or registry.example.org/gavip/avi-java:0.1.0.",
        )
    name = named or release.manifest.image
    return name if "/" in name or ":" in name else f"gavip/{name}:{__version__}"


def memory_of(release: ReleaseSpec) -> int:
    """Return the MB that the interface and one job of the largest pipeline may hold together."""
    figures = [each.resources.memory for each in release.pipelines]
    largest = max((figure for figure in figures if isinstance(figure, int)), default=OWN_MEMORY_MB)
    return max(LEAST_MEMORY_MB, release.manifest.interface.memory + largest + OWN_MEMORY_MB)


def own_folder(folder: Path) -> Path:
    """Make the folder in which a container may write, and return it.

    Raises
    ------
    ContainerProblem
        It is a link: it might lead to what is none of the AVI's.
    """
    own = folder / OWN_FOLDER
    if own.is_symlink() or (own.exists() and not own.is_dir()):
        raise ContainerProblem(
            f"{own} must be a folder, and no link.", f"Look at what it is, and remove it: rm {own}"
        )
    own.mkdir(exist_ok=True)
    leave_out_of_git(own)
    return own


def box_of(
    folder: Path, release: ReleaseSpec, *, image: str, memory_mb: int | None, cpus: float | None
) -> Box:
    """Describe the container of an AVI's folder, after a look whether the engine can give it.

    Raises
    ------
    ContainerProblem
        The engine cannot.
    """
    folder, image = folder.resolve(), image_of(image, release)
    there = engine.require()
    wanted = memory_mb or min(memory_of(release), there.memory_mb)
    if wanted > there.memory_mb:
        raise ContainerProblem(
            f"--memory {wanted} asks for more than the {there.memory_mb} MB that the engine has.",
            f"Take less: --memory {there.memory_mb // 2}",
        )
    engine.image_id(image)
    return Box(
        folder=folder,
        own=own_folder(folder),
        image=image,
        name=f"gavip-dev-{secrets.token_hex(6)}",
        memory_mb=wanted,
        cpus=cpus or os.cpu_count() or 1,
        # Root of a rootless engine's container is its developer, and nobody else's number is.
        user="0:0" if there.rootless else f"{os.getuid()}:{os.getgid()}",
    )


def run(box: Box, inside: Inside, arguments: Sequence[str], *, told: Callable[[str], None]) -> int:
    """Run `gavip dev` in a container until it or its developer ends it; return its status.

    Parameters
    ----------
    told
        Gets each line that it writes.
    """
    told_box = replace(box, environ={**box.environ, **inside.environment})
    command = told_box.command(GAVIP, "dev", FOLDER, *arguments, ports=(inside.port, inside.page_port))
    status = follow(box, command, told=lambda line: told(line.replace(f"{OWN}/", f"{box.own}/")))
    _require_ran(box, status)
    return status


def _require_ran(box: Box, status: int) -> None:
    if status == KILLED:
        raise ContainerProblem(
            f"The container was killed; most likely it needed more than its {box.memory_mb} MB.",
            f"Give it more: --memory {2 * box.memory_mb}",
        )
    if status == _NOT_STARTED:
        raise ContainerProblem(
            "The engine did not start the container; what it said stands above.",
            "Mend what it names, such as --cpus or --memory, and try again.",
        )
    if status in _NO_PROGRAM:
        raise ContainerProblem(
            f"There is no gavip in {box.image}; what the engine said stands above.",
            "Take one of the platform's images, or one that is made from them.",
        )


def follow(box: Box, command: Sequence[str], *, told: Callable[[str], object]) -> int:
    """Run a container's command to its end, and return its status.

    What it writes is a stranger's: a terminal would do what control characters say, such as fill the clipboard.

    Parameters
    ----------
    told
        Gets each line of its output; warnings go where ours go.
    """
    with _running(box, command) as process:
        warnings = Thread(target=_pass_on, args=(process.stderr, sys.stderr.write), daemon=True)
        warnings.start()
        _pass_on(process.stdout, told)
        status = process.wait()
        warnings.join()
    return status


def _pass_on(stream: IO[str] | None, told: Callable[[str], object]) -> None:
    while stream and (piece := stream.readline(_LONGEST_PIECE)):
        told(plain(piece))


@contextmanager
def _running(box: Box, command: Sequence[str]) -> "Iterator[subprocess.Popen[str]]":
    # Its input is a pipe that we hold: it ends also when we are killed. In a session of its own, so that
    # Ctrl-C is ours to answer.
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, errors="replace", start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            engine.end(box.name)


def free_ports(count: int, first: int = 0) -> list[int]:
    """Return loopback ports that nobody has now, beginning with a chosen one where that is not 0."""
    sockets: list[socket.socket] = []
    try:
        for number in range(count):
            one = socket.socket()
            sockets.append(one)
            one.bind(("127.0.0.1", first if number == 0 else 0))
        return [one.getsockname()[1] for one in sockets]
    except OSError as error:
        raise ContainerProblem(
            f"Port {first} is taken ({error.strerror}).", "Take another, or leave --port out."
        ) from None
    finally:
        for one in sockets:
            one.close()
