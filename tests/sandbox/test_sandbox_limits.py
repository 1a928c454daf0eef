"""Memory, processes, processor time and running time of a box are limited for real."""

import asyncio
import signal

import pytest

from tests.support.docker import bare_container

pytestmark = pytest.mark.sandbox

HOG = """
print("taking", flush=True)
held = [bytearray(b"x") * (1 << 20) for _ in range(200)]
print("took", len(held), flush=True)
"""
FORKS = """
import os, sys, time
started = 0
try:
    for _ in range(400):
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
        started += 1
except OSError as error:
    print("refused:", error.strerror)
print("started", started, flush=True)
os._exit(0)
"""
BURN = """
import time
began, used = time.monotonic(), time.process_time()
while time.monotonic() - began < 1.5:
    pass
print("share", (time.process_time() - used) / (time.monotonic() - began), flush=True)
"""
STUBBORN = """
import os, signal, time
# Not by print: the signal may come while "ready" is still being printed, and no buffer is entered twice.
signal.signal(signal.SIGTERM, lambda *_: os.write(1, b"asked to end\\n"))
print("ready", flush=True)
while True:
    time.sleep(0.1)
"""
POLITE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit("goodbye"))
print("ready", flush=True)
time.sleep(60)
"""


def word_after(log: str, word: str) -> float:
    return float(log.split(f"{word} ")[1].split(maxsplit=1)[0])


async def test_more_memory_than_allowed_is_told_as_out_of_memory(limited):
    ended, log = await limited.run("gavip-jhog-1", "python", "-c", HOG, memory_mb=100)
    assert (ended.reason, ended.exit_code) == ("out_of_memory", 137)
    assert ended.memory_peak_mb == pytest.approx(100, abs=5)
    assert ended.message == "it needed more than its 100 MB"
    assert "taking" in log
    assert "took" not in log


async def test_the_same_program_fits_into_enough_memory(limited):
    ended, log = await limited.run("gavip-jhog-1", "python", "-c", HOG, memory_mb=400)
    assert (ended.reason, ended.exit_code) == ("exited", 0)
    assert 200 <= ended.memory_peak_mb <= 260
    assert "took 200" in log


async def test_a_child_killed_for_memory_is_told_when_its_parent_fails_of_it(limited):
    parent = (
        f"import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', {HOG!r}]).returncode != 0)"
    )
    ended, _ = await limited.run("gavip-jhog-1", "python", "-c", parent, memory_mb=100)
    assert (ended.reason, ended.exit_code) == ("out_of_memory", 1)


async def test_scratch_files_count_as_memory_and_have_a_size(limited):
    fill = (
        "import sys; f = open('/tmp/x', 'wb'); [f.write(bytes(1 << 20)) for _ in range(50)]; print('wrote')"
    )
    ended, log = await limited.run("gavip-jfill-1", "python", "-c", fill, scratch_mb=20)
    assert ended.exit_code == 1
    assert "No space left on device" in log


ONE_FILE = "f = open('one', 'wb'); [f.write(bytes(1 << 20)) for _ in range(9)]; f.close()"
MANY_FILES = "import time; [open(f'{n}', 'wb').write(bytes(1 << 20)) for n in range(9)]; print('wrote', flush=True); time.sleep(60)"
SPARSE = "[open(f'{n}', 'wb').truncate(1 << 20) for n in range(9)]; print('wrote')"


async def test_a_file_has_a_size(walled):
    ended, log = await walled.run("gavip-jfile-1", "python", "-c", ONE_FILE, written_mb=8)
    assert (ended.reason, ended.exit_code) == ("exited", 1)
    assert "File too large" in log


async def test_who_fills_the_disk_is_ended(anywhere):
    ended, _ = await anywhere.run("gavip-jfiles-1", "python", "-c", MANY_FILES, written_mb=8)
    assert (ended.reason, ended.exit_code) == ("too_much_written", 137)
    assert ended.message == "it wrote more than the 8 MB that it may"


async def test_what_is_written_at_once_counts_however_long_the_first_look_lasts(anywhere):
    attempt = anywhere.attempt("gavip-jonce-1")
    attempt.mkdir(parents=True)
    for number in range(20_000):
        (attempt / str(number)).touch()
    at_once = "head -c 9000000 /dev/zero > large; sleep 60"
    ended, _ = await anywhere.run("gavip-jonce-1", "sh", "-c", at_once, written_mb=8)
    assert ended.reason == "too_much_written"


@pytest.mark.parametrize(("code", "written_mb"), [(MANY_FILES.replace("60", "0"), 10), (SPARSE, 8)])
async def test_who_keeps_within_it_is_not(walled, code, written_mb):
    ended, log = await walled.run("gavip-jfiles-1", "python", "-c", code, written_mb=written_mb)
    assert (ended.reason, log) == ("exited", "wrote\n")


async def test_a_fork_bomb_is_held(limited):
    _, log = await limited.run("gavip-jfork-1", "python", "-c", FORKS, pids=40)
    assert "refused" in log
    assert 20 <= word_after(log, "started") <= 44


async def test_the_same_bomb_goes_off_where_its_size_is_allowed(limited):
    _, log = await limited.run("gavip-jfork-1", "python", "-c", FORKS, pids=500)
    assert word_after(log, "started") == 400


OPENS = """
print("opening", flush=True)
kept = []
try:
    while len(kept) < 8000:
        kept.append(open("/dev/null"))
except OSError as error:
    print("refused:", error.strerror)
print("opened", len(kept))
"""


async def test_who_opens_files_without_end_is_held(walled):
    _, log = await walled.run("gavip-jopen-1", "python", "-S", "-c", OPENS)
    assert "refused: Too many open files" in log
    assert 4000 < word_after(log, "opened") < 4096


@pytest.mark.docker
def test_without_that_limit_the_same_program_is_not():
    import docker

    unlimited = docker.types.Ulimit(name="nofile", soft=10_000, hard=10_000)
    assert bare_container(OPENS, ulimits=[unlimited]) == "opening\nopened 8000\n"


async def test_a_burner_gets_its_share_of_a_processor(limited):
    ended, log = await limited.run("gavip-jburn-1", "python", "-c", BURN, cpu_limit=0.2)
    assert word_after(log, "share") < 0.3
    assert 0.05 < ended.cpu_seconds < 0.8


async def test_the_same_burner_takes_more_where_it_may(limited):
    _, held = await limited.run("gavip-jburn-1", "python", "-c", BURN, cpu_limit=0.05)
    _, free = await limited.run("gavip-jburn-2", "python", "-c", BURN, cpu_limit=1.0)
    assert word_after(free, "share") > 1.5 * word_after(held, "share")


async def test_boxes_that_compete_weigh_what_they_were_promised(limited):
    for name, cpu in (("gavip-jburn-1", 0.1), ("gavip-jburn-2", 2.0)):
        await asyncio.to_thread(limited.launcher.launch, limited.spec(name, "python", "-c", POLITE, cpu=cpu))
        await limited.says(name, "ready")
    assert limited.weight("gavip-jburn-2") == pytest.approx(20 * limited.weight("gavip-jburn-1"), rel=0.05)


async def test_a_box_ends_at_its_time_limit(walled):
    ended, log = await walled.run("gavip-jlong-1", "python", "-c", POLITE, time_limit=3)
    assert ended.reason == "time_limit"
    assert ended.message == "it ran longer than its 3 s"
    assert "goodbye" in log


async def test_stop_is_gentle_at_first(walled):
    walled.launcher.launch(walled.spec("gavip-jpolite-1", "python", "-c", POLITE))
    await walled.says("gavip-jpolite-1", "ready")
    walled.launcher.stop("gavip-jpolite-1")
    ended = await walled.end_of("gavip-jpolite-1")
    assert (ended.reason, ended.exit_code) == ("stopped", 1)
    assert "goodbye" in walled.log("gavip-jpolite-1")


async def test_stop_is_firm_in_the_end(walled):
    walled.launcher.launch(walled.spec("gavip-jstub-1", "python", "-c", STUBBORN))
    await walled.says("gavip-jstub-1", "ready")
    walled.launcher.stop("gavip-jstub-1")
    ended = await walled.end_of("gavip-jstub-1")
    assert (ended.reason, ended.exit_code) == ("stopped", 137)
    assert 4.5 < ended.ended_at - ended.started_at < 10
    assert "asked to end" in walled.log("gavip-jstub-1")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("raise SystemExit(3)", 3),
        ("import os; os._exit(9)", 9),
        (f"import os; os.kill(os.getpid(), {int(signal.SIGSEGV)})", 128 + signal.SIGSEGV),
    ],
)
async def test_the_exit_status_is_the_commands_own(walled, code, status):
    ended, _ = await walled.run("gavip-jexit-1", "python", "-c", code)
    assert (ended.reason, ended.exit_code) == ("exited", status)


FLOOD = "import os\nfor n in range(70): os.write(1, (f'line {n} '.encode() * 200_000)[: 1 << 20])\nprint('the end')"


async def test_a_flood_of_output_stays_within_the_logs_limit(walled):
    ended, log = await walled.run("gavip-jflood-1", "python", "-c", FLOOD)
    assert ended.exit_code == 0
    assert 60 << 20 < len(log) < 65 << 20
    assert log.startswith("line 0 ")
    assert log.endswith("the end\n")
    assert "bytes were cut here" in log


@pytest.mark.docker
def test_a_log_without_a_limit_keeps_all_of_it():
    assert len(bare_container(FLOOD)) == (70 << 20) + len("the end\n")


async def test_boxes_run_side_by_side(walled):
    names = [f"gavip-jside-{number}" for number in range(1, 5)]
    ended = await asyncio.gather(
        *[walled.run(name, "python", "-S", "-c", f"print({name!r})") for name in names]
    )
    assert [log for _, log in ended] == [f"{name}\n" for name in names]
