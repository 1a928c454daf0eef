"""The platform of a person who is not root: the same walls, from the kernel alone."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import gavip_hub
from tests.support.needs import missing

pytestmark = pytest.mark.sandbox

NOBODY = 65533
PLATFORM = """
import asyncio, json, sys
from tests.sandbox.test_sandbox_limits import FORKS, HOG
from tests.support.boxes import box_world, needed_report

SHARED_HOG = "import mmap, time; held = mmap.mmap(-1, 200 << 20); held.write(bytes(200 << 20)); time.sleep(20)"
FILE_HOG = "import time; open('/dev/shm/x', 'wb').write(bytes(60 << 20)); open('/tmp/x', 'wb').write(bytes(60 << 20)); time.sleep(20)"
SEE = "import os, socket; print(os.listdir('/home'), socket.if_nameindex(), os.getuid())"

async def told():
    found = needed_report("sandbox")
    with box_world(found) as world:
        seen = {"enforced": sorted(found.enforced), "notice": found.notice}
        _, seen["walls"] = await world.run("gavip-jsee-1", "python", "-S", "-c", SEE)
        ended, _ = await world.run("gavip-jhog-1", "python", "-c", HOG + "import time; time.sleep(20)", memory_mb=100)
        seen["hog"] = ended.model_dump()
        ended, _ = await world.run("gavip-jshared-1", "python", "-c", SHARED_HOG, memory_mb=100)
        seen["shared hog"] = ended.model_dump()
        ended, _ = await world.run("gavip-jfiles-1", "python", "-c", FILE_HOG, memory_mb=100)
        seen["file hog"] = ended.model_dump()
        _, seen["forks"] = await world.run("gavip-jfork-1", "python", "-c", FORKS, pids=40)
        _, seen["files"] = await world.run("gavip-jfds-1", "python", "-S", "-c", "import os; print(os.listdir('/proc/self/fd'))")
        return seen

print(json.dumps(asyncio.run(told())))
"""


def python_for_all(folder: Path) -> Path:
    """Return a Python that anybody may run, with this project's packages."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base = Path("/usr/bin", version)
    if not base.exists():
        missing(str(base), f"install {version} of the system, or run the tests as an ordinary user")
    packages = folder / "lib" / version / "site-packages"
    packages.mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin/python").symlink_to(base)
    (folder / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n")
    own = next(path for path in sys.path if path.endswith("site-packages"))
    root = Path(gavip_hub.__file__).parents[1]
    (packages / "own.pth").write_text(f"{own}\n{root}\n")
    return folder / "bin/python"


@pytest.fixture(scope="module")
def seen():
    """What the platform of an ordinary user tells of its boxes."""
    with tempfile.TemporaryDirectory(prefix="ordinary-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        root = os.geteuid() == 0
        python = python_for_all(folder / "venv") if root else Path(sys.executable)
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if root else {}
        (folder / "home").mkdir()
        if root:
            os.chown(folder / "home", NOBODY, NOBODY)
        done = subprocess.run(
            [str(python), "-B", "-c", PLATFORM],
            cwd=Path(gavip_hub.__file__).parents[1],
            env={"PATH": os.defpath, "HOME": str(folder / "home"), "TMPDIR": str(folder / "home")},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            **user,
        )
        if done.returncode != 0 and "is missing" in done.stderr:
            missing("a sandbox for ordinary users", done.stderr.strip().splitlines()[-1])
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


def test_walls_and_network_are_enforced(seen):
    assert {"sandbox", "network", "pids"} <= set(seen["enforced"])
    assert seen["walls"].startswith("['ann'] [(1, 'lo')]")


def test_a_fork_bomb_is_held_without_control_groups(seen):
    assert "refused: Resource temporarily unavailable" in seen["forks"]


@pytest.mark.parametrize("hog", ["hog", "shared hog", "file hog"])
def test_a_hog_is_ended_though_nothing_limits_it(seen, hog):
    assert seen[hog]["reason"] == "out_of_memory"
    assert seen[hog]["memory_peak_mb"] > 100


def test_what_is_not_enforced_is_said(seen):
    for measure in ("memory", "cpu"):
        assert (measure in seen["enforced"]) is not (f"{measure}:" in seen["notice"])


def test_the_box_gets_no_open_file_of_the_platform(seen):
    assert seen["files"] == "['0', '1', '2', '3']\n"
