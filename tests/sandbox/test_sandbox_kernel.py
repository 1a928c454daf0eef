"""Powers over the kernel that no box has; each is had by a container of the engine with the one measure off.

Every attack says that it tries, which is the mark that it ran, and what came of it.
"""

import os
import shutil
import stat
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.docker import bare_container
from tests.support.needs import missing

pytestmark = pytest.mark.sandbox

UID = 30_001
"""Of the first person of a data root, who is the only one here."""
TRY = """
import ctypes, os, stat, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)

def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result

def call(number, *arguments):
    return checked(libc.syscall(ctypes.c_long(number), *arguments))

print("trying", flush=True)
try:
    {attack}
    print("got it", flush=True)
except OSError as error:
    print("refused:", error.strerror, flush=True)
"""
MOUNT = 'checked(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))'
ADD_KEY = 'call(248, b"user", b"name", b"value", 5, ctypes.c_int(-2))'
SEIZE = "checked(libc.ptrace(0x4206, {whom}, 0, 0))"
OWN_USERS = "0x10000000 | 0x20000"
ROOT = {"user": "0:0"}
NO_FILTER = {"security_opt": ["no-new-privileges", "seccomp=unconfined"]}


@dataclass(frozen=True)
class Attack:
    """What a stranger's program does, and the container of the same engine in which it comes off."""

    act: str
    off: dict = field(default_factory=dict)
    """The measure that is off in the control, beside a container that has every other."""
    beside: dict = field(default_factory=dict)
    """What the control needs to have anything to attack, and does not suffice."""


ATTACKS = {
    "a setuid program": Attack(
        'if subprocess.check_output(["/avi/identity", "-u"]) != b"0\\n": raise PermissionError(0, "still a user")',
        off={"security_opt": []},
    ),
    "a device node": Attack(
        'os.mknod("/tmp/zero", 0o666 | stat.S_IFCHR, os.makedev(1, 5))',
        off={"cap_add": ["MKNOD"]},
        beside=ROOT,
    ),
    "a disk of the machine": Attack(
        'with open("/avi/disk", "rb") as disk: disk.read(512)', off={"device_cgroup_rules": ["b *:* r"]}
    ),
    "a mount": Attack(MOUNT, off={"cap_add": ["SYS_ADMIN"]}, beside=ROOT),
    "a mount as root of an own namespace": Attack(
        f"checked(libc.unshare({OWN_USERS})); {MOUNT}", off=NO_FILTER
    ),
    "ptrace of the first process": Attack(SEIZE.format(whom=1)),
    "ptrace of a process of the machine": Attack(
        SEIZE.format(whom="int(sys.argv[1])"), off={"pid_mode": "host"}
    ),
    "add_key": Attack(ADD_KEY, off=NO_FILTER),
    "keyctl": Attack("call(250, 0, -4, 1)", off=NO_FILTER),
    "request_key": Attack(f'{ADD_KEY}; call(249, b"user", b"name", None, 0)', off=NO_FILTER),
}
BY_THE_ENGINE = [name for name, attack in ATTACKS.items() if attack.off]
"""What the engine's own walls refuse; ours stand behind these, and alone before the first process of a container."""


@pytest.fixture
def victim():
    """A process of the machine that runs as the same numeric user as the box."""
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, user=UID, group=UID)
    yield process.pid
    process.communicate(b"")


@pytest.fixture
def disk(tmp_path):
    """A disk, such as the machine's own, which some machines show to nobody."""
    if os.geteuid() != 0:
        missing("root", "only root makes disks, and programs of root's")
    image = tmp_path / "image"
    image.write_bytes(bytes(1 << 20))
    attach = ["losetup", "--find", "--show", str(image)]
    node = subprocess.run(attach, check=True, capture_output=True, text=True).stdout.strip()
    yield Path(node).stat().st_rdev
    subprocess.run(["losetup", "--detach", node], check=True)


@pytest.fixture
def planted(disk):
    """Put what only root can make where the attack finds it: a program of root's, and a disk's node."""

    def plant(folder):
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy("/usr/bin/id", folder / "identity")
        (folder / "identity").chmod(0o4755)
        os.mknod(folder / "disk", stat.S_IFBLK, disk)
        (folder / "disk").chmod(0o444)
        folder.chmod(0o755)
        return folder

    return plant


def tried(name):
    return TRY.replace("{attack}", ATTACKS[name].act)


@pytest.mark.parametrize("name", ATTACKS)
async def test_a_box_refuses(walled, planted, victim, name):
    planted(walled.root / "checkouts/hr/abc")
    _, log = await walled.run("gavip-jattack-1", "python", "-S", "-c", tried(name), str(victim))
    assert log.startswith("trying\nrefused: ")


def in_container(name, victim, folder, measures):
    code = tried(name)
    return bare_container(code, str(victim), shown={"/avi": folder}, **{"user": f"{UID}:{UID}", **measures})


@pytest.mark.docker
@pytest.mark.parametrize("name", BY_THE_ENGINE)
def test_a_container_with_every_measure_refuses_too(planted, victim, tmp_path, name):
    log = in_container(name, victim, planted(tmp_path / "avi"), ATTACKS[name].beside)
    assert log.startswith("trying\nrefused: ")


@pytest.mark.docker
@pytest.mark.parametrize("name", ATTACKS)
def test_where_that_measure_is_off_it_comes_off(planted, victim, tmp_path, name):
    attack = ATTACKS[name]
    log = in_container(name, victim, planted(tmp_path / "avi"), attack.beside | attack.off)
    assert log == "trying\ngot it\n"
