"""A data root with boxes in it, and small programs to run in them."""

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

from avi_kernel.protocol.boxes import ExitRecord
from gavip_hub.backends.base import Liveness, Observation
from gavip_hub.backends.boxes import BoxLauncher
from gavip_hub.backends.sandbox import SandboxReport, detect
from gavip_hub.domain.container import ContainerSpec, Kind, Places, Resources, container_spec
from tests.support.needs import missing

BOUND = 30.0


@cache
def report() -> SandboxReport:
    """What this machine can enforce, looked at once."""
    return detect()


def needed_report(*measures: str) -> SandboxReport:
    """The same, where these measures are enforced; else say what is missing."""
    found = report()
    for measure in measures:
        if measure not in found.enforced:
            missing(
                f"enforcement of {measure}", "; ".join(found.why) or "run as root, or delegate control groups"
            )
    return found


OPEN = SandboxReport(bwrap=None, enforced=frozenset())
"""No walls: the control of every attack."""


class BoxWorld:
    """Users' folders and a launcher of boxes below one root."""

    def __init__(
        self, *, root: Path, sandbox: SandboxReport, upstreams: dict[str, str] | None = None
    ) -> None:
        self.root = root
        self.sandbox = sandbox
        self.upstreams = upstreams or {}
        self.launcher = BoxLauncher(root=root, sandbox=sandbox, upstreams=self.upstreams)

    def spec(
        self, name: str, *command: str, kind: Kind = Kind.JOB, owner: str = "ann", **changes
    ) -> ContainerSpec:
        """Describe a container; resources and fields of the description may be given by name."""
        limits = {"memory_mb": 256, "cpu": 1.0, "cpu_limit": 1.0}
        limits |= {key: changes.pop(key) for key in list(changes) if key in Resources.__dataclass_fields__}
        described = container_spec(
            name=name,
            kind=kind,
            owner=owner,
            places=self.places(
                owner,
                attempt=name if kind is Kind.JOB else None,
                avi=kind is not Kind.NOTEBOOK,
                granted=changes.pop("granted", ()),
            ),
            resources=Resources(**limits),
            avi=None if kind is Kind.NOTEBOOK else "hr",
            version=None if kind is Kind.NOTEBOOK else "1.0",
        )
        env = {**described.env, **changes.pop("env", {})}
        return replace(described, command=command, env=env, **changes)

    def places(
        self, owner: str, *, attempt: str | None = None, avi: bool = True, granted: Sequence[str] = ()
    ) -> Places:
        """Make and return the folders of one container."""
        user = self.root / "users" / owner
        folders = {
            "user_space": user,
            "jobs": user / "jobs",
            "shared_everyone": self.root / "shared/everyone",
            "shared_groups": self.root / "shared/groups" / owner,
            "shared_me": self.root / "shared/me" / owner,
        }
        if avi:
            folders |= {"avi_folder": user / "avis/hr", "checkout": self.root / "checkouts/hr/abc"}
        if attempt:
            folders["attempt"] = self.root / "attempts" / attempt
        shown = {folder: user / folder for folder in granted}
        for folder in [*folders.values(), *shown.values()]:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Places(
            **{key: str(folder) for key, folder in folders.items()},
            granted={key: str(folder) for key, folder in shown.items()},
        )

    def attempt(self, name: str) -> Path:
        return self.root / "attempts" / name

    def log(self, name: str) -> str:
        return self.launcher.log_file(name).read_text(errors="replace")

    async def run(self, name: str, *command: str, **changes) -> tuple[ExitRecord, str]:
        """Run a box to its end; return its record and its log."""
        await asyncio.to_thread(self.launcher.launch, self.spec(name, *command, **changes))
        ended = await self.end_of(name)
        return ended, self.log(name)

    async def end_of(self, name: str) -> ExitRecord:
        seen = await self.seen(name, Liveness.EXITED)
        return seen.exit

    async def seen(self, name: str, *wanted: Liveness) -> Observation:
        """Wait until a box is seen in one of these conditions."""
        async with asyncio.timeout(BOUND):
            while (found := self.launcher.look(name)).liveness not in wanted:
                await asyncio.sleep(0.01)
        return found

    async def says(self, name: str, text: str) -> str:
        """Wait until a box has printed something."""
        async with asyncio.timeout(BOUND):
            while text not in (log := self.log(name)):
                await asyncio.sleep(0.01)
        return log

    def run_dir(self, name: str) -> Path:
        return self.root / "boxes" / name

    def own_processes(self, _name: str) -> int:
        """Return how many of a box's processes have its command in their own command line, beside the command itself."""
        return 0

    def weight(self, name: str) -> int:
        """Return what the system weighs a box's processor time by, in control groups of either version."""
        groups = (self.root / "boxes" / name / "cgroups").read_text().split()
        files = [Path(group, file) for group in groups for file in ("cpu.shares", "cpu.weight")]
        return next(int(file.read_text()) for file in files if file.exists())

    def shim_pid(self, name: str) -> int:
        return json.loads((self.root / "boxes" / name / "shim.json").read_text())["pid"]

    def destroy(self, name: str) -> None:
        """Kill the shim of a box, as a crash would."""
        os.kill(self.shim_pid(name), signal.SIGKILL)

    def clean(self) -> None:
        """Remove all boxes; fail when a shim had something to complain of."""
        complaints = "".join(path.read_text() for path in self.root.glob("boxes/*/shim.err"))
        for name in self.launcher.names():
            self.launcher.remove(name)
        note = self.root / "state/runtime"
        if note.exists():
            Path(note.read_text().strip()).rmdir()
        assert complaints == "", complaints


@contextmanager
def box_world(sandbox: SandboxReport, upstreams: dict[str, str] | None = None) -> Iterator[BoxWorld]:
    """Give a world whose boxes are all gone at the end."""
    with tempfile.TemporaryDirectory(prefix="boxes-") as folder:
        world = BoxWorld(root=Path(folder).resolve(), sandbox=sandbox, upstreams=upstreams)
        try:
            yield world
        finally:
            world.clean()
