"""What an engine is asked for, and what may be asked of the one who holds it."""

from dataclasses import replace
from pathlib import Path

import pytest

from gavip_hub.backends.boxspec import BoxPlaces, box_spec
from gavip_hub.backends.docker.launcher import ROOM
from gavip_hub.backends.docker.lawful import require_lawful
from gavip_hub.backends.docker.options import create_options, limits_now
from gavip_hub.domain.container import Kind, Mount, Places, Resources, container_spec
from gavip_hub.exceptions import Forbidden

ROOT = Path("/data")
MOST_MB = 4096


def described(*, kind=Kind.JOB, name="gavip-ja-1", owner="ann", **resources):
    user = ROOT / "users" / owner
    places = Places(
        user_space=str(user),
        jobs=str(user / "jobs"),
        shared_everyone=str(ROOT / "shared/everyone"),
        shared_groups=str(ROOT / "shared/groups" / owner),
        shared_me=str(ROOT / "shared/me" / owner),
        avi_folder=str(user / "avis/hr"),
        checkout=str(ROOT / "checkouts/hr/abc"),
        attempt=str(ROOT / "attempts" / name) if kind is Kind.JOB else None,
    )
    limits = {"memory_mb": 256, "cpu": 0.5, "cpu_limit": 2.0} | resources
    return container_spec(
        name=name, kind=kind, owner=owner, places=places, resources=Resources(**limits), avi="hr", version="1"
    )


def options(**changes):
    places = BoxPlaces(run_dir=Path("/run/x"), socket_dir=Path("/tmp/g/ab"), uid=30_001, image=True)
    box = box_spec(described(**changes), places=places, upstreams={})
    return create_options(box, image="gavip/avi-python:1", user="30001:30001", labels={"a": "b"}, room=ROOM)


def test_nothing_is_left_open():
    host = options()["host_config"]
    assert (host["NetworkMode"], host["ReadonlyRootfs"], host["CapDrop"]) == ("none", True, ["ALL"])
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert not {"Privileged", "Devices", "PidMode", "UsernsMode", "CapAdd", "Binds"} & host.keys()


def test_memory_has_no_swap_beside_it():
    host = options(memory_mb=300)["host_config"]
    assert host["Memory"] == host["MemorySwap"] == 300 * 1024 * 1024


def test_cpu_is_promised_by_weight_and_bounded_by_time():
    host = options(cpu=0.5, cpu_limit=1.5)["host_config"]
    assert (host["CpuShares"], host["CpuQuota"] / host["CpuPeriod"]) == (512, 1.5)


def test_what_is_claimed_gets_the_limits_of_what_is_started():
    places = BoxPlaces(run_dir=Path("/run/x"), socket_dir=Path("/tmp/g/ab"), uid=30_001, image=True)
    now = limits_now(box_spec(described(cpu=0.001, cpu_limit=0.001), places=places, upstreams={}))
    host = options(cpu=0.001, cpu_limit=0.001)["host_config"]
    limits = [host[name] for name in ("Memory", "MemorySwap", "CpuPeriod", "CpuQuota", "CpuShares")]
    assert list(now.values()) == limits == [256 * 1024 * 1024, 256 * 1024 * 1024, 100_000, 1000, 2]


def test_what_counts_for_more_than_it_was_promised_weighs_more():
    assert options(cpu=0.25, weight=4.0)["host_config"]["CpuShares"] == 4096


def test_no_folder_of_a_person_is_the_engines_to_mount():
    sources = [mount["Source"] for mount in options(kind=Kind.INTERFACE)["host_config"]["Mounts"]]
    assert sources
    assert not [source for source in sources if source.startswith(str(ROOT))]


@pytest.mark.parametrize(("kind", "writable"), [(Kind.JOB, set()), (Kind.INTERFACE, {"/run/gavip"})])
def test_only_who_serves_writes_where_its_socket_lies(kind, writable):
    mounts = options(kind=kind)["host_config"]["Mounts"]
    assert {mount["Target"] for mount in mounts if not mount["ReadOnly"]} == writable


def test_nothing_of_this_machines_system_is_mounted():
    targets = {mount["Target"] for mount in options()["host_config"]["Mounts"]}
    assert not {"/usr", "/bin", "/lib"} & targets
    assert "/etc/passwd" in targets


def test_python_is_that_of_the_image():
    assert options()["command"][0] == "/opt/gavip/bin/python"


def test_no_token_stands_in_what_the_engine_is_told():
    assert "environment" not in options()


@pytest.mark.parametrize("kind", [Kind.JOB, Kind.INTERFACE, Kind.NOTEBOOK])
def test_what_the_platform_describes_is_lawful(kind):
    require_lawful(described(kind=kind), root=ROOT, most_memory_mb=MOST_MB)


def test_a_folder_that_its_user_granted_is_lawful():
    spec = mounted("/data/users/ann/papers", target="/home/ann/papers", writable=True)
    require_lawful(spec, root=ROOT, most_memory_mb=MOST_MB)


def mounted(source, target="/home/ann/x", *, writable=False):
    spec = described()
    return replace(spec, mounts=(*spec.mounts, Mount(source=source, target=target, writable=writable)))


@pytest.mark.parametrize(
    "spec",
    [
        mounted("/etc"),
        mounted("/"),
        mounted("/data"),
        mounted("/data/users"),
        mounted("/data/users/bob"),
        mounted("/data/users/ann/../bob"),
        mounted("/data/users/annabel"),
        mounted("/data/secrets"),
        mounted("/data/containers/gavip-jb-1"),
        mounted("/data/attempts/gavip-jb-1"),
        mounted("/data/attempts/gavip-jb-1", target="/attempt", writable=True),
        mounted("/data/attempts/gavip-ja-1/results", target="/attempt", writable=True),
        mounted("/data/users/ann", target="/attempt", writable=True),
        mounted("/data/shared/groups/ann", target="/attempt"),
        mounted("/data/shared/groups"),
        mounted("/data/shared/groups/bob"),
        mounted("/data/shared/me/bob"),
        mounted("/data/users/ann/avis/hr", target="/avi"),
        mounted("/data/checkouts", target="/avi"),
        mounted("/data/checkouts/hr/abc", target="/avi", writable=True),
        mounted("/data/checkouts/hr/abc", writable=True),
        mounted("/data/shared/everyone", writable=True),
        mounted("/var/run/docker.sock"),
        mounted("/data/users/ann", target="/usr"),
        mounted("/data/users/ann", target="/home/ann/../../opt/gavip"),
        replace(described(), owner="."),
        replace(described(), owner="ann/.."),
        replace(described(), name="somebody-elses"),
        replace(described(), name="gavip-../../x"),
        replace(described(), kind=Kind.RESERVATION),
        described(memory_mb=MOST_MB + 1),
        described(memory_mb=0),
        described(pids=-2),
        described(pids=1_000_000),
        described(cpu_limit=1e9),
        described(weight=1e9),
        described(scratch_mb=10**10),
        replace(described(), cwd="/proc/self/fd/7"),
        replace(described(), cwd="/home/ann/../bob"),
        replace(described(), name="gavip-spare-0a1b"),
    ],
    ids=lambda spec: f"{spec.name} {spec.mounts[-1].source} at {spec.mounts[-1].target}",
)
def test_what_it_never_describes_is_refused(spec):
    with pytest.raises(Forbidden):
        require_lawful(spec, root=ROOT, most_memory_mb=MOST_MB)
