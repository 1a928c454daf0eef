"""Which control groups a box gets on systems of both versions; real limits are tried in tests/sandbox."""

import pytest

from avi_kernel.box import limits
from avi_kernel.box.accounts import own_groups
from avi_kernel.box.limits import Limits

VERSION_1 = """\
30 25 0:26 / {root}/cg/memory rw,relatime - cgroup cgroup rw,memory
31 25 0:27 / {root}/cg/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
32 25 0:28 /docker/abc {root}/cg/pids rw,relatime - cgroup cgroup rw,pids
33 25 0:29 / / rw - ext4 /dev/sda1 rw
"""
VERSION_2 = "30 25 0:26 / {root}/cg rw,relatime - cgroup2 cgroup2 rw\n"


def proc(tmp_path, groups, mounts):
    folder = tmp_path / "proc"
    folder.mkdir()
    (folder / "cgroup").write_text(groups)
    (folder / "mountinfo").write_text(mounts.format(root=tmp_path))
    return folder


@pytest.fixture
def joins(monkeypatch):
    monkeypatch.setattr(limits, "_can_join", lambda group: True)


def box():
    return Limits(name="box", memory_mb=100, weight=0.25, cpu_limit=0.5, pids=20)


def test_own_groups_of_version_1(tmp_path):
    groups = "4:memory:/service\n3:cpu,cpuacct:/\n2:pids:/docker/abc/inner\n1:name=systemd:/\n"
    found = own_groups(proc(tmp_path, groups, VERSION_1))
    assert found == {
        "memory": tmp_path / "cg/memory/service",
        "cpu": tmp_path / "cg/cpu,cpuacct",
        "cpuacct": tmp_path / "cg/cpu,cpuacct",
        "pids": tmp_path / "cg/pids/inner",
    }


def test_own_group_of_version_2(tmp_path):
    found = own_groups(proc(tmp_path, "0::/user.slice/me\n", VERSION_2))
    assert found == {"unified": tmp_path / "cg/user.slice/me"}


class Folders:
    """Folders that behave as control groups of version 2: files appear in new groups."""

    def __init__(self, monkeypatch, controllers_at):
        self.controllers_at = controllers_at
        real = type(controllers_at).mkdir

        def mkdir(path, *arguments, **options):
            real(path, *arguments, **options)
            if path.parent == self.controllers_at:
                for name in (
                    "memory.max",
                    "memory.swap.max",
                    "memory.peak",
                    "memory.events",
                    "pids.max",
                    "cpu.max",
                    "cpu.weight",
                ):
                    (path / name).write_text("")

        monkeypatch.setattr(type(controllers_at), "mkdir", mkdir)


def test_version_2_is_used_where_the_group_above_lets_us(tmp_path, joins, monkeypatch):
    above = tmp_path / "slice"
    own = above / "scope"
    own.mkdir(parents=True)
    (above / "cgroup.procs").write_text("")
    (own / "cgroup.procs").write_text("1\n")
    Folders(monkeypatch, above)
    made = box()
    made.create({"unified": own})
    assert made.enforced == ["memory", "pids", "cpu"]
    assert (above / "box/memory.max").read_text() == str(100 << 20)
    assert (above / "box/memory.swap.max").read_text() == "0"
    assert (above / "box/cpu.max").read_text() == "50000 100000"
    assert (above / "box/cpu.weight").read_text() == "25"
    assert (above / "box/pids.max").read_text() == "24"
    assert not (own / "box").exists()


def test_kills_and_peak_are_read_from_version_2(tmp_path, joins, monkeypatch):
    (tmp_path / "cgroup.procs").write_text("")
    Folders(monkeypatch, tmp_path)
    made = box()
    made.create({"unified": tmp_path})
    (tmp_path / "box/memory.events").write_text("low 0\noom 3\noom_kill 2\n")
    (tmp_path / "box/memory.peak").write_text(str(64 << 20))
    assert made.memory_kills() == 2
    assert made.memory_peak_mb() == 64


def test_a_system_that_lets_us_nothing_enforces_nothing(tmp_path, joins):
    (tmp_path / "cgroup.procs").write_text("")
    made = box()
    made.create({"unified": tmp_path})
    assert made.enforced == []
    assert not (tmp_path / "box").exists()
    assert (made.memory_peak_mb(), made.memory_kills(), made.cpu_seconds()) == (None, 0, None)


def test_a_group_that_cannot_be_joined_is_not_claimed(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "_can_join", lambda group: False)
    (tmp_path / "cgroup.procs").write_text("")
    Folders(monkeypatch, tmp_path)
    made = box()
    made.create({"unified": tmp_path})
    assert made.enforced == []
