"""Starts, watches and ends containers of one data root on a Docker engine."""

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from typing_extensions import override

from avi_kernel.protocol.boxes import END_FILE, GO_FILE, Bind, BoxSpec
from avi_kernel.protocol.manifest import DEFAULT_IMAGE
from gavip_hub.backends.base import Liveness, Observation, State
from gavip_hub.backends.boxspec import API_PREFIX, HUB_PREFIX
from gavip_hub.backends.docker import scratch
from gavip_hub.backends.docker.container_folders import SPARE, ContainerFolders
from gavip_hub.backends.docker.doorbell import Doorbell
from gavip_hub.backends.docker.endings import record_of
from gavip_hub.backends.docker.engine import PLATFORM, Engine
from gavip_hub.backends.docker.mounted import Identity, identities, require_mounted
from gavip_hub.backends.docker.options import SCRATCH, create_options
from gavip_hub.backends.docker.spares import Spares
from gavip_hub.backends.folders import open_mounts
from gavip_hub.backends.launched import Launcher
from gavip_hub.backends.records import first_asked
from gavip_hub.backends.runtime import platform_id
from gavip_hub.backends.uids import Uids
from gavip_hub.config import NOTEBOOK_IMAGE, Gavip
from gavip_hub.domain.container import ContainerSpec, Kind
from gavip_hub.exceptions import Unavailable

HANGS_AFTER = 30.0
"""Seconds in which a container that was asked to end has done so, even where its command is stubborn."""


class DockerLauncher(Launcher):
    """The containers of one data root: the engine knows which there are, a folder each what they are.

    Every method is synchronous: call it in a thread.

    Parameters
    ----------
    root
        The data root; the engine sees it under the same path.
    engine
        Where containers run.
    images
        What they run in, by the platform's own names.
    upstreams
        URL path prefix -> `http://host:port` of Hub and service, as the doorkeeper reaches them.
    spares
        How many interfaces stand ready before anybody asks.
    """

    def __init__(
        self,
        *,
        root: Path,
        engine: Engine,
        images: Mapping[str, str],
        upstreams: Mapping[str, str],
        spares: int = 0,
    ) -> None:
        (root / "state").mkdir(parents=True, exist_ok=True)
        self._folders = ContainerFolders(root=root, upstreams=upstreams)
        self._engine = engine
        self._images = images
        self._doorbell = Doorbell(root=root)
        self._uids = Uids(path=root / "state" / "uids.json") if os.geteuid() == 0 else None
        self.spares = Spares(
            wanted=spares if self._uids else 0,
            image=DEFAULT_IMAGE,
            folders=self._folders,
            engine=engine,
            start=self._start_spare,
            discard=self.remove,
            tell=self._doorbell.tell,
        )

    @override
    def launch(self, spec: ContainerSpec) -> State:
        """Start a container, or take one that stands ready.

        Returns
        -------
        State
            `container`, `run_dir`, `socket` (where a server answers, once it is ready).

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            A container of this name exists, or it could not be started: then `remove` it.
        """
        uid = self._uids.of(spec.owner) if self._uids else None
        open_mounts(spec, uid=uid)
        box = self.spares.claim(spec, person=uid) if self.spares.wanted and uid is not None else None
        if box is None:
            box = self._start(spec, uid)
        else:
            self.spares.fill_soon()
        return {"run_dir": box.run_dir, "socket": f"{box.socket_dir}/s.sock"}

    def _start(self, spec: ContainerSpec, uid: int | None, *, room: Sequence[str] = ()) -> BoxSpec:
        box = self._folders.make(spec, uid=uid)
        if spec.kind is Kind.JOB and uid is not None and scratch.possible():
            folder = scratch.make(Path(box.run_dir), size_mb=box.scratch_mb, uid=uid)
            box.binds.append(Bind(source=str(folder), target=SCRATCH, writable=True))
        wanted = identities(box.binds)
        self._doorbell.tell(f"open {spec.name}")
        labels = {**spec.labels, PLATFORM: self._engine.platform}
        self._engine.create(
            create_options(box, image=self._image(spec), user=_user(box), labels=labels, room=room)
        )
        self._engine.start(spec.name)
        self._let_go(box, wanted)
        return box

    def _start_spare(self, spec: ContainerSpec, uid: int) -> BoxSpec:
        return self._start(spec, uid, room=("/home", "/avi"))

    def _image(self, spec: ContainerSpec) -> str:
        if spec.image not in self._images:
            raise Unavailable(
                f"This platform has no image {spec.image!r}; it has {', '.join(sorted(self._images))} (setting `images`)."
            )
        return self._images[spec.image]

    def _let_go(self, box: BoxSpec, wanted: dict[str, Identity]) -> None:
        """Let the container's first process begin, once it is seen that it has the folders that were meant."""
        found = self._engine.inspect(box.name)
        if found is None or not found["State"]["Pid"]:  # it has ended by itself: its record tells how
            return
        try:
            require_mounted(found["State"]["Pid"], wanted)
        except Unavailable:
            self._engine.signal(box.name, "SIGKILL")
            raise
        Path(box.socket_dir, "ways", GO_FILE).touch()

    @override
    def look(self, name: str) -> Observation:
        """See how a container is; one that the doorkeeper wants to end is asked to.

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            The engine does not answer, so that nothing is known.
        """
        found = self._engine.inspect(name)
        if found is None:
            return Observation(liveness=Liveness.LOST)
        status = found["State"]["Status"]
        if status == "created" and found["State"]["ExitCode"] == 0:
            return Observation(liveness=Liveness.STARTING)
        if status in ("running", "paused", "restarting"):
            if (self._folders.of(name) / END_FILE).exists():
                self.stop(name)  # its own first process may have taken no notice of the doorkeeper's word
            return Observation(liveness=Liveness.RUNNING)
        ended = record_of(self._folders.of(name), found, self._engine.last_line(name))
        return Observation(liveness=Liveness.EXITED if ended else Liveness.LOST, exit=ended)

    @override
    def stop(self, name: str) -> None:
        """Ask a container to end, gently at first; returns at once, and does no harm where it is gone."""
        run_dir = self._folders.of(name)
        hangs = run_dir.is_dir() and time.monotonic() - first_asked(run_dir) > HANGS_AFTER
        self._engine.signal(name, "SIGKILL" if hangs or not run_dir.is_dir() else "SIGTERM")

    @override
    def remove(self, name: str) -> None:
        """Forget a container and free what it held; one that still runs is killed."""
        self._engine.remove(name)
        if self._folders.of(name).is_dir():
            with suppress(
                Unavailable
            ):  # it is away, and opens at its next start the doors of what is there then
                self._doorbell.tell(f"close {name}", within=0.0)
        self._folders.remove(name)

    @override
    def clear_unfinished(self) -> None:
        """Remove what launches and removals left that were cut short."""
        self._folders.clear_unfinished()

    @override
    def names(self) -> list[str]:
        """Return the names of all containers that were started, or half started, and not removed; no spares."""
        known = self._folders.names() | set(self._engine.names())
        return sorted(name for name in known if not name.startswith(SPARE))

    @override
    def log_file(self, name: str) -> Path | None:
        """Return the log of a container; None where there is none."""
        box = self._folders.box(name)
        return Path(box.log_file) if box else None


def _user(box: BoxSpec) -> str:
    number, group = (os.getuid(), os.getgid()) if box.uid is None else (box.uid, box.uid)
    return f"{number}:{group}"


def docker_launcher(config: Gavip) -> DockerLauncher:
    """Return what starts containers, as the settings say; for the one process that holds the engine's socket."""
    return DockerLauncher(
        root=config.root,
        engine=Engine(platform=platform_id(config.root), address=config.docker_engine),
        images=config.images,
        upstreams={API_PREFIX: config.service_url, HUB_PREFIX: config.hub_url},
        spares=config.spare_interfaces,
    )


def require_engine(config: Gavip) -> str:
    """Make sure that the engine answers and has the images that the settings name; return its version.

    Raises
    ------
    gavip_hub.exceptions.Unavailable
        It does not; the message says what to do.
    """
    engine = Engine(platform=platform_id(config.root), address=config.docker_engine)
    return engine.require(
        [config.images[name] for name in (DEFAULT_IMAGE, NOTEBOOK_IMAGE) if name in config.images]
    )
