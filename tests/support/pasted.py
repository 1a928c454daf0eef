"""An author's terminal: commands of a page of the docs, pasted in order."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.support.platform import Platform

DOCS = Path(__file__).parents[2] / "docs"
Shell = Callable[[str], str]


def pasted(page: str, platform: Platform) -> list[str]:
    """Return the commands of a page that begin with the sign-in, for this platform."""
    text = (DOCS / page).read_text()
    [block] = re.findall(r"^```\n(gavip login.+?)^```", text, re.DOTALL | re.MULTILINE)
    return [line.replace("http://gavip.localhost:8000", platform.url) for line in block.splitlines() if line]


def shell(platform: Platform, user: str, folder: Path) -> Shell:
    """Return what runs a line as its author does, beginning in a folder; the password is asked for once."""
    home = {"XDG_CONFIG_HOME": "config", "XDG_CACHE_HOME": "cache", "GIT_CONFIG_GLOBAL": "gitconfig"}
    environment = {
        **os.environ,
        **{name: str(folder / place) for name, place in home.items()},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",  # an author who never told git who they are
    }
    where = {"folder": folder}

    def typed(line: str) -> str:
        if line.startswith("cd "):
            where["folder"] /= shlex.split(line)[1]
            return ""
        if line.startswith("gavip login"):
            line += f" --user {user} --password-stdin"
        done = subprocess.run(
            line,
            shell=True,
            cwd=where["folder"],
            env=environment,
            input=f"{platform.password(user)}\n",
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    return typed
