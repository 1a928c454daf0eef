"""Starts, watches and ends containers of one data root on a Docker engine."""

import os
import secrets
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from typing_extensions import override

from avi_kernel.protocol.boxes import (
    END_FILE,
    GO_FILE,
    SPEC_FILE,
    Bind,
    BoxSpec,
    ExitRecord,
    LastWords,
    Reason,
)
from avi_kernel.protocol.manifest import DEFAULT_IMAGE
from gavip_hub.backends.base import Liveness, Observation, State
from gavip_hub.backends.binds import write_etc
from gavip_hub.backends.boxspec import API_PREFIX, HUB_PREFIX, BoxPlaces, box_spec
from gavip_hub.backends.docker import scratch
from gavip_hub.backends.docker.engine import PLATFORM, Engine, seconds
from gavip_hub.backends.docker.mounted import Identity, identities, require_mounted
from gavip_hub.backends.docker.options import SCRATCH, create_options
from gavip_hub.backends.folders import open_mounts
from gavip_hub.backends.launched import Launcher
from gavip_hub.backends.records import STOP_FILE, first_asked, read_record, write_private
from gavip_hub.backends.runtime import (
    CONTAINERS,
    doorkeeper_socket,
    platform_id,
    runtime_folder,
    socket_folder,
)
from gavip_hub.backends.uids import Uids
from gavip_hub.config import NOTEBOOK_IMAGE, Gavip
from gavip_hub.domain.container import ContainerSpec, Kind
from gavip_hub.exceptions import Unavailable
from gavip_hub.trees import remove_path

HANGS_AFTER = 30.0
"""Seconds in which a container that was asked to end has done so, even where its command is stubborn."""
DOORS_WITHIN = 15.0
_BETWEEN_TRIES = 0.1
_UNFINISHED = ".new-"
_UNFINISHED_AFTER = 60.0
_NEVER = "0001-"


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
    """

    def __init__(
        self, *, root: Path, engine: Engine, images: Mapping[str, str], upstreams: Mapping[str, str]
    ) -> None:
        self._root = root
        self._folder = root / CONTAINERS
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (root / "state").mkdir(exist_ok=True)
        self._engine = engine
        self._images = images
        self._upstreams = upstreams
        self._uids = Uids(path=root / "state" / "uids.json") if os.geteuid() == 0 else None

    @override
    def launch(self, spec: ContainerSpec) -> State:
        """Start a container.

        Returns
        -------
        State
            `container`, `run_dir`, `socket` (where a server answers, once it is ready).

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            A container of this name exists, or it could not be started: then `remove` it.
        """
        box = self._prepare(spec)
        wanted = identities(box.binds)
        self._tell_doorkeeper(f"open {spec.name}")
        labels = {**spec.labels, PLATFORM: self._engine.platform}
        options = create_options(box, image=self._image(spec), user=_user(box), labels=labels)
        container = self._engine.create(options)
        self._engine.start(spec.name)
        self._let_go(box, wanted)
        return {"container": container, "run_dir": box.run_dir, "socket": f"{box.socket_dir}/s.sock"}

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
            if (self._folder / name / END_FILE).exists():
                self.stop(name)  # its own first process may have taken no notice of the doorkeeper's word
            return Observation(liveness=Liveness.RUNNING)
        ended = self._record(name, found)
        return Observation(liveness=Liveness.EXITED if ended else Liveness.LOST, exit=ended)

    @override
    def stop(self, name: str) -> None:
        """Ask a container to end, gently at first; returns at once, and does no harm where it is gone."""
        run_dir = self._folder / name
        hangs = run_dir.is_dir() and time.monotonic() - first_asked(run_dir) > HANGS_AFTER
        self._engine.signal(name, "SIGKILL" if hangs or not run_dir.is_dir() else "SIGTERM")

    @override
    def remove(self, name: str) -> None:
        """Forget a container and free what it held; one that still runs is killed."""
        self._engine.remove(name)
        run_dir = self._folder / name
        if not run_dir.is_dir():
            return
        with suppress(Unavailable):  # it is away, and opens at its next start the doors of what is there then
            self._tell_doorkeeper(f"close {name}", within=0.0)
        # Renamed first: a removal that is cut short leaves nothing that looks like a container.
        doomed = self._folder / f"{_UNFINISHED}{secrets.token_hex(6)}"
        with suppress(FileNotFoundError):  # another process removed it too
            run_dir.rename(doomed)
            _remove_folders(doomed)

    @override
    def clear_unfinished(self) -> None:
        """Remove what launches and removals left that were cut short: a token lies in it."""
        for folder in self._folder.glob(f"{_UNFINISHED}*"):
            with suppress(FileNotFoundError):  # its launch or its removal has come to its end meanwhile
                if time.time() - folder.stat().st_mtime > _UNFINISHED_AFTER:
                    _remove_folders(folder)

    @override
    def names(self) -> list[str]:
        """Return the names of all containers that were started, or half started, and not removed."""
        folders = {path.name for path in self._folder.iterdir() if not path.name.startswith(".")}
        return sorted(folders | set(self._engine.names()))

    @override
    def log_file(self, name: str) -> Path | None:
        """Return the log of a container; None where there is none."""
        box = self._box(name)
        return Path(box.log_file) if box else None

    def _prepare(self, spec: ContainerSpec) -> BoxSpec:
        """Write the container's folder, whole or not at all."""
        uid = self._uids.of(spec.owner) if self._uids else None
        open_mounts(spec, uid=uid)
        new = self._folder / f"{_UNFINISHED}{secrets.token_hex(6)}"
        new.mkdir(mode=0o700)
        sockets = socket_folder(runtime_folder(self._root), uid=uid)
        run_dir = self._folder / spec.name
        try:
            ways = sockets / "ways"
            ways.mkdir()
            ways.chmod(0o711)  # the container's user connects to what lies in it, and can change nothing
            write_etc(new / "etc", uid=os.getuid() if uid is None else uid, user=spec.owner)
            places = BoxPlaces(run_dir=run_dir, socket_dir=sockets, uid=uid, image=True)
            box = box_spec(spec, places=places, upstreams=self._upstreams)
            write_private(new / SPEC_FILE, box.model_dump_json())
            new.rename(run_dir)
            if spec.kind is Kind.JOB and uid is not None and scratch.possible():
                folder = scratch.make(run_dir, size_mb=box.scratch_mb, uid=uid)
                box.binds.append(Bind(source=str(folder), target=SCRATCH, writable=True))
        except OSError as error:
            for left in (new, sockets):
                with suppress(OSError):
                    remove_path(left)
            why = "exists already" if run_dir.exists() else f"cannot be prepared ({error})"
            raise Unavailable(f"The container {spec.name} {why}.") from error
        return box

    def _tell_doorkeeper(self, line: str, *, within: float = DOORS_WITHIN) -> None:
        """Have it open or close doors, waiting out its restart."""
        path = doorkeeper_socket(self._root)
        deadline = time.monotonic() + within
        while True:
            try:
                answer = _ask(path, line)
                break
            except OSError as error:
                if time.monotonic() >= deadline:
                    raise Unavailable(f"The doorkeeper does not answer at {path}: {error}") from error
            time.sleep(_BETWEEN_TRIES)
        if answer != "ok":
            raise Unavailable(f"The doorkeeper refused `{line}`: {answer}")

    def _box(self, name: str) -> BoxSpec | None:
        return read_record(self._folder / name / SPEC_FILE, BoxSpec)

    def _record(self, name: str, found: dict[str, Any]) -> ExitRecord | None:
        """Put together how it ended: the engine's word counts, then the platform's, then its own."""
        state = found["State"]
        run_dir = self._folder / name
        words = _last_words(self._engine.last_line(name))
        reason, message = self._why(run_dir, state, words)
        if reason is None:
            return None
        box = self._box(name)
        peak = words.memory_peak_mb if words else None
        started = state["StartedAt"] if not state["StartedAt"].startswith(_NEVER) else found["Created"]
        ended = state["FinishedAt"] if not state["FinishedAt"].startswith(_NEVER) else started
        return ExitRecord(
            exit_code=state["ExitCode"],
            reason=reason,
            message=message or _told(reason, box),
            started_at=seconds(started),
            ended_at=seconds(ended),
            memory_peak_mb=min(peak, box.memory_mb) if peak is not None and box else peak,
            cpu_seconds=words.cpu_seconds if words else None,
            course=words.course if words else [],
        )

    def _why(
        self, run_dir: Path, state: dict[str, Any], words: LastWords | None
    ) -> tuple[Reason | None, str]:
        """Return why it ended; None where nobody knows, which is the platform's own failure."""
        asked = (run_dir / STOP_FILE).exists()
        if state["Status"] == "created":
            return "failed_to_start", state["Error"]
        with suppress(OSError):
            reason, _, message = (run_dir / END_FILE).read_text().partition(" ")
            if reason in get_args(Reason):
                return reason, message  # type: ignore[return-value]  # looked at just now
        if state["OOMKilled"] and state["ExitCode"] != 0 and not asked:
            return "out_of_memory", ""
        if words is None:
            return ("stopped", "") if asked else (None, "")
        # Ended by a signal that was not ours: by the engine, as it was shut down.
        return (None, "") if words.reason == "stopped" and not asked else (words.reason, words.message)


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


def _told(reason: Reason, box: BoxSpec | None) -> str:
    if box is None:
        return ""
    return {
        "out_of_memory": f"it needed more than its {box.memory_mb} MB",
        "time_limit": f"it ran longer than its {box.time_limit} s",
    }.get(reason, "")


def _last_words(line: bytes) -> LastWords | None:
    try:
        return LastWords.model_validate_json(line)
    except ValidationError:
        return None


def _ask(path: Path, line: str) -> str:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(DOORS_WITHIN)
        connection.connect(str(path))
        connection.sendall(f"{line}\n".encode())
        with connection.makefile() as answer:
            return answer.readline().strip()


def _remove_folders(run_dir: Path) -> None:
    """Remove a container's folder with its scratch and that of its sockets."""
    scratch.free(run_dir)
    if box := read_record(run_dir / SPEC_FILE, BoxSpec):
        with suppress(OSError):
            remove_path(Path(box.socket_dir))
    remove_path(run_dir)
