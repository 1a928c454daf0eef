"""Git as authors have it, and git kept from doing what a stranger's repository says."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from avi_kernel.authoring.problems import AuthoringProblem

CAREFUL = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    # A link of a stranger's becomes a text file: it leads nowhere.
    "core.symlinks": "false",
    "protocol.allow": "never",
}
"""Settings that win over what a repository says."""
_LEADS_ELSEWHERE = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}
"""What git itself sets where it starts a program, such as a hook."""


def need_git() -> None:
    """Make sure that there is git.

    Raises
    ------
    AuthoringProblem
        There is none.
    """
    if shutil.which("git") is None:
        raise AuthoringProblem("Git is not installed.", next_step="Debian, Ubuntu: sudo apt-get install git")


def settings(given: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables by which git takes these settings, behind those that it is given already."""
    before = int(environ.get("GIT_CONFIG_COUNT") or 0)
    found = {name: value for name, value in environ.items() if name.startswith("GIT_CONFIG_")}
    for number, (key, value) in enumerate(given.items(), start=before):
        found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {**found, "GIT_CONFIG_COUNT": str(before + len(given))}


def git(
    *arguments: str, cwd: Path, given: bytes | None = None, careful: Mapping[str, str] | None = None
) -> str:
    """Run git and return what it said.

    Parameters
    ----------
    given
        Its input.
    careful
        Settings beside `CAREFUL`, where the repository is a stranger's; None: it is the author's own.

    Raises
    ------
    subprocess.CalledProcessError
        It failed; `stderr` is bytes.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _LEADS_ELSEWHERE}
    if careful is not None:
        environment |= settings({**CAREFUL, **careful})
    done = subprocess.run(
        ["git", *arguments], cwd=cwd, input=given, check=True, capture_output=True, env=environment
    )
    return done.stdout.decode(errors="replace").strip()


def reason(error: subprocess.CalledProcessError) -> str:
    """Return the last line that git said when it failed: the cause stands there."""
    said: list[str] = error.stderr.decode(errors="replace").strip().splitlines()
    return said[-1][:500] if said else f"git ended with status {error.returncode}"
