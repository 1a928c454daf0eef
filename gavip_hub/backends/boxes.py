"""Starts, watches and ends boxes: processes of users under the shim, as servers and as jobs."""

import fcntl
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from typing_extensions import override

from avi_kernel.protocol.boxes import EXIT_FILE, SPEC_FILE, STATE_FILE, BoxSpec, ExitRecord, ShimState
from gavip_hub.backends.base import Liveness, Observation, State
from gavip_hub.backends.binds import require_apart, write_etc
from gavip_hub.backends.boxspec import BoxPlaces, box_spec
from gavip_hub.backends.folders import open_mounts
from gavip_hub.backends.launched import Launcher
from gavip_hub.backends.leftovers import Leftovers, remove_with_sockets
from gavip_hub.backends.records import create_private, first_asked, read_record
from gavip_hub.backends.runtime import runtime_folder, socket_folder
from gavip_hub.backends.sandbox import SandboxReport
from gavip_hub.backends.shim import run_shim
from gavip_hub.backends.uids import Uids
from gavip_hub.domain.container import ContainerSpec
from gavip_hub.exceptions import Unavailable
from gavip_hub.trees import remove_path

LOCK_FILE = "lock"
CGROUPS_FILE = "cgroups"
HANGS_AFTER = 30.0
"""Seconds in which a shim that was asked to end its box has done so, even where the box is stubborn."""
_GONE_WITHIN = 10.0


class BoxLauncher(Launcher):
    """The boxes of one data root; all that is known of them is in files, so that any process finds them again.

    Every method is synchronous and takes milliseconds, `launch` about a tenth of a second: call it in a thread.

    Parameters
    ----------
    root
        The data root; boxes live below its folder `boxes`.
    sandbox
        What `gavip_hub.backends.sandbox.detect` found.
    upstreams
        URL path prefix -> `http://host:port` of Hub and service, as a box may reach them.

    Raises
    ------
    gavip_hub.exceptions.Unavailable
        Boxes would see the data root among the system's files.
    """

    def __init__(self, *, root: Path, sandbox: SandboxReport, upstreams: Mapping[str, str]) -> None:
        if sandbox.bwrap is not None:
            require_apart(root)
        self._boxes = root / "boxes"
        self._boxes.mkdir(mode=0o700, parents=True, exist_ok=True)
        (root / "state").mkdir(exist_ok=True)
        self._leftovers = Leftovers(folder=self._boxes)
        self._root = root
        self._sandbox = sandbox
        self._upstreams = upstreams
        self._uids = Uids(path=root / "state" / "uids.json") if "uid" in sandbox.enforced else None

    @override
    def launch(self, spec: ContainerSpec) -> State:
        """Start a box.

        Returns
        -------
        State
            `name`, `run_dir`, `socket` (where a server answers, once it is ready), `pid`, `boot_id`, `start_time`.

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            A box of this name exists, or it could not be started: then `remove` it.
        """
        box, lock = self._prepare(spec)
        try:
            failure = run_shim(Path(box.run_dir), pass_fds=(lock,))
        finally:
            os.close(lock)
        state = read_record(Path(box.run_dir, STATE_FILE), ShimState)
        if failure or state is None:
            raise Unavailable(f"the box {spec.name} did not start: {failure}")
        places = {"run_dir": box.run_dir, "socket": f"{box.socket_dir}/s.sock"}
        return {**places, **state.model_dump(exclude={"enforced"})}

    @override
    def look(self, name: str) -> Observation:
        """See how a box is."""
        run_dir = self._boxes / name
        alive = _is_locked(run_dir)
        # Read after the lock was looked at: a box that ends in between has written its record.
        if ended := read_record(run_dir / EXIT_FILE, ExitRecord):
            return Observation(liveness=Liveness.EXITED, exit=ended)
        if not alive:
            return Observation(liveness=Liveness.LOST)
        started = (run_dir / STATE_FILE).exists()
        return Observation(liveness=Liveness.RUNNING if started else Liveness.STARTING)

    @override
    def stop(self, name: str) -> None:
        """Ask a box to end, gently at first; returns at once, and does no harm where it is gone.

        A shim ends its box within seconds; one that is asked again and was asked long ago hangs, and is killed.
        """
        run_dir = self._boxes / name
        if not run_dir.is_dir():
            return
        hangs = time.monotonic() - first_asked(run_dir) > HANGS_AFTER
        _signal(read_record(run_dir / STATE_FILE, ShimState), signal.SIGKILL if hangs else signal.SIGTERM)

    @override
    def remove(self, name: str) -> None:
        """Forget a box and free what it held; one that is still alive is killed."""
        run_dir = self._boxes / name
        if not run_dir.is_dir():
            return
        deadline = time.monotonic() + _GONE_WITHIN
        while _is_locked(run_dir):
            # Again each time: one that is only starting writes its number any moment.
            _signal(read_record(run_dir / STATE_FILE, ShimState), signal.SIGKILL)
            if time.monotonic() > deadline:
                raise Unavailable(f"the box {name} does not end")
            time.sleep(0.01)
        _free_cgroups(run_dir, deadline)
        # Renamed first: a removal that is cut short leaves nothing that looks like a box.
        doomed = self._leftovers.new()
        with suppress(FileNotFoundError):  # another process removed it too
            run_dir.rename(doomed)
            remove_with_sockets(doomed)

    @override
    def clear_unfinished(self) -> None:
        """Remove what launches and removals left that were cut short: a token lies in it."""
        self._leftovers.clear(_remove_unlocked)

    @override
    def names(self) -> list[str]:
        """Return the names of all boxes that were started and not removed."""
        return sorted(path.name for path in self._boxes.iterdir() if not path.name.startswith("."))

    @override
    def log_file(self, name: str) -> Path | None:
        """Return the log of a box; None where there is no such box."""
        spec = read_record(self._boxes / name / SPEC_FILE, BoxSpec)
        return Path(spec.log_file) if spec else None

    def _prepare(self, spec: ContainerSpec) -> tuple[BoxSpec, int]:
        """Write the box's folder, whole or not at all, with its lock held: who sees it sees a live box."""
        uid = self._uids.of(spec.owner) if self._uids else None
        if self._sandbox.bwrap is not None:
            open_mounts(spec, root=self._root, uid=uid)
        new = self._leftovers.new()
        (new / "tmp").mkdir(mode=0o700, parents=True)
        sockets = socket_folder(runtime_folder(self._root), uid=uid)
        lock = os.open(new / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        places = BoxPlaces(
            run_dir=self._boxes / spec.name, socket_dir=sockets, uid=uid, bwrap=self._sandbox.bwrap
        )
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            new.chmod(0o700)
            write_etc(new / "etc", uid=os.getuid() if uid is None else uid, user=spec.owner)
            box = box_spec(spec, places=places, upstreams=self._upstreams)
            create_private(new / SPEC_FILE, box.model_dump_json())
            new.rename(places.run_dir)
        except OSError as error:
            os.close(lock)
            for left in (new, sockets):
                with suppress(OSError):
                    remove_path(left)
            told = "exists already" if places.run_dir.exists() else f"cannot be prepared ({error})"
            raise Unavailable(f"the box {spec.name} {told}") from error
        return box, lock


def _remove_unlocked(folder: Path) -> None:
    if not _is_locked(folder):
        remove_with_sockets(folder)


def _is_locked(run_dir: Path) -> bool:
    """Tell whether the shim lives: it holds this lock from before its start to its end, however it ends."""
    try:
        descriptor = os.open(run_dir / LOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _signal(state: ShimState | None, number: signal.Signals) -> None:
    """Signal the very process that wrote the state, never another one with its number."""
    if state is None or state.boot_id != Path("/proc/sys/kernel/random/boot_id").read_text().strip():
        return
    try:
        descriptor = os.pidfd_open(state.pid)
    except ProcessLookupError:
        return
    try:
        fields = Path(f"/proc/{state.pid}/stat").read_text().rpartition(")")[2].split()
        if int(fields[19]) == state.start_time:
            signal.pidfd_send_signal(descriptor, number)
    except (ProcessLookupError, FileNotFoundError):
        pass
    finally:
        os.close(descriptor)


def _free_cgroups(run_dir: Path, deadline: float) -> None:
    """End what is left in the control groups of a box whose shim was killed, and remove them."""
    try:
        groups = [Path(line) for line in (run_dir / CGROUPS_FILE).read_text().splitlines()]
    except FileNotFoundError:
        return
    for group in groups:
        while group.is_dir() and not _freed(group):
            if time.monotonic() > deadline:
                raise Unavailable(f"the control group {group} cannot be emptied")
            time.sleep(0.01)


def _freed(group: Path) -> bool:
    try:
        for number in (group / "cgroup.procs").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(number), signal.SIGKILL)
        group.rmdir()
    except OSError:
        return False
    return True
