"""The container engine of a developer's machine, asked by its own command `docker`."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

LABEL = "gavip.dev"
"""Containers of `gavip dev` have it."""
_PATIENCE = 60.0
_GENTLY = 5
"""Seconds in which a container may end its jobs by itself."""
_NO_IMAGE = ("no such image", "no such object")
_FORBIDDEN = "permission denied"


class ContainerProblem(Exception):
    """No container can be had; the message says why, and `next_step` what helps."""

    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(message)
        self.next_step = next_step


@dataclass(frozen=True, kw_only=True)
class Engine:
    """What an engine tells of itself."""

    memory_mb: int
    rootless: bool
    """Whether root in its containers is who runs it."""


def require_command(option: str) -> None:
    """Make sure that the command is there which an option needs.

    Raises
    ------
    ContainerProblem
        It is not.
    """
    if shutil.which("docker") is None:
        raise ContainerProblem(
            f"{option} needs the command docker, which is not on this machine.",
            f"Install Docker (https://docs.docker.com/get-docker/), or leave {option} out.",
        )


def require() -> Engine:
    """Make sure that an engine answers.

    Raises
    ------
    ContainerProblem
        It does not.
    """
    require_command("--image")
    asked = _docker("info", "--format", "{{.MemTotal}} {{.SecurityOptions}}")
    memory, _, options = asked.stdout.strip().partition(" ")
    if asked.returncode == 0 and memory.isdigit() and int(memory) > 0:
        return Engine(memory_mb=int(memory) // 2**20, rootless="name=rootless" in options)
    said = _last(asked.stderr) or "it said nothing"
    if _FORBIDDEN in said.lower():
        raise ContainerProblem(
            f"You may not use the Docker engine here ({said}).",
            "Join the group docker (sudo usermod -aG docker $USER, then sign in anew), or leave --image out.",
        )
    raise ContainerProblem(
        f"No Docker engine answers ({said}).", "Start Docker, then try again; or leave --image out."
    )


def image_id(image: str) -> str:
    """Return what tells an image from all others, also from a later one of the same name.

    Raises
    ------
    ContainerProblem
        It is not on this machine.
    """
    asked = _docker("image", "inspect", "--format", "{{.Id}}", image)
    if asked.returncode == 0:
        return asked.stdout.strip()
    said = _last(asked.stderr)
    if any(words in said.lower() for words in _NO_IMAGE):
        raise ContainerProblem(
            f"The image {image} is not on this machine.",
            f"Get it from your platform (gavip image download {_short(image)} --load), build it in a clone of the platform "
            "(make images), or name one that `docker images` lists: --image NAME.",
        )
    raise ContainerProblem(
        f"The engine does not tell of the image {image} ({said}).", "Look at it: docker info"
    )


def end(container: str) -> None:
    """End a container and have nothing of it left: gently, so that its jobs are told cancelled, then for sure."""
    try:
        _docker("stop", "-t", str(_GENTLY), container)
    finally:  # also where Ctrl-C is pressed twice
        _docker("rm", "--force", "--volumes", container)


def _docker(*arguments: str) -> "subprocess.CompletedProcess[str]":
    # In a session of its own: Ctrl-C is ours to answer, and no reason to leave a container behind.
    try:
        return subprocess.run(
            ["docker", *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_PATIENCE,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise ContainerProblem(
            f"The Docker engine did not answer within {_PATIENCE:.0f} s.", "Look at it: docker info"
        ) from None


def _short(image: str) -> str:
    """Return by which name a platform offers it."""
    return image.rsplit("/", 1)[-1].partition(":")[0]


def _last(text: str) -> str:
    lines: Sequence[str] = text.strip().splitlines()
    return lines[-1].removeprefix("Error: ").strip() if lines else ""
