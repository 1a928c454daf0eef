"""What a launch that was cut short leaves behind goes at a later look, and nothing else does."""

import errno
import fcntl
import os
import time

import pytest

from avi_kernel.protocol.boxes import BoxSpec
from gavip_hub.backends.boxes import BoxLauncher
from gavip_hub.backends.docker.container_folders import ContainerFolders
from gavip_hub.backends.process import ProcessBackend
from tests.support.boxes import OPEN


@pytest.fixture
def launcher(tmp_path):
    return BoxLauncher(root=tmp_path, sandbox=OPEN, upstreams={})


@pytest.fixture
def unfinished(tmp_path, launcher):
    """The folder of a launch that ended before its box had a name, long ago."""
    folder, sockets = tmp_path / "boxes/.new-abc", tmp_path / "sockets"
    folder.mkdir()
    (sockets / "box").mkdir(parents=True)
    plain = {
        "argv": ["true"],
        "env": {"GAVIP_TOKEN": "t"},
        "cwd": "/",
        "memory_mb": 1,
        "weight": 1,
        "cpu_limit": 1,
    }
    places = {"run_dir": str(folder), "socket_dir": str(sockets), "log_file": str(folder / "log.txt")}
    spec = BoxSpec(name="gavip-ja-1", sandbox="none", **plain, **places)
    (folder / "box.json").write_text(spec.model_dump_json())
    (folder / "lock").touch()
    age(folder, 120)
    return folder


def age(folder, seconds):
    moment = time.time() - seconds
    os.utime(folder, (moment, moment))


async def test_it_goes_with_its_sockets_when_the_platform_looks_what_there_is(launcher, unfinished, tmp_path):
    assert await ProcessBackend(launcher=launcher).owned() == []
    assert not unfinished.exists()
    assert not (tmp_path / "sockets").exists()


def test_a_launch_that_has_only_begun_is_left_alone(launcher, unfinished):
    age(unfinished, 1)
    launcher.clear_unfinished()
    assert unfinished.exists()


def test_a_launch_that_goes_on_is_left_alone(launcher, unfinished, tmp_path):
    with (unfinished / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        launcher.clear_unfinished()
    assert unfinished.exists()
    assert (tmp_path / "sockets").exists()


def test_boxes_are_left_alone(launcher, unfinished):
    box = unfinished.rename(unfinished.with_name("gavip-ja-1"))
    launcher.clear_unfinished()
    assert box.exists()


@pytest.mark.parametrize(
    ("kind", "options"),
    [(BoxLauncher, {"sandbox": OPEN}), (ContainerFolders, {})],
    ids=["boxes", "containers"],
)
def test_one_that_cannot_be_removed_keeps_no_other_and_is_told_once(
    tmp_path, monkeypatch, caplog, kind, options
):
    remove = os.rmdir

    def refuse(name, **where):
        if name == ".new-stuck":
            raise OSError(errno.EBUSY, "Device or resource busy")
        remove(name, **where)

    monkeypatch.setattr(os, "rmdir", refuse)
    owner = kind(root=tmp_path, upstreams={}, **options)
    (folder,) = [path for path in tmp_path.iterdir() if path.name in {"boxes", "containers"}]
    for name in (".new-a", ".new-stuck", ".new-z"):
        (folder / name).mkdir()
        age(folder / name, 120)
    owner.clear_unfinished()
    owner.clear_unfinished()
    assert [path.name for path in folder.iterdir()] == [".new-stuck"]
    assert caplog.text.count("Device or resource busy; it is tried again") == 1
