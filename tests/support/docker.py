"""A Docker engine with containers of one data root, and small programs to run in them."""

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from avi_kernel.box.accounts import own_groups
from gavip_hub.backends.docker.engine import Engine
from gavip_hub.backends.docker.launcher import DockerLauncher
from gavip_hub.backends.runtime import CONTAINERS, doorkeeper_socket, platform_id, runtime_folder
from tests.support.boxes import BoxWorld
from tests.support.needs import missing

IMAGE = os.environ.get("GAVIP_TEST_IMAGE", "gavip/avi-python:0.1.0")
BOUND = 30.0


@cache
def need_engine() -> None:
    """Say what is missing where no engine answers, or it lacks the image."""
    import docker

    try:
        docker.from_env().images.get(IMAGE)
    except docker.errors.ImageNotFound:
        missing(f"the image {IMAGE}", "make images")
    except docker.errors.DockerException as error:
        missing("a Docker engine", f"scripts/engine ({error})")


WALLS = {
    "network_mode": "none",
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "tmpfs": {"/tmp": "rw,exec,nosuid,nodev,mode=1777"},
    "mem_limit": "256m",
    "memswap_limit": "256m",
    "pids_limit": 100,
}
"""What the engine itself can refuse, as `docker run` is told."""


def bare_container(code: str, *arguments: str, shown: dict[str, Path] | None = None, **measures: Any) -> str:
    """Run a program in a container of the engine, with nothing of ours in it, and return what it printed.

    Parameters
    ----------
    shown
        Folder in the container -> the machine's, to be read.
    measures
        Words of `docker run`, in place of those of `WALLS` or beside them.
    """
    import docker

    need_engine()
    mounts = [
        docker.types.Mount(place, str(folder), type="bind", read_only=True)
        for place, folder in (shown or {}).items()
    ]
    # A shell is the first process, so that the program is not.
    words = ["-c", '"$0" "$@"; exit 0', "/opt/gavip/bin/python", "-S", "-c", code, *arguments]
    return printed(words, **{**WALLS, **measures, "entrypoint": "/bin/sh", "mounts": mounts})


def printed(command: list[str], **options: Any) -> str:
    """Run a container of the image to its end, and return what it printed.

    What the engine's client gives while a container runs and is removed can be nothing, on a busy machine.
    """
    import docker

    container = docker.from_env().containers.run(IMAGE, command, detach=True, **options)
    try:
        container.wait(timeout=120)
        return container.logs().decode()
    finally:
        container.remove(force=True)


class DockerWorld(BoxWorld):
    """Users' folders, a doorkeeper and a launcher of containers below one root."""

    def __init__(self, *, root: Path, upstreams: dict[str, str] | None = None, spares: int = 0) -> None:
        self.root = root
        self.upstreams = upstreams or {}
        self.spares = spares
        (root / "state").mkdir(exist_ok=True)
        self.doorkeeper: subprocess.Popen | None = None
        self.launcher = self.fresh_launcher()

    def fresh_launcher(self) -> DockerLauncher:
        """Return a launcher that knows nothing of earlier ones, as after a restart."""
        return DockerLauncher(
            root=self.root,
            engine=Engine(platform=platform_id(self.root)),
            images={"avi-python": IMAGE, "notebook": IMAGE},
            upstreams=self.upstreams,
            spares=self.spares,
        )

    def open_doors(self) -> None:
        """Start the doorkeeper."""
        self.doorkeeper = subprocess.Popen(
            [
                sys.executable,
                "-I",
                "-m",
                "avi_kernel.doorkeeper",
                str(self.root / CONTAINERS),
                str(doorkeeper_socket(self.root)),
            ]
        )

    def kill_doorkeeper(self) -> None:
        self.doorkeeper.kill()
        self.doorkeeper.wait()

    def pid(self, name: str) -> int:
        """Return the number of a container's first process, as the host counts."""
        return self.inspect(name)["State"]["Pid"]

    def inspect(self, name: str) -> dict:
        return Engine(platform=platform_id(self.root)).inspect(name)

    def destroy(self, name: str) -> None:
        """Have a container vanish from its engine."""
        Engine(platform=platform_id(self.root)).remove(name)

    def run_dir(self, name: str) -> Path:
        return self.root / CONTAINERS / name

    def own_processes(self, name: str) -> int:
        return 1  # the first process of a container is told the command

    def weight(self, name: str) -> int:
        group = own_groups(Path(f"/proc/{self.pid(name)}"))
        seen = Path(f"/proc/{self.pid(name)}/root")
        files = [seen / str(folder).lstrip("/") / "cpu.shares" for folder in group.values()]
        files += [seen / str(folder).lstrip("/") / "cpu.weight" for folder in group.values()]
        return next(int(file.read_text()) for file in files if file.exists())

    def hang(self, name: str) -> None:
        os.kill(self.pid(name), signal.SIGSTOP)

    def clean(self) -> None:
        if self.doorkeeper.poll() is not None:
            self.open_doors()
        with self.launcher.spares._filling:  # one that is being started is waited for
            self.launcher.spares.empty()
        for name in self.launcher.names():
            self.launcher.remove(name)
        self.doorkeeper.terminate()
        self.doorkeeper.wait()
        runtime = runtime_folder(self.root)
        doorkeeper_socket(self.root).unlink(missing_ok=True)
        runtime.rmdir()


class Turn:
    """One process of a test run at a time: names of containers are the engine's, and tests choose plain ones.

    Its file tells whose containers there may be. What a run leaves that is killed stands on an engine through restarts
    of the machine, and would keep its names from every later run.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._held: list[int] = []

    def __enter__(self) -> None:
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        if not self._held:  # else this process has it, and would wait for itself
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        self._held.append(descriptor)

    def __exit__(self, *_: object) -> None:
        if len(self._held) == 1:
            os.ftruncate(self._held[0], 0)
        os.close(self._held.pop())  # the first one, which holds the lock, goes last

    def begin(self, platform: str) -> None:
        """Note whose containers are started from now on, once those of runs that did not come to their end are gone."""
        if len(self._held) == 1:
            for killed in self._file.read_text().split():
                engine = Engine(platform=killed)
                for name in engine.names():
                    engine.remove(name)
            os.ftruncate(self._held[0], 0)
        os.write(self._held[0], f"{platform}\n".encode())


TURN = Turn(Path(tempfile.gettempdir()) / "gavip-test-engine.lock")


@contextmanager
def docker_world(upstreams: dict[str, str] | None = None, *, spares: int = 0) -> Iterator[DockerWorld]:
    """Give a world whose containers are all gone at the end."""
    need_engine()
    with TURN, tempfile.TemporaryDirectory(prefix="containers-") as folder:
        world = DockerWorld(root=Path(folder).resolve(), upstreams=upstreams, spares=spares)
        TURN.begin(platform_id(world.root))
        world.open_doors()
        try:
            yield world
        finally:
            world.clean()
