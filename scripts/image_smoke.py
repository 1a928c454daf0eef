"""Test the container images in themselves, and tell how large they are and how fast they start.

Usage: `python3 -m scripts.image_smoke [name…]`; standard library only, as the machine that builds images has no more.
"""

import re
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from os import environ
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("base", "avi-python", "avi-java", "avi-fortran", "notebook", "service", "database", "front")
"""Images that are run; `tools` only fills the others."""
DEBIANS_PYTHON = ("base", "database", "front")
"""Those without an environment of ours."""
UID = 40123
"""Nobody whom an image knows."""
AS_A_BOX = (
    *("--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--pids-limit", "500", "--user", f"{UID}:{UID}"),
    # Compiled code is loaded from there: an engine's own default is noexec.
    *("--tmpfs", "/tmp:rw,exec,nosuid,nodev,size=512m,mode=1777"),  # noqa: S108 - the box's own
    *("--env", "HOME=/tmp", "--workdir", "/tmp"),  # noqa: S108 - as above
)
STARTS = 5
IMPORTS = {
    "base": ("json",),
    "avi-python": ("numpy", "astropy.table", "matplotlib.pyplot", "pandas", "avi_kernel.interface.start"),
    "avi-java": (),
    "avi-fortran": (),
    "notebook": (),
    "service": ("gavip_hub.app", "gavip_hub.dav.app", "jupyterhub.app"),
    "database": (),
    "front": (),
}
SMOKE_SECONDS = 900


def tag(name: str) -> str:
    """Return the image's tag, of the version that lies here."""
    source = (ROOT / "gavip_hub" / "__init__.py").read_text()
    found = re.search(r'^__version__ = "(.+)"$', source, re.MULTILINE)
    if found is None:
        raise SystemExit("gavip_hub has no version")
    return f"{environ.get('GAVIP_IMAGE_PREFIX', 'gavip')}/{name}:{found[1]}"


def boxed(name: str, *command: str) -> list[str]:
    """Return how to run a command in the image, as little able as a box."""
    return [
        "docker",
        "run",
        "--rm",
        "--interactive",
        *AS_A_BOX,
        "--entrypoint",
        command[0],
        tag(name),
        *command[1:],
    ]


def present(name: str) -> bool:
    """Return whether the engine answers and has the image."""
    try:
        done = subprocess.run(["docker", "image", "inspect", tag(name)], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return done.returncode == 0


def smoke(name: str) -> str:
    """Hold the image to what every one promises and to what it is for; return what it said.

    Raises
    ------
    AssertionError
        With the image's own words.
    """
    said = []
    for test in (ROOT / "images" / "contract.py", ROOT / "images" / name / "smoke.py"):
        done = subprocess.run(
            boxed(name, "python3" if name in DEBIANS_PYTHON else "/opt/gavip/bin/python", "-I", "-"),
            input=test.read_text(),
            capture_output=True,
            text=True,
            timeout=SMOKE_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise AssertionError(f"{tag(name)}: {test.name}\n{done.stdout}{done.stderr[-4000:]}")
        said.append(done.stdout)
    return "".join(said)


def start_seconds(name: str, *command: str) -> float:
    """Return the median time from `docker run` to the end of a command."""
    times = []
    for _ in range(STARTS):
        began = time.monotonic()
        subprocess.run(boxed(name, *command), stdin=subprocess.DEVNULL, capture_output=True, check=True)
        times.append(time.monotonic() - began)
    return statistics.median(times)


def import_seconds(name: str, module: str) -> float:
    """Return the median time of one import in a Python of its own, files warm."""
    program = f"import time; t = time.monotonic(); import {module}; print(time.monotonic() - t)"
    command = boxed(name, "python3", "-I", "-c", program)
    said = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(STARTS)]
    return statistics.median(map(float, said))


def megabytes(name: str) -> int:
    """Return the size of the image with all that it stands on."""
    command = ["docker", "image", "inspect", "--format", "{{.Size}}", tag(name)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) // 1_000_000


def report(name: str) -> str:
    """Return one line of the table in images/README.md."""
    imports = ", ".join(f"{module} {import_seconds(name, module):.2f}" for module in IMPORTS[name])
    true, python = start_seconds(name, "true"), start_seconds(name, "python3", "-I", "-c", "pass")
    return f"| `{name}` | {megabytes(name)} | {true:.2f} | {python:.2f} | {imports} |"


def main(arguments: Sequence[str]) -> int:
    """Test the images named, or all, then measure them."""
    names = [name for name in arguments or NAMES if name in NAMES]
    for name in names:
        sys.stdout.write(f"==> {tag(name)}\n{smoke(name)}")
        sys.stdout.flush()
    sys.stdout.write("| image | MB | start, s | Python, s | imports, s |\n|---|---|---|---|---|\n")
    for name in names:
        sys.stdout.write(report(name) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
