"""The AVI's own tests in `tests/test_*.py`, run by pytest."""

import os
import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from avi_kernel.checking.calls import Calls
from avi_kernel.checking.programs import Ended, run_program
from avi_kernel.checking.surroundings import Surroundings
from avi_kernel.packages import VARIABLE as OWN_PACKAGES

_CONFIGURATIONS = ("pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
_FAILED = re.compile(r"^(?:FAILED|ERROR) .+$", re.MULTILINE)
_NONE_FOUND = 5


@dataclass(frozen=True, kw_only=True)
class Suite:
    """What pytest said."""

    state: str
    """passed, failed, none, missing (there is no pytest), late."""
    sentence: str = ""
    details: tuple[str, ...] = ()
    undeclared: bool = False


async def run_tests(surroundings: Surroundings, calls: Calls, *, seconds: float) -> Suite:
    """Run them, if there are any."""
    folder = surroundings.folder
    if not any(folder.glob("tests/**/test_*.py")) and not any(folder.glob("tests/**/*_test.py")):
        return Suite(state="none")
    if find_spec("pytest") is None:
        return Suite(state="missing", sentence="tests/ was not run: pytest is not installed here")
    run, before = surroundings.fresh("tests"), calls.undeclared()
    (run / "work").mkdir()
    env = surroundings.environment(run)
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [env["PYTHONPATH"], env.get(OWN_PACKAGES)]))
    ended = await run_program(
        [sys.executable, "-m", "pytest", "tests", *_options(folder)],
        cwd=folder,
        env=env,
        log=run / "log.txt",
        seconds=seconds,
    )
    return _told(ended, seconds, undeclared=calls.undeclared() > before)


def _options(folder: Path) -> list[str]:
    """Return options that keep pytest inside the folder: it would take the settings of whatever lies above it."""
    own = next((name for name in _CONFIGURATIONS if (folder / name).is_file()), None)
    settings = str(folder / own) if own else "/dev/null"
    inside = ["--rootdir", str(folder), "--confcutdir", str(folder), "-c", settings]
    return ["-q", "-rfE", "--tb=short", "--color=no", "-p", "no:cacheprovider", *inside]


def _told(ended: Ended, seconds: float, *, undeclared: bool) -> Suite:
    if not ended.in_time:
        return Suite(
            state="late", sentence=f"tests/ was still running after {seconds:.0f} s", undeclared=undeclared
        )
    last = next((line for line in reversed(ended.printed.splitlines()) if line.strip()), "")
    if ended.exit_code == 0:
        return Suite(state="passed", sentence=last.strip("= "))
    if ended.exit_code == _NONE_FOUND:
        return Suite(state="none")
    failed = _FAILED.findall(ended.printed)
    return Suite(
        state="failed",
        sentence=f"tests/: {last.strip('= ')}",
        details=(*failed, ended.printed[-1500:]),
        undeclared=undeclared,
    )
