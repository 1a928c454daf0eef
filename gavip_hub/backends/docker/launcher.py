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
from gavip_hub.backends.docker.engine import ALIVE, PLATFORM, Engine
from gavip_hub.backends.docker.options import SCRATCH, create_options
from gavip_hub.backends.docker.orders import give_order
from gavip_hub.backends.docker.shelf import Shelf
from gavip_hub.backends.docker.shown import show
from gavip_hub.backends.docker.spares import Spares
from gavip_hub.backends.folders import open_mounts
from gavip_hub.backends.launched import Launcher
from gavip_hub.backends.records import first_asked
from gavip_hub.backends.runtime import platform_id
from gavip_hub.backends.uids import Uids
from gavip_hub.config import NOTEBOOK_IMAGE, Gavip
from gavip_hub.domain.container import ContainerSpec, Kind, Mount
from gavip_hub.exceptions import Unavailable

ROOM = ("/home", "/avi", "/attempt")
"""Where a person's folders are shown."""
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
        self._root = root
        self._folders = ContainerFolders(root=root, upstreams=upstreams)
        self._engine = engine
        self._images = images
        self._doorbell = Doorbell(root=root)
        self._uids = Uids(path=root / "state" / "uids.json")
        self._starting: set[str] = set()
        """Containers that this process is starting; nobody else does."""
        self.spares = Spares(
            wanted=spares,
            image=DEFAULT_IMAGE,
            folders=self._folders,
            engine=engine,
            start=self._start,
            discard=self.remove,
            tell=self._doorbell.tell,
        )

    @override
    def launch(self, spec: ContainerSpec) -> State:
        """Start a container, or take one that stands ready.

        Returns
        -------
        State
            `run_dir`, `socket` (where a server answers, once it is ready).

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            A container of this name exists, or it could not be started: then `remove` it.
        """
        person = self._uids.of(spec.owner)
        open_mounts(spec, root=self._root, uid=person)
        self._starting.add(spec.name)
        try:
            box = self.spares.claim(spec, person=person) or self._start(spec, person)
        finally:
            self._starting.discard(spec.name)
        return {"run_dir": box.run_dir, "socket": f"{box.socket_dir}/s.sock"}

    def _start(self, spec: ContainerSpec, uid: int) -> BoxSpec:
        box = self._folders.make(spec, uid=uid)
        if spec.kind is Kind.JOB and scratch.possible():
            folder = scratch.make(Path(box.run_dir), size_mb=box.scratch_mb, uid=uid)
            box.binds.append(Bind(source=str(folder), target=SCRATCH, writable=True))
        self._doorbell.tell(f"open {spec.name}")
        labels = {**spec.labels, PLATFORM: self._engine.platform}
        user = f"{uid}:{uid}"
        self._engine.create(create_options(box, image=self._image(spec), user=user, labels=labels, room=ROOM))
        self._engine.start(spec.name)
        self._let_go(box, spec.mounts)
        return box

    def _image(self, spec: ContainerSpec) -> str:
        if spec.image not in self._images:
            raise Unavailable(
                f"This platform has no image {spec.image!r}; it has {', '.join(sorted(self._images))} (setting `images`)."
            )
        return self._images[spec.image]

    def _let_go(self, box: BoxSpec, mounts: Sequence[Mount]) -> None:
        """Show the container its person's folders, and let its first process begin."""
        found = self._engine.inspect(box.name)
        if found is None or not found["State"]["Pid"] or box.uid is None:
            return  # it has ended by itself: its record tells how
        try:
            show(found["State"]["Pid"], mounts, person=box.uid, box=box.uid)
        except Unavailable:
            self._engine.signal(box.name, "SIGKILL")
            raise
        give_order(box, GO_FILE)

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
            # Where the engine or a steward died between the two acts, nobody comes back to start it.
            return Observation(liveness=Liveness.STARTING if name in self._starting else Liveness.LOST)
        if status in ALIVE:
            return self._running(name)
        ended = record_of(self._folders.of(name), found, self._engine.last_line(name))
        return Observation(liveness=Liveness.EXITED if ended else Liveness.LOST, exit=ended)

    @override
    def look_all(self, names: Sequence[str]) -> list[Observation]:
        """See how many containers are: the engine lists what runs, and is asked for each of the others."""
        # For one of many that run, a list of all would cost more.
        alive = self._engine.alive() if len(names) > 1 else set()
        return [self._running(name) if name in alive else self.look(name) for name in names]

    def _running(self, name: str) -> Observation:
        if (self._folders.of(name) / END_FILE).exists():
            self.stop(name)  # its own first process may have taken no notice of the doorkeeper's word
        return Observation(liveness=Liveness.RUNNING)

    @override
    def stop(self, name: str) -> None:
        """Ask a container to end, gently at first; returns at once, and does no harm where it is gone."""
        run_dir = self._folders.of(name)
        hangs = run_dir.is_dir() and time.monotonic() - first_asked(run_dir) > HANGS_AFTER
        if hangs and self._never_started(name):
            self._engine.remove(name)
        else:
            self._engine.signal(name, "SIGKILL" if hangs or not run_dir.is_dir() else "SIGTERM")

    @override
    def remove(self, name: str) -> None:
        """Forget a container and free what it held; one that still runs is killed."""
        self._engine.remove(name)
        self._folders.remove(name)
        # Where it is away, it opens at its next start the doors of what is there then.
        with suppress(Unavailable):
            self._doorbell.tell(f"close {name}", within=0.0)

    def _never_started(self, name: str) -> bool:
        """Tell whether it was created by a steward that ended before it started it: then there is nothing to signal."""
        found = self._engine.inspect(name)
        return found is not None and found["State"]["Status"] == "created"

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


def docker_launcher(config: Gavip) -> DockerLauncher:
    """Return what starts containers, as the settings say; for the one process that holds the engine's socket."""
    return DockerLauncher(
        root=config.root,
        engine=Engine(platform=platform_id(config.root), address=config.docker_engine),
        images=config.images,
        upstreams={API_PREFIX: config.service_url, HUB_PREFIX: config.hub_url},
        spares=config.spare_interfaces,
    )


def docker_shelf(config: Gavip) -> Shelf:
    """Return the images that the platform gives away, as the settings say; for the same process."""
    engine = Engine(platform=platform_id(config.root), address=config.docker_engine)
    return Shelf(engine=engine, images=config.images if config.offer_images else {})


def require_engine(config: Gavip) -> str:
    """Make sure that the engine answers and has the images that the settings name; return its version.

    Raises
    ------
    gavip_hub.exceptions.Unavailable
        It does not; the message says what to do.
    """
    if os.geteuid() != 0:
        raise Unavailable(
            "Containers are started by root alone, as which the steward shows people their folders: start with `sudo gavip up --docker`."
        )
    engine = Engine(platform=platform_id(config.root), address=config.docker_engine)
    return engine.require(
        [config.images[name] for name in (DEFAULT_IMAGE, NOTEBOOK_IMAGE) if name in config.images]
    )
