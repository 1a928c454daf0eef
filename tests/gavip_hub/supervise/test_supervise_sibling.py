"""A sibling outlives its supervisor, and the next one finds it again or replaces it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gavip_hub.supervise.identity import identify, is_alive
from gavip_hub.supervise.keeper import Keeper
from gavip_hub.supervise.probe import Probe
from gavip_hub.supervise.sibling import Program, Sibling
from tests.support.disks import Disk

WAITS = "import signal; signal.pause()"
STUBBORN = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
)


def program(code: str = WAITS, *, env: dict[str, str] | None = None) -> Program:
    return Program(
        name="hub",
        title="Hub",
        argv=[sys.executable, "-c", code],
        env=env or {},
        probe=Probe(url="http://127.0.0.1:9/"),
    )


def with_folders(root: Path) -> Path:
    for name in ("state", "logs"):
        (root / name).mkdir()
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return with_folders(tmp_path)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def killed(sibling: Sibling) -> None:
    assert sibling.identity is not None
    os.kill(sibling.identity.pid, signal.SIGKILL)
    await until(lambda: not sibling.alive())


async def test_a_started_sibling_lives_in_a_session_of_its_own(root: Path) -> None:
    sibling = Sibling(program=program(), root=root)
    sibling.start()
    assert sibling.identity is not None
    assert os.getsid(sibling.identity.pid) == sibling.identity.pid
    await sibling.stop()
    assert not sibling.alive()


async def test_the_next_supervisor_adopts_what_runs(root: Path) -> None:
    first = Sibling(program=program(), root=root)
    first.start()
    second = Sibling(program=program(), root=root)
    assert await second.adopt()
    assert second.identity == first.identity
    await second.stop()
    assert not first.alive()


async def test_a_process_with_other_settings_is_replaced_not_adopted(root: Path) -> None:
    first = Sibling(program=program(), root=root)
    first.start()
    second = Sibling(program=program(env={"TOKEN": "new"}), root=root)
    assert not await second.adopt()
    assert not first.alive()


async def test_a_process_is_found_though_the_supervisor_died_before_it_wrote_the_record(root: Path) -> None:
    first = Sibling(program=program(), root=root)
    first.start()
    await until((root / "state" / "hub.pid").exists)
    (root / "state" / "hub.json").unlink()
    second = Sibling(program=program(), root=root)
    assert not await second.adopt()
    assert not first.alive()


async def test_a_reused_pid_is_not_taken_for_the_sibling(root: Path) -> None:
    gone = Sibling(program=program(), root=root)
    gone.start()
    was = gone.identity
    assert was is not None
    record = (root / "state" / "hub.json").read_text()
    await gone.stop()
    stranger = subprocess.Popen([sys.executable, "-c", WAITS])
    now = identify(stranger.pid)
    assert now is not None
    # Both may have started within one tick of the system's clock, after which no pid is used again in earnest.
    earlier = str(int(float(now.start_time)) - 1)
    record = record.replace(f'"pid": {was.pid}', f'"pid": {stranger.pid}')
    (root / "state" / "hub.json").write_text(record.replace(was.start_time, earlier))
    assert not await Sibling(program=program(), root=root).adopt()
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


async def test_a_sibling_that_will_not_end_is_killed(root: Path) -> None:
    sibling = Sibling(program=program(STUBBORN), root=root)
    sibling.start()
    await until(lambda: "deaf" in sibling.last_words())
    await sibling.stop(grace=0.2)
    assert not sibling.alive()


async def test_a_killed_sibling_is_seen_to_be_dead_and_reaped(root: Path) -> None:
    sibling = Sibling(program=program(), root=root)
    sibling.start()
    await killed(sibling)
    assert sibling.identity is not None
    assert not Path(f"/proc/{sibling.identity.pid}").exists()


async def test_one_that_ends_by_itself_while_it_is_being_ended_does_no_harm(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sibling = Sibling(program=program(), root=root)
    sibling.start()
    await killed(sibling)
    seen = iter([True, False, False])  # it lived when it was looked at
    monkeypatch.setattr(sibling, "alive", lambda: next(seen))
    await sibling.stop()
    assert sibling.identity is None


async def test_one_that_ended_while_the_disk_is_full_is_started_again_once_there_is_room(
    small_disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    sibling = Sibling(program=program(), root=with_folders(small_disk.path))
    sibling.start()
    said: list[str] = []
    is_full = True

    def was_in_vain() -> bool:
        # The journal gives back a block when it likes: then it starts, and ends as it writes.
        return any("No space left" in line for line in said) or "did not come back" in caplog.text

    def tell(line: str) -> None:
        said.append(line)
        if is_full:  # what it left free is taken by others at once
            small_disk.fill()

    keeping = asyncio.create_task(Keeper(sibling=sibling, tell=tell).keep())
    await killed(sibling)
    await until(lambda: keeping.done() or was_in_vain())
    is_full = False
    small_disk.empty()
    pid_file = small_disk.path / "state" / "hub.pid"
    await until(lambda: keeping.done() or (pid_file.exists() and sibling.alive()))
    assert not keeping.done()
    keeping.cancel()
    await sibling.stop()
    assert list((small_disk.path / "state").iterdir()) == []


async def test_a_server_of_another_hub_does_not_lend_its_environment(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "of another hub")
    code = "import os; print(sorted(name for name in os.environ if 'JUPYTERHUB' in name), 'told', flush=True)"
    sibling = Sibling(program=program(code, env={"JUPYTERHUB_HOST": "ours"}), root=root)
    sibling.start()
    await until(lambda: "told" in sibling.last_words())
    assert sibling.last_words() == "['JUPYTERHUB_HOST'] told"
    await sibling.stop()


def test_a_zombie_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", WAITS])
    identity = identify(child.pid)
    assert identity is not None
    assert is_alive(identity)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(identity)
    child.wait()
