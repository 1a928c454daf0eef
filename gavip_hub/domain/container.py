"""The one description of a container, from which every spawner and every backend starts it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from avi_kernel.protocol.environments import ENVIRONMENT_TARGET, PACKAGES


class Kind(StrEnum):
    """What a container is for."""

    NOTEBOOK = "notebook"
    INTERFACE = "interface"
    JOB = "job"
    RESERVATION = "reservation"  # somebody waits for an interface


@dataclass(frozen=True, kw_only=True)
class Mount:
    """One folder of the platform as the container sees it."""

    source: str
    target: str
    writable: bool = False


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where the platform keeps what one container needs; computed by storage, used by `container_spec`."""

    user_space: str
    jobs: str
    shared_everyone: str
    shared_groups: str
    shared_me: str
    avi_folder: str | None = None
    checkout: str | None = None
    attempt: str | None = None
    environment: str | None = None
    """Packages that the release brought."""
    granted: Mapping[str, str] = field(default_factory=dict)
    """Where folders lie that the user lets the AVI write, by their names in the user-space."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a container is promised and what it may burst to."""

    memory_mb: int
    cpu: float
    """Cores that it is promised and counted with."""
    cpu_limit: float
    """Cores that it may use while nobody else needs them."""
    weight: float | None = None
    """For how many cores it counts where containers compete for them; None: for those that it is promised."""
    pids: int = 256
    scratch_mb: int = 1024
    written_mb: int | None = None
    """What it may write to its folders; None: no limit but the disk's."""
    time_limit: int | None = None


@dataclass(frozen=True, kw_only=True)
class ContainerSpec:
    """A container of any kind, before any backend was chosen."""

    name: str
    kind: Kind
    owner: str
    avi: str | None
    version: str | None
    command: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    cwd: str = "/"
    mounts: tuple[Mount, ...] = ()
    resources: Resources
    allowed_hosts: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    image: str = "avi-python"
    """Name of its system among the platform's, where its backend has images."""


COMMANDS: dict[Kind, tuple[str, ...]] = {
    Kind.JOB: ("python", "-m", "avi_kernel", "run"),
    Kind.INTERFACE: ("python", "-m", "avi_kernel.interface"),
    Kind.NOTEBOOK: ("python", "-m", "avi_kernel.interface.notebook"),
}


def container_spec(
    *,
    name: str,
    kind: Kind,
    owner: str,
    places: Places,
    resources: Resources,
    avi: str | None = None,
    version: str | None = None,
    env: dict[str, str] | None = None,
    allowed_hosts: tuple[str, ...] = (),
    image: str = "avi-python",
) -> ContainerSpec:
    """Describe one container; pure, so that mounts, limits and environment cannot drift apart.

    Parameters
    ----------
    name
        `gavip-<job>-<attempt>` or `gavip-server-<ledger id>`.
    places
        Folders on the platform's side.
    env
        What the Hub or the job engine adds: tokens, addresses, archive.
    allowed_hosts
        Hosts that the egress proxy lets this container reach.
    image
        Name of its system among the platform's.
    """
    home = f"/home/{owner}"
    work = f"{home}/avis/{avi}" if avi else home
    return ContainerSpec(
        name=name,
        kind=kind,
        owner=owner,
        avi=avi,
        version=version,
        command=COMMANDS[kind],
        env={
            **_environment(home=home, work=work, owner=owner, avi=avi, version=version),
            **({"GAVIP_PACKAGES": f"{ENVIRONMENT_TARGET}/{PACKAGES}"} if places.environment else {}),
            **(env or {}),
        },
        cwd=work,
        mounts=_mounts(home=home, work=work, kind=kind, places=places),
        resources=resources,
        allowed_hosts=allowed_hosts,
        image=image,
        labels={"gavip.kind": kind.value, "gavip.owner": owner, "gavip.avi": avi or ""},
    )


def own_spec(
    *,
    name: str,
    owner: str,
    avi: str,
    version: str,
    checkout: str,
    attempt: str,
    environment: str | None = None,
    resources: Resources,
    env: dict[str, str],
    allowed_hosts: tuple[str, ...],
    image: str,
) -> ContainerSpec:
    """Describe the container of a job of the platform's own: it sees a release's files, and no user-space; pure."""
    packages = {"GAVIP_PACKAGES": f"{ENVIRONMENT_TARGET}/{PACKAGES}"} if environment else {}
    places = {"HOME": "/attempt", "LANG": "C.UTF-8", "GAVIP_WORK_DIR": "/attempt", "GAVIP_CODE_DIR": "/avi"}
    return ContainerSpec(
        name=name,
        kind=Kind.JOB,
        owner=owner,
        avi=avi,
        version=version,
        command=COMMANDS[Kind.JOB],
        env={**places, "GAVIP_NO_KERNEL": "1", **packages, **env},
        mounts=(
            Mount(source=checkout, target="/avi"),
            *([Mount(source=environment, target=ENVIRONMENT_TARGET)] if environment else []),
            Mount(source=attempt, target="/attempt", writable=True),
        ),
        resources=resources,
        allowed_hosts=allowed_hosts,
        image=image,
        labels={"gavip.kind": Kind.JOB.value, "gavip.owner": owner, "gavip.avi": avi},
    )


def _environment(*, home: str, work: str, owner: str, avi: str | None, version: str | None) -> dict[str, str]:
    return {
        "HOME": home,
        "USER": owner,
        "LANG": "C.UTF-8",
        "GAVIP_USER": owner,
        "GAVIP_USER_SPACE": home,
        "GAVIP_WORK_DIR": work,
        **({"GAVIP_AVI": avi, "GAVIP_CODE_DIR": "/avi"} if avi else {}),
        **({"GAVIP_AVI_VERSION": version} if version else {}),
    }


def _mounts(*, home: str, work: str, kind: Kind, places: Places) -> tuple[Mount, ...]:
    """Order matters: a later mount lies on top of an earlier one."""
    mounts = [
        Mount(source=places.user_space, target=home, writable=kind is Kind.NOTEBOOK),
        Mount(source=places.jobs, target=f"{home}/jobs"),
        Mount(source=places.shared_everyone, target=f"{home}/shared/everyone"),
        Mount(source=places.shared_groups, target=f"{home}/shared/groups"),
        Mount(source=places.shared_me, target=f"{home}/shared/me"),
    ]
    mounts += [
        Mount(source=source, target=f"{home}/{folder}", writable=True)
        for folder, source in places.granted.items()
    ]
    if places.avi_folder:
        mounts.append(Mount(source=places.avi_folder, target=work, writable=True))
    if places.checkout:
        mounts.append(Mount(source=places.checkout, target="/avi"))
    if places.environment:
        mounts.append(Mount(source=places.environment, target=ENVIRONMENT_TARGET))
    if places.attempt:
        mounts.append(Mount(source=places.attempt, target="/attempt", writable=True))
    return tuple(mounts)
