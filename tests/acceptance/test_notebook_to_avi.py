"""From a plain notebook to a public AVI that another user opens and runs: by the commands of the docs, pasted in order."""

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.avis import notebook
from tests.support.git_client import WHO
from tests.support.platform import Platform
from tests.support.published import run

pytestmark = [pytest.mark.hub, pytest.mark.acceptance]
PAGE = Path(__file__).parents[2] / "docs/how-to/from-a-notebook.md"
AUTHOR, READER = "developer", "scientist"


def pasted(platform: Platform) -> list[str]:
    """Return the commands of the page, for this platform."""
    [block] = re.findall(r"^```\n(gavip login.+?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    return [line.replace("http://gavip.localhost:8000", platform.url) for line in block.splitlines() if line]


@pytest.fixture
def shell(platform: Platform, tmp_path: Path) -> Callable[[str], str]:
    """Run a line as its author does; the password is asked for once."""
    (tmp_path / "my-stars.ipynb").write_text(
        notebook(
            "ra = 66.75  # centre [deg]\nradius = 5.0  # [deg]\nlabel = 'Hyades'  # on the plot",
            "from avi_kernel.pipelines import result\n"
            "result('said.txt', title='What it is').write_text(f'{label}: {radius} deg around {ra}');",
        )
    )
    home = {"XDG_CONFIG_HOME": "config", "XDG_CACHE_HOME": "cache", "GIT_CONFIG_GLOBAL": "gitconfig"}
    environment = {
        **os.environ,
        **WHO,
        **{name: str(tmp_path / place) for name, place in home.items()},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "GIT_TERMINAL_PROMPT": "0",
    }
    where = {"folder": tmp_path}

    def typed(line: str) -> str:
        if line.startswith("cd "):
            where["folder"] /= shlex.split(line)[1]
            return ""
        if line.startswith("gavip login"):
            line += f" --user {AUTHOR} --password-stdin"
        done = subprocess.run(
            line,
            shell=True,
            cwd=where["folder"],
            env=environment,
            input=f"{platform.password(AUTHOR)}\n",
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    return typed


def test_the_commands_of_the_page_make_a_public_avi(
    platform: Platform, shell: Callable[[str], str], tell: Callable[[str], None]
) -> None:
    begun = time.monotonic()
    commands = pasted(platform)
    told = "".join(shell(line) for line in commands)
    seconds = time.monotonic() - begun
    counted = [line for line in commands if not line.startswith("cd ")]
    tell(f"from a notebook to a public AVI: {len(counted)} commands, {seconds:.1f} s")
    assert "Released my-stars 1.0.0" in told
    with platform.client(READER) as reader:
        assert reader.get("/avis/my-stars").json()["title"] == "My stars"
        made = run(reader, "my-stars", "my-stars", parameters={"radius": 3.0})
        assert made["phase"] == "COMPLETED", made
        said = reader.get(f"/jobs/{made['id']}/results/said.txt").text
    assert said == "Hyades: 3.0 deg around 66.75"
    url = platform.open_avi("my-stars", READER)
    with platform.signed_in(READER) as browser:
        assert "My stars" in browser.get(url).text
    platform.close_servers(READER)
