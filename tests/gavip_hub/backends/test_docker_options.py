"""What an engine is asked for, and what may be asked of the one who holds it."""

from dataclasses import replace
from pathlib import Path

import pytest

from gavip_hub.backends.boxspec import BoxPlaces, box_spec
from gavip_hub.backends.docker.lawful import require_lawful
from gavip_hub.backends.docker.options import create_options
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
        shared_groups=str(ROOT / "shared/groups"),
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
    return create_options(box, image="gavip/avi-python:1", user="30001:30001", labels={"a": "b"})


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
    assert (host["CpuShares"], host["NanoCpus"]) == (512, 1_500_000_000)


def test_mounts_say_what_may_be_written():
    writable = {mount["Target"] for mount in options()["host_config"]["Mounts"] if not mount["ReadOnly"]}
    assert writable == {"/home/ann/avis/hr", "/attempt", "/run/gavip"}


def test_nothing_of_this_machines_system_is_mounted():
    targets = {mount["Target"] for mount in options()["host_config"]["Mounts"]}
    assert not {"/usr", "/bin", "/lib"} & targets
    assert "/etc/passwd" in targets


def test_python_is_that_of_the_image():
    made = options()
    assert made["command"][0] == "/opt/gavip/bin/python"
    assert made["environment"]["PATH"].startswith("/opt/gavip/bin:")


def test_a_time_limit_is_told_to_the_first_process():
    assert options(time_limit=60)["environment"]["GAVIP_TIME_LIMIT"] == "60"
    assert "GAVIP_TIME_LIMIT" not in options()["environment"]


@pytest.mark.parametrize("kind", [Kind.JOB, Kind.INTERFACE, Kind.NOTEBOOK])
def test_what_the_platform_describes_is_lawful(kind):
    require_lawful(described(kind=kind), root=ROOT, most_memory_mb=MOST_MB)


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
    ],
    ids=lambda spec: f"{spec.name} {spec.mounts[-1].source} at {spec.mounts[-1].target}",
)
def test_what_it_never_describes_is_refused(spec):
    with pytest.raises(Forbidden):
        require_lawful(spec, root=ROOT, most_memory_mb=MOST_MB)
