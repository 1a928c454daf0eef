"""The documentation's commands, pasted in the order of their page, against a whole platform."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.avis import notebook
from tests.support.examples import ADDRESS, CHECKOUT, lines_of, script
from tests.support.git_client import WHO
from tests.support.jobs import AVIS
from tests.support.platform import Platform, platform_to_throw_away
from tests.support.published import run
from tests.support.templates import git, template_of

pytestmark = [pytest.mark.hub, pytest.mark.acceptance]
USERS = {
    "operator": "operator",
    "developer": "developer",
    "scientist": "scientist",
    "ada": "developer",
    "ann": "scientist",
    "olga": "developer",
}
MINUTES = 8


@dataclass(frozen=True, kw_only=True)
class Session:
    """Somebody who reads a page, with what they have before they begin."""

    user: str
    prepare: Callable[[Platform, Path], dict[str, str]]
    """Lays it into their folder; returns words of the page that stand for something of this platform."""


def nothing(platform: Platform, folder: Path) -> dict[str, str]:
    return {}


def checkout(platform: Platform, folder: Path) -> dict[str, str]:
    """The repository, as far as the page needs it."""
    (folder / "gavip").mkdir()
    (folder / "gavip" / "avi_templates").symlink_to(CHECKOUT / "avi_templates")
    return {}


def stars_notebook(platform: Platform, folder: Path) -> dict[str, str]:
    code = "ra = 66.75  # centre [deg]\nradius = 5.0  # [deg]\nlabel = 'Hyades'  # on the plot"
    (folder / "my-stars.ipynb").write_text(notebook(code, "print(label, ra, radius)"))
    return {}


def bright_stars(platform: Platform, folder: Path) -> dict[str, str]:
    """An AVI with the page's names, small: what it computes is shown in the page, and held elsewhere."""
    avi = folder / "bright-stars"
    (avi / "pipelines").mkdir(parents=True)
    (avi / "app.ipynb").write_text(notebook("print('bright stars')"))
    code = (
        "from avi_kernel.pipelines import result\nresult('said.txt', title='What it is').write_text(label);"
    )
    pipeline = notebook(code, parameters="label: str = 'Hyades'  # Written on the plot.")
    (avi / "pipelines" / "histogram.ipynb").write_text(pipeline)
    own = platform.root / "users" / "developer" / "bright-stars"
    shutil.copytree(avi, own, dirs_exist_ok=True)
    os.chdir(avi)
    return signed_in_as("developer", platform)


def stars_of_ones_own(platform: Platform, folder: Path) -> dict[str, str]:
    """The same under another name: who read the other page has that one."""
    return {**bright_stars(platform, folder), "bright-stars": "more-stars"}


def a_template(platform: Platform, folder: Path) -> dict[str, str]:
    """A template of one's own; and names that nobody took who read another page."""
    template_of(folder / "our-template")
    return {"https://example.org/our-template.git": str(folder / "our-template"), "bright-stars": "new-stars"}


def a_template_to_offer(platform: Platform, folder: Path) -> dict[str, str]:
    """An operator in the folder of their template, of which no version is there yet."""
    place = template_of(folder / "our-template")
    git(place, "tag", "-d", "v1.0.0")
    os.chdir(place)
    return signed_in_as("operator", platform)


def signed_in_as(user: str, platform: Platform) -> dict[str, str]:
    """Sign somebody in, as they did on an earlier page."""
    login = ["gavip", "login", platform.url, "--user", user, "--password-stdin"]
    subprocess.run(login, input=platform.password(user), text=True, check=True, capture_output=True)
    return {}


def past_jobs(platform: Platform, folder: Path) -> dict[str, str]:
    """An operator beside their data root, of a platform on which something ran."""
    signed_in_as("operator", platform)
    (folder / "gavip-data").symlink_to(platform.root)
    platform.publish(AVIS / "works", "works")
    with platform.client("operator") as operator:
        for _ in range(2):
            run(operator, "works")
    return {"gavip admin password ada": f"gavip admin password ada --root {platform.root}"}


def a_job(platform: Platform, folder: Path) -> dict[str, str]:
    """Somebody who has a job."""
    values = signed_in_as("operator", platform)
    with platform.client("operator") as operator:
        parameters = {"field": "hyades"}
        body = {"avi": "hr-diagram", "pipeline": "hr_diagram", "parameters": parameters, "start": False}
        job = operator.post("/jobs", json=body).raise_for_status().json()["id"]
    return values | {"<job>": job}


def a_table(platform: Platform, folder: Path) -> dict[str, str]:
    (folder / "stars.csv").write_text("ra,dec\n66.75,15.87\n")
    return {}


SESSIONS = {
    "README.md": Session(user="operator", prepare=checkout),
    "docs/how-to/develop-an-avi.md": Session(user="developer", prepare=bright_stars),
    "docs/how-to/from-a-notebook.md": Session(user="developer", prepare=stars_notebook),
    "docs/how-to/from-a-template.md": Session(user="developer", prepare=a_template),
    "docs/how-to/offer-a-template.md": Session(user="operator", prepare=a_template_to_offer),
    "docs/how-to/read-a-failure.md": Session(user="operator", prepare=a_job),
    "docs/how-to/release-by-git.md": Session(user="ada", prepare=stars_of_ones_own),
    "docs/how-to/run-the-platform.md": Session(user="operator", prepare=past_jobs),
    "docs/how-to/use-the-command.md": Session(user="scientist", prepare=a_table),
    "docs/tutorial/first-avi.md": Session(user="operator", prepare=checkout),
}
"""Page -> who reads it."""


@pytest.fixture(scope="module")
def own_platform() -> Iterator[Platform]:
    """One that a page may change as it likes."""
    with platform_to_throw_away("examples", settings=f"c.Gavip.users = {USERS}") as running:
        yield running


@pytest.fixture
def passwords(own_platform: Platform, tmp_path: Path) -> Path:
    """A file a user, to be read in place of what they type."""
    folder = tmp_path / "passwords"
    folder.mkdir()
    for user in USERS:
        (folder / user).write_text(own_platform.password(user) + "\n")
    return folder


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = {"XDG_CONFIG_HOME": "config", "XDG_CACHE_HOME": "cache", "GIT_CONFIG_GLOBAL": "gitconfig"}
    made = {name: str(tmp_path / place) for name, place in home.items()}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for name, value in {**made, **WHO, "PATH": path, "GIT_TERMINAL_PROMPT": "0"}.items():
        monkeypatch.setenv(name, value)
    for name in ("GAVIP_URL", "GAVIP_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.timeout(MINUTES * 60)
@pytest.mark.parametrize("page", SESSIONS)
def test_the_commands_of_a_page_do_what_it_says(
    own_platform: Platform,
    passwords: Path,
    environment: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    page: str,
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    session = SESSIONS[page]
    values = {ADDRESS: own_platform.url, **session.prepare(own_platform, folder)}
    text = script(lines_of(CHECKOUT / page), values=values, user=session.user, password=passwords)
    ran = subprocess.run(
        ["bash", "-c", text], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert ran.returncode == 0, ran.stdout
