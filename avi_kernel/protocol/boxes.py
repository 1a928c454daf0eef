"""What the platform tells whoever stands beside a box or a container, and what these tell it."""

from typing import Literal

from avi_kernel.protocol.base import Wire

SPEC_FILE = "box.json"
STATE_FILE = "shim.json"
EXIT_FILE = "exit.json"
END_FILE = "end"
"""Beside a container: why the platform wants it to end, `<reason> <message>`."""
BOX_RUN = "/run/gavip"
"""Where a sandboxed box sees the part `box` of its socket folder."""
API_ADDRESS = ("127.0.0.2", 8081)
"""Inside a sandboxed box: the loopback address that leads to the platform's API."""
WAYS_RUN = "/run/gavip-ways"
"""Where a container sees the part `ways` of its socket folder."""
GO_FILE = "go"
"""In the ways of a container: what its first process is to run, as JSON; it begins once this is there."""
ORDER_FILE = "order"
"""In the ways of a container that stood ready: what it is, once somebody has claimed it."""
Reason = Literal["exited", "out_of_memory", "too_much_written", "time_limit", "stopped", "failed_to_start"]
EGRESS_ADDRESS = ("127.0.0.2", 8082)
"""Inside a sandboxed box: the loopback address of the egress proxy (HTTP CONNECT and plain HTTP)."""


class Bind(Wire):
    """One folder or file that the box sees."""

    source: str
    target: str
    writable: bool = False


class BoxSpec(Wire):
    """One box, ready to start: nothing is left to decide."""

    name: str
    """`gavip-<job>-<attempt>` or `gavip-server-<id>`."""
    argv: list[str]
    env: dict[str, str]
    """The whole environment; nothing is inherited."""
    cwd: str
    binds: list[Bind] = []
    links: dict[str, str] = {}
    """Links that the box sees where no bind shows them -> where each leads."""
    run_dir: str
    """The platform's own folder for this box: `box.json`, `shim.json`, `exit.json`. The box never sees it."""
    socket_dir: str
    """Short, lower-case folder of the platform; the box sees its sub-folder `box` as `/run/gavip`."""
    log_file: str
    log_limit_mb: int = 64
    memory_mb: int
    weight: float
    """For how many cores it counts where boxes compete for processor time."""
    cpu_limit: float
    """Cores that it may use while nobody else needs them."""
    pids: int = 256
    open_files: int = 4096
    """Files, sockets and pipes that one of its processes may hold at once."""
    scratch_mb: int = 1024
    written_mb: int | None = None
    """MB of the largest file that it may write, and by which `written_dirs` may grow together; None: no limit here."""
    written_dirs: list[str] = []
    time_limit: int | None = None
    """Seconds; the shim ends the box then even when the service is down."""
    uid: int | None = None
    """Numeric user of the box, where the platform may choose it (it runs as root)."""
    sandbox: Literal["bubblewrap", "docker", "none"]
    """What makes its walls."""
    bwrap: str = ""
    """Path of the bubblewrap program; empty without one."""
    serves: bool = False
    """A server: the shim joins `<socket_dir>/s.sock` to the socket that the box listens on."""
    api_upstreams: dict[str, str] = {}
    """URL path prefix -> `http://host:port` that the API gate forwards to; all else is refused."""
    api_pages: dict[str, str] = {}
    """The same for single paths, with nothing below them."""
    allowed_hosts: list[str] = []
    """`host`, `host:port` or `*.domain` that the egress proxy lets pass, 80 and 443 where no port is given; empty: none.

    `inner:` before it: it may lead to this machine or a private network.
    """


class ShimState(Wire):
    """Written by the shim as it starts the box: who it is, beyond a reusable pid."""

    name: str
    pid: int
    boot_id: str
    start_time: int
    """Clock ticks since boot, field 22 of `/proc/<pid>/stat`."""
    enforced: list[str] = []
    """Which limits are real here: `sandbox`, `memory`, `pids`, `cpu`, `network`, `uid`."""


class ExitRecord(Wire):
    """Written by the shim once the box is gone."""

    exit_code: int
    """Exit status, or 128 + signal."""
    reason: Reason
    message: str = ""
    started_at: float
    """Unix seconds."""
    ended_at: float
    memory_peak_mb: float | None = None
    cpu_seconds: float | None = None
    course: list[tuple[float, float, float]] = []
    """Seconds since its start, MB held, cores used."""


class LastWords(Wire):
    """What a container's first process says as it ends; it is the container's own, and believed no further than that."""

    reason: Reason
    message: str = ""
    memory_peak_mb: float | None = None
    cpu_seconds: float | None = None
    course: list[tuple[float, float, float]] = []
