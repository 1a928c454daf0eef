"""What may be asked of the one process that holds the engine's socket: whoever holds that is root.

Hub and service are trusted to say *that* a container is to run, not to invent what it sees: a hole in either of them must not
open the machine, nor one user's folder to another.
"""

import re
from pathlib import Path

from avi_kernel.protocol.environments import ENVIRONMENT_TARGET
from gavip_hub.backends.docker.container_folders import SPARE
from gavip_hub.domain.container import ContainerSpec, Kind, Mount, Resources
from gavip_hub.exceptions import Forbidden

NAME = re.compile(r"gavip-(server-)?[a-z0-9]+(-[a-z0-9]+)*\Z")
MOST_PROCESSES, MOST_CORES, MOST_SCRATCH_MB = 4096, 1024, 1024 * 1024
_OWNER = re.compile(r"[a-z0-9][a-z0-9._@-]*\Z")
_DIGEST = re.compile(r"[0-9a-f]{32}\Z")
_HOME = re.compile(r"/home/[^/]+(/.*)?\Z")


def require_lawful(spec: ContainerSpec, *, root: Path, most_memory_mb: int) -> None:
    """Make sure that a container sees its owner's folders, what the platform shows to everyone, and nothing else.

    Raises
    ------
    gavip_hub.exceptions.Forbidden
        It does not; the message names what is out of place.
    """
    require_name(spec.name)
    if not _OWNER.match(spec.owner):
        raise Forbidden(f"{spec.owner!r} is no user of this platform.")
    if spec.kind is Kind.RESERVATION:
        raise Forbidden("A reservation is no container.")
    _require_size(spec.resources, most_memory_mb)
    if not (spec.cwd == "/" or spec.cwd.startswith(f"/home/{spec.owner}")) or ".." in Path(spec.cwd).parts:
        raise Forbidden(f"Nothing is run in {spec.cwd}.")
    for mount in spec.mounts:
        if ".." in Path(mount.source).parts or ".." in Path(mount.target).parts:
            raise Forbidden(f"{mount.source} is no plain path.")
        if not _seen_so(mount, spec, root):
            raise Forbidden(
                f"{mount.source} is not a folder that {spec.owner}'s containers see at {mount.target}."
            )


def _require_size(resources: Resources, most_memory_mb: int) -> None:
    bounds = {
        "MB": (resources.memory_mb, most_memory_mb),
        "processes": (resources.pids, MOST_PROCESSES),
        "cores": (resources.cpu_limit, MOST_CORES),
        "cores' weight": (resources.weight or resources.cpu, MOST_CORES),
        "MB of scratch": (resources.scratch_mb, MOST_SCRATCH_MB),
    }
    for what, (asked, most) in bounds.items():
        if not 0 < asked <= most:
            raise Forbidden(f"A container may have up to {most} {what}, and not {asked}.")


def require_name(name: str) -> None:
    """Make sure that a name is one of our containers'.

    Raises
    ------
    gavip_hub.exceptions.Forbidden
        It is not.
    """
    if not NAME.match(name) or name.startswith(SPARE):
        raise Forbidden(f"{name!r} is no container of this platform.")


def _seen_so(mount: Mount, spec: ContainerSpec, root: Path) -> bool:
    """Tell whether the platform shows this folder at this place: what lies where, its doorkeeper believes."""
    source = Path(mount.source)
    if mount.target == "/attempt":  # its log is written there, by root
        return source == root / "attempts" / spec.name
    if mount.target == "/avi":
        return not mount.writable and root / "checkouts" in source.parents
    if mount.target == ENVIRONMENT_TARGET:
        return (
            not mount.writable and source.parent == root / "environments" and bool(_DIGEST.match(source.name))
        )
    own = root / "users" / spec.owner
    shown = [
        root / "shared" / "everyone",
        *(root / "shared" / name / spec.owner for name in ("groups", "me")),
    ]
    lawful = [own] if mount.writable else [own, *shown]
    return bool(_HOME.match(mount.target)) and any(source.is_relative_to(folder) for folder in lawful)
