"""From the one description of a container to the box that the shim starts."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from avi_kernel.protocol.boxes import API_ADDRESS, BOX_RUN, EGRESS_ADDRESS, WAYS_RUN, Bind, BoxSpec
from avi_kernel.protocol.runs import LOG_FILE
from gavip_hub.backends.binds import etc_binds, system_binds, system_links
from gavip_hub.backends.programs import OUTSIDE_PYTHON, own_path
from gavip_hub.domain.container import ContainerSpec, Kind

API_PREFIX = "/services/gavip/api"
HUB_PREFIX = "/hub/api"


IMAGE_PROGRAMS = Path("/opt/gavip/bin")
"""Where our images have Python and its programs."""


@dataclass(frozen=True, kw_only=True)
class BoxPlaces:
    """Where one box has its folders on the platform's side, and what makes its walls."""

    run_dir: Path
    socket_dir: Path
    uid: int | None
    bwrap: Path | None = None
    image: bool = False
    """Its system is that of an image, not this machine's."""

    @property
    def sandbox(self) -> Literal["bubblewrap", "docker", "none"]:
        """What makes its walls."""
        return "docker" if self.image else "bubblewrap" if self.bwrap else "none"

    @property
    def walled(self) -> bool:
        """Whether it sees only what is put into it."""
        return self.sandbox != "none"

    @property
    def python(self) -> str:
        """Its interpreter."""
        return str(IMAGE_PROGRAMS / "python") if self.image else sys.executable


def box_spec(spec: ContainerSpec, *, places: BoxPlaces, upstreams: Mapping[str, str]) -> BoxSpec:
    """Describe the box of a container, within its walls or with real paths where there are none."""
    walled = places.walled
    env = {"OMP_NUM_THREADS": str(max(1, round(spec.resources.cpu)))}  # else one a core of the machine
    env |= {**_scratch(spec, "/tmp" if walled else str(places.run_dir / "tmp")), **spec.env}  # noqa: S108 - the box's own
    env["PATH"] = os.pathsep.join([str(IMAGE_PROGRAMS), *OUTSIDE_PYTHON]) if places.image else own_path()
    env.update(_addresses(spec, places, upstreams))
    real = {} if walled else {mount.target: mount.source for mount in spec.mounts}
    resources = spec.resources
    return BoxSpec(
        name=spec.name,
        argv=[places.python if word == "python" else word for word in spec.command],
        env={name: _moved(value, real) for name, value in env.items()},
        cwd=_moved(spec.cwd, real),
        binds=_binds(spec, places) if walled else [],
        links={} if places.image or not walled else system_links(),
        run_dir=str(places.run_dir),
        socket_dir=str(places.socket_dir),
        log_file=str(_log_file(spec, places)),
        memory_mb=resources.memory_mb,
        weight=resources.weight or resources.cpu,
        cpu_limit=resources.cpu_limit,
        pids=resources.pids,
        scratch_mb=resources.scratch_mb,
        written_mb=resources.written_mb,
        written_dirs=[mount.source for mount in spec.mounts if mount.writable],
        time_limit=resources.time_limit,
        uid=places.uid if walled else None,
        sandbox=places.sandbox,
        bwrap=str(places.bwrap or ""),
        serves=spec.kind is not Kind.JOB,
        api_upstreams={API_PREFIX: upstreams[API_PREFIX]} if API_PREFIX in upstreams else {},
        api_pages=_hub_pages(spec, upstreams),
        allowed_hosts=list(spec.allowed_hosts),
    )


def _scratch(spec: ContainerSpec, folder: str) -> dict[str, str]:
    """Lead what insists on writing files to the scratch folder: the home of an AVI is read-only."""
    names = {"TMPDIR": "", "JUPYTER_RUNTIME_DIR": "/.runtime"}
    if spec.kind is not Kind.NOTEBOOK:
        names |= {"IPYTHONDIR": "/.ipython", "MPLCONFIGDIR": "/.matplotlib", "XDG_CACHE_HOME": "/.cache"}
        names |= {"XDG_CONFIG_HOME": "/.config", "JUPYTER_CONFIG_DIR": "/.jupyter"}
    return {name: folder + below for name, below in names.items()}


def _addresses(spec: ContainerSpec, places: BoxPlaces, upstreams: Mapping[str, str]) -> dict[str, str]:
    """Tell the box how to reach the platform: through the shim's gate, or directly where there is no sandbox."""
    inside = places.walled
    gate = "http://{}:{}".format(*API_ADDRESS)
    env = {"GAVIP_API_URL": (gate if inside else upstreams.get(API_PREFIX, gate)) + API_PREFIX}
    if inside:
        proxy = "http://{}:{}".format(*EGRESS_ADDRESS)
        for name, value in {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "NO_PROXY": API_ADDRESS[0]}.items():
            env |= {name: value, name.lower(): value}
    if spec.kind is not Kind.JOB:
        socket = f"{BOX_RUN if inside else places.socket_dir / 'box'}/s.sock"
        prefix = spec.env.get("JUPYTERHUB_SERVICE_PREFIX", "/")
        env["GAVIP_SOCKET"] = socket
        env["JUPYTERHUB_API_URL"] = (gate if inside else upstreams.get(HUB_PREFIX, gate)) + HUB_PREFIX
        env["JUPYTERHUB_ACTIVITY_URL"] = f"{env['JUPYTERHUB_API_URL']}/users/{spec.owner}/activity"
        env["JUPYTERHUB_SERVICE_URL"] = f"http+unix://{quote(socket, safe='')}{prefix}"
    return env


def _hub_pages(spec: ContainerSpec, upstreams: Mapping[str, str]) -> dict[str, str]:
    """Return what of the Hub's API a server needs, to sign people in and to tell that they are there; a job nothing."""
    if spec.kind is Kind.JOB or HUB_PREFIX not in upstreams:
        return {}
    paths = ["", "/user", "/oauth2/token", f"/users/{spec.owner}/activity"]  # the first one tells the version
    return {HUB_PREFIX + path: upstreams[HUB_PREFIX] for path in paths}


def _binds(spec: ContainerSpec, places: BoxPlaces) -> list[Bind]:
    mounts = [Bind(source=one.source, target=one.target, writable=one.writable) for one in spec.mounts]
    sockets = Bind(source=str(places.socket_dir / "box"), target=BOX_RUN, writable=True)
    etc = etc_binds(places.run_dir / "etc", image=places.image)
    if places.image:
        own = (
            [] if spec.kind is Kind.JOB else [sockets]
        )  # what lies there has no limit: for those alone that serve
        return [*etc, *mounts, *own, Bind(source=str(places.socket_dir / "ways"), target=WAYS_RUN)]
    return [*system_binds(), *etc, *mounts, sockets]


def _log_file(spec: ContainerSpec, places: BoxPlaces) -> Path:
    attempt = next((mount.source for mount in spec.mounts if mount.target == "/attempt"), None)
    return Path(attempt or places.run_dir, LOG_FILE)


def _moved(value: str, real: Mapping[str, str]) -> str:
    """Replace a path inside the box by the real one, the longest match first."""
    for target in sorted(real, key=len, reverse=True):
        if value == target or value.startswith(f"{target}/"):
            return real[target] + value[len(target) :]
    return value
