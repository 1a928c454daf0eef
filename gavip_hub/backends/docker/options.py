"""From a box's description to what the engine is asked to create; nothing else decides what a container may do."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from avi_kernel.protocol.boxes import Bind, BoxSpec

MB = 1024 * 1024
OWN_PROCESSES = 2
"""The container's first process counts, and is not its user's."""
PERIOD = 100_000
"""Microseconds in which a container may use `cpu_limit` times as much."""
SCRATCH = "/tmp"  # noqa: S108  # in the container, where nobody else is
_ENGINE_LOG = {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "1"}}


def create_options(
    box: BoxSpec, *, image: str, user: str, labels: Mapping[str, str], room: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the keyword arguments of `docker.APIClient.create_container`.

    Parameters
    ----------
    image
        Its system.
    user
        `uid:gid`.
    labels
        What finds it again.
    room
        Empty folders, in which others are shown before its command runs. Its environment is told to it then, too.
    """
    return {
        "image": image,
        "name": box.name,
        "command": box.argv,
        "working_dir": "/",
        "user": user,
        "hostname": "box",
        "labels": dict(labels),
        "network_disabled": True,
        "host_config": {
            **_walls(box, room),
            **_limits(box),
            "Mounts": [_mount(bind) for bind in box.binds if not _lies_in(bind, room)],
        },
    }


def _lies_in(bind: Bind, room: Sequence[str]) -> bool:
    return any(PurePosixPath(bind.target).is_relative_to(folder) for folder in room)


def _walls(box: BoxSpec, room: Sequence[str]) -> dict[str, Any]:
    on_disk = any(bind.target == SCRATCH for bind in box.binds)
    in_memory = {SCRATCH: f"rw,exec,nosuid,nodev,mode=1777,size={box.scratch_mb * MB}"}
    return {
        "NetworkMode": "none",
        "IpcMode": "private",
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        # The engine's own filter of system calls stays on; the first process puts ours on top of it.
        "SecurityOpt": ["no-new-privileges"],
        "Tmpfs": {
            **({} if on_disk else in_memory),
            **dict.fromkeys(room, "rw,nosuid,nodev,mode=755,size=1m"),
        },
        "ShmSize": box.scratch_mb * MB,
        "RestartPolicy": {"Name": "no"},
        "LogConfig": _ENGINE_LOG,
    }


def _limits(box: BoxSpec) -> dict[str, Any]:
    ulimits = {"core": 0, "nofile": box.open_files}
    if box.written_mb is not None:
        ulimits["fsize"] = box.written_mb * MB
    now = limits_now(box)
    return {
        "Memory": now["mem_limit"],
        "MemorySwap": now["memswap_limit"],
        "CpuPeriod": now["cpu_period"],
        "CpuQuota": now["cpu_quota"],
        "CpuShares": now["cpu_shares"],
        "PidsLimit": box.pids + OWN_PROCESSES,
        "Ulimits": [{"Name": name, "Soft": most, "Hard": most} for name, most in ulimits.items()],
    }


def limits_now(box: BoxSpec) -> dict[str, Any]:
    """Return the keyword arguments of `docker.APIClient.update_container` for a container that runs already."""
    memory = box.memory_mb * MB
    return {
        "mem_limit": memory,
        "memswap_limit": memory,  # memory and swap together: there is no swap
        "cpu_period": PERIOD,
        "cpu_quota": max(1000, round(box.cpu_limit * PERIOD)),
        "cpu_shares": max(2, round(1024 * box.weight)),
    }


def _mount(bind: Bind) -> dict[str, Any]:
    return {
        "Type": "bind",
        "Source": bind.source,
        "Target": bind.target,
        "ReadOnly": not bind.writable,
        "BindOptions": {"Propagation": "rprivate"},
    }
