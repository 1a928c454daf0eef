"""Containers of a real engine through crashes of what stands beside them, and through tricks with their folders."""

import asyncio
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from gavip_hub.backends.base import Liveness
from gavip_hub.backends.docker.launcher import HANGS_AFTER
from gavip_hub.backends.records import STOP_FILE
from gavip_hub.backends.runtime import platform_id
from gavip_hub.domain.container import Kind
from gavip_hub.exceptions import Unavailable
from tests.support.docker import Turn, docker_world, printed

pytestmark = pytest.mark.docker

SPEAKS = """
import pathlib, time
print("first", flush=True)
while not pathlib.Path("/attempt/go-on").exists():
    time.sleep(0.01)
print("second", flush=True)
"""
WAITS = "import time; print('ready', flush=True); time.sleep(600)"


@pytest.fixture
def world():
    with docker_world() as containers:
        yield containers


async def test_what_is_printed_while_the_doorkeeper_is_away_is_written_down(world):
    world.launcher.launch(world.spec("gavip-ja-1", "python", "-S", "-c", SPEAKS))
    await world.says("gavip-ja-1", "first")
    world.kill_doorkeeper()
    (world.attempt("gavip-ja-1") / "go-on").touch()
    world.open_doors()
    ended = await world.end_of("gavip-ja-1")
    assert (ended.exit_code, world.log("gavip-ja-1")) == (0, "first\nsecond\n")


async def test_a_container_that_ended_by_a_signal_of_nobody_was_lost(world):
    world.launcher.launch(world.spec("gavip-ja-1", "python", "-S", "-c", WAITS))
    await world.says("gavip-ja-1", "ready")
    os.kill(world.pid("gavip-ja-1"), 15)
    seen = await world.seen("gavip-ja-1", Liveness.EXITED, Liveness.LOST)
    assert (seen.liveness, seen.exit) == (Liveness.LOST, None)


async def test_who_writes_too_much_is_ended_even_where_its_first_process_takes_no_notice(world):
    writes = (
        "f = open('big', 'wb'); [f.write(bytes(1 << 20)) for _ in range(7)]; f.flush(); g = open('more', 'wb'); [g.write(bytes(1 << 20)) for _ in range(7)]; g.flush(); "
        + WAITS
    )
    world.launcher.launch(world.spec("gavip-ja-1", "python", "-S", "-c", writes, written_mb=8))
    await world.says("gavip-ja-1", "ready")
    world.hang("gavip-ja-1")
    end = world.run_dir("gavip-ja-1") / "end"
    async with asyncio.timeout(30):
        while not end.exists():
            await asyncio.sleep(0.05)
    assert world.launcher.look("gavip-ja-1").liveness is Liveness.RUNNING  # and asked to end
    (world.run_dir("gavip-ja-1") / STOP_FILE).write_text(str(time.monotonic() - HANGS_AFTER - 1))
    async with asyncio.timeout(30):
        while (seen := world.launcher.look("gavip-ja-1")).liveness is Liveness.RUNNING:
            await asyncio.sleep(0.05)
    assert (seen.exit.reason, seen.exit.message) == (
        "too_much_written",
        "it wrote more than the 8 MB that it may",
    )


def test_a_link_put_in_place_of_a_folder_meanwhile_shows_nothing(world, monkeypatch):
    """The engine follows links: what was looked at may have been replaced before it mounts."""
    secret = world.root / "secrets"
    secret.mkdir()
    (secret / "token").write_text("the token")
    folder = world.root / "users/ann/avis/hr"
    start = world.launcher._engine.start

    def swap_and_start(name):
        folder.rename(folder.with_name("aside"))
        folder.symlink_to(secret)
        start(name)

    monkeypatch.setattr(world.launcher._engine, "start", swap_and_start)
    code = "import pathlib; print(pathlib.Path('token').read_text(), flush=True)"
    with pytest.raises(Unavailable, match="must be a folder and no link"):
        world.launcher.launch(world.spec("gavip-ja-1", "python", "-S", "-c", code))
    log = world.launcher.log_file("gavip-ja-1")
    assert not log.exists() or log.read_text() == ""


def test_an_engine_that_mounts_the_same_link_shows_it(world):
    """The control of the test above."""
    import docker

    secret = world.root / "secrets"
    secret.mkdir(mode=0o755)
    (secret / "token").write_text("the token")
    link = world.root / "link"
    link.symlink_to(secret)
    mount = docker.types.Mount("/shown", str(link), type="bind", read_only=True)
    command = ["/opt/gavip/bin/python", "-c", "print(open('/shown/token').read())"]
    shown = printed(command[1:], entrypoint=command[0], mounts=[mount], network_disabled=True)
    assert shown == "the token\n"


def test_a_link_in_place_of_a_mount_point_is_no_way_out(world, monkeypatch):
    """Targets are walked like sources: a folder of one's own that leads elsewhere in the container stops the start."""
    world.places("ann")
    shared = world.root / "users/ann/shared"
    start = world.launcher._engine.start

    def swap_and_start(name):
        shared.rename(shared.with_name("aside"))
        shared.symlink_to("/usr/lib")
        start(name)

    monkeypatch.setattr(world.launcher._engine, "start", swap_and_start)
    with pytest.raises(Unavailable, match="cannot be shown"):
        world.launcher.launch(world.spec("gavip-ja-1", "python", "-S", "-c", WAITS))


def test_a_container_that_was_never_started_can_be_given_up(world, monkeypatch):
    """Its steward ended between the two acts: an engine has nothing to signal then."""

    def dies(_name):
        raise KeyboardInterrupt

    monkeypatch.setattr(world.launcher._engine, "start", dies)
    with pytest.raises(KeyboardInterrupt):
        world.launcher.launch(world.spec("gavip-ja-1", "python", "-S", "-c", WAITS))
    fresh = world.fresh_launcher()
    assert fresh.look("gavip-ja-1").liveness is Liveness.LOST
    fresh.stop("gavip-ja-1")
    (world.run_dir("gavip-ja-1") / STOP_FILE).write_text(str(time.monotonic() - HANGS_AFTER - 1))
    fresh.stop("gavip-ja-1")
    assert "gavip-ja-1" not in fresh._engine.names()


def test_a_container_whose_start_the_engine_did_not_survive_is_lost_and_until_then_it_starts(
    world, monkeypatch
):
    seen = []

    def breaks_off(name):
        seen.append(world.launcher.look(name).liveness)
        raise Unavailable("the engine was killed")

    monkeypatch.setattr(world.launcher._engine, "start", breaks_off)
    with pytest.raises(Unavailable):
        world.launcher.launch(world.spec("gavip-ja-1", "python", "-S", "-c", WAITS))
    assert [*seen, world.launcher.look("gavip-ja-1").liveness] == [Liveness.STARTING, Liveness.LOST]
    world.launcher.remove("gavip-ja-1")
    assert world.launcher.names() == []


def test_a_launch_of_a_name_that_lives_leaves_it_alone(world):
    world.launcher.launch(world.spec("gavip-server-a1", "python", "-S", "-c", WAITS, kind=Kind.INTERFACE))
    world.launcher.spares.wanted = 1
    world.launcher.spares.fill()
    with pytest.raises(Unavailable, match="exists already"):
        world.launcher.launch(world.spec("gavip-server-a1", "python", "-S", "-c", WAITS, kind=Kind.INTERFACE))
    assert world.launcher.look("gavip-server-a1").liveness is Liveness.RUNNING


PRIES = """
import os
for path in ("/proc/1/mem", "/proc/1/fd/1", "/proc/1/environ"):
    try:
        open(path, "r+b" if path.endswith("mem") else "rb")
        print("opened", path)
    except OSError as error:
        print(error.strerror)
"""


async def test_the_first_process_is_closed_to_what_it_starts(world):
    _, log = await world.run("gavip-ja-1", "python", "-S", "-c", PRIES)
    assert log == "Permission denied\n" * 3


SIGNALS = "import os, signal, time; os.kill(1, signal.SIGTERM); time.sleep(0.2); raise SystemExit(3)"


async def test_who_ends_its_first_process_has_ended_itself(world):
    code = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SIGNALS}"
    ended, _ = await world.run("gavip-ja-1", "python", "-S", "-c", code)
    assert (ended.reason, ended.exit_code) == ("exited", 3)


async def test_the_address_of_a_server_that_died_leads_nowhere(world):
    serve = "import os, socket; s = socket.socket(socket.AF_UNIX); s.bind(os.environ['GAVIP_SOCKET']); s.listen(); input() if 0 else s.accept() and s.accept() and s.accept()"
    state = world.launcher.launch(
        world.spec("gavip-server-a1", "python", "-S", "-c", serve, kind=Kind.INTERFACE)
    )
    async with asyncio.timeout(20):
        while not Path(state["socket"]).exists():
            await asyncio.sleep(0.01)
    world.destroy("gavip-server-a1")
    async with asyncio.timeout(20):
        while Path(state["socket"]).exists():
            await asyncio.sleep(0.01)


def test_nothing_is_left_of_a_removed_container(world):
    state = world.launcher.launch(world.spec("gavip-ja-1", "python", "-S", "-c", WAITS))
    world.launcher.remove("gavip-ja-1")
    assert world.launcher.names() == []
    assert not Path(state["run_dir"]).exists()
    assert not Path(state["socket"]).parent.exists()


def test_a_half_removed_one_is_finished_by_the_next(world):
    world.launcher.launch(world.spec("gavip-ja-1", "python", "-S", "-c", WAITS))
    world.destroy("gavip-ja-1")
    assert world.fresh_launcher().names() == ["gavip-ja-1"]
    world.fresh_launcher().remove("gavip-ja-1")
    assert world.launcher.names() == []


def test_two_that_remove_the_same_do_no_harm(world):
    world.launcher.launch(world.spec("gavip-ja-1", "python", "-S", "-c", WAITS))
    removing = [
        threading.Thread(target=lambda: world.fresh_launcher().remove("gavip-ja-1")) for _ in range(4)
    ]
    for thread in removing:
        thread.start()
    for thread in removing:
        thread.join()
    with suppress(Unavailable):
        world.launcher.remove("gavip-ja-1")
    assert world.launcher.names() == []


FILLS = "import sys; f = open('/tmp/x', 'wb'); [f.write(bytes(1 << 20)) for _ in range({mb})]; f.close(); print('wrote')"


async def test_a_jobs_scratch_is_no_memory_of_it(world):
    code = FILLS.format(mb=150)
    ended, log = await world.run("gavip-ja-1", "python", "-c", code, memory_mb=100, scratch_mb=200)
    assert (ended.reason, ended.exit_code, log) == ("exited", 0, "wrote\n")


async def test_it_has_a_size(world):
    ended, log = await world.run("gavip-ja-1", "python", "-c", FILLS.format(mb=60), scratch_mb=40)
    assert ended.exit_code == 1
    assert "No space left on device" in log


async def test_a_servers_scratch_is_memory_of_it(world):
    """The control: where it lies in memory, the same job is killed."""
    code = FILLS.format(mb=150)
    ended, _ = await world.run(
        "gavip-server-a1", "python", "-c", code, memory_mb=100, scratch_mb=200, kind=Kind.INTERFACE
    )
    assert ended.reason == "out_of_memory"


async def test_no_mount_is_left_of_it(world):
    world.launcher.launch(world.spec("gavip-ja-1", "python", "-S", "-c", WAITS))
    assert str(world.run_dir("gavip-ja-1")) in Path("/proc/self/mountinfo").read_text()
    world.launcher.remove("gavip-ja-1")
    assert str(world.root) not in Path("/proc/self/mountinfo").read_text()


def test_what_a_killed_run_of_these_tests_left_is_removed_by_the_next(world, tmp_path):
    world.launcher.launch(world.spec("gavip-ja-1", "python", "-S", "-c", WAITS))
    file = tmp_path / "turn"
    file.write_text(f"{platform_id(world.root)}\n")
    turn = Turn(file)
    with turn:
        turn.begin("another")
        assert (world.inspect("gavip-ja-1"), file.read_text()) == (None, "another\n")
    assert file.read_text() == ""
