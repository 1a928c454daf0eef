"""`box.json` as the shim reads it: the wire model `BoxSpec` without pydantic's weight."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Bind:
    """One folder or file that the box sees."""

    source: str
    target: str
    writable: bool


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One box; every field as in `avi_kernel.protocol.boxes.BoxSpec`, where it is explained."""

    name: str
    argv: list[str]
    env: dict[str, str]
    cwd: str
    binds: list[Bind]
    links: dict[str, str]
    run_dir: str
    socket_dir: str
    log_file: str
    log_limit_mb: int
    memory_mb: int
    weight: float
    cpu_limit: float
    pids: int
    open_files: int
    scratch_mb: int
    written_mb: int | None
    written_dirs: list[str]
    time_limit: int | None
    uid: int | None
    sandbox: str
    bwrap: str
    serves: bool
    api_upstreams: dict[str, str]
    api_pages: dict[str, str]
    allowed_hosts: list[str]

    @property
    def sandboxed(self) -> bool:
        """Whether the box has walls."""
        return self.sandbox == "bubblewrap"


def load(run_dir: Path) -> Spec:
    """Read what the platform wrote; it was validated when it was made."""
    document = json.loads((run_dir / "box.json").read_bytes())
    try:
        return Spec(**{**document, "binds": [Bind(**bind) for bind in document["binds"]]})
    except (TypeError, KeyError) as error:
        raise ValueError(f"{run_dir} is of another version: {error}") from error
