"""The documentation's commands, pasted in the order of their page, against a whole platform."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gavip_hub.supervise.installation import free_ports
from tests.support.avis import notebook
from tests.support.docker import need_engine
from tests.support.examples import ADDRESS, CHECKOUT, Reader, blocks, lines_of, script
from tests.support.git_client import WHO
from tests.support.git_server import Place, repository, run_git, serving
from tests.support.jobs import AVIS
from tests.support.platform import Platform, platform_to_throw_away
from tests.support.published import run
from tests.support.templates import git, template_of

pytestmark = pytest.mark.hub
USERS = {
    "operator": "operator",
    "developer": "developer",
    "scientist": "scientist",
    "ada": "developer",
    "ann": "scientist",
    "olga": "developer",
}
MINUTES = 8
PYTHON_AFTERWARDS = "docs/how-to/use-the-command.md"
"""What this page shows in Python is run after its commands."""


def nothing(platform: Platform, folder: Path) -> dict[str, str]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Session:
    """Somebody who reads a page, with what they have before they begin."""

    user: str
    prepare: Callable[[Platform, Path], dict[str, str]] = nothing
    """Lays it into their folder; returns words of the page that stand for something of this platform."""


def checkout(platform: Platform, folder: Path) -> dict[str, str]:
    """The repository, as far as the page needs it."""
    (folder / "gavip").mkdir()
    for name in ("avi_templates", ".venv"):
        (folder / "gavip" / name).symlink_to(CHECKOUT / name)
    return {}


def stars_notebook(platform: Platform, folder: Path) -> dict[str, str]:
    [code] = blocks("docs/how-to/from-a-notebook.md", "python")
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
    (folder / ".venv").symlink_to(CHECKOUT / ".venv")
    platform.publish(AVIS / "works", "works")
    with platform.client("operator") as operator:
        for _ in range(2):
            run(operator, "works")
    return {
        "gavip admin password ada": f"gavip admin password ada --root {platform.root}",
        "gavip admin backup": "gavip admin backup --root own-data",
        "--users 200 --days 30": "--users 200 --days 1",  # a day takes 20 s, the month many minutes
        **on_ones_own("gavip up"),
    }


def on_ones_own(command: str) -> dict[str, str]:
    """Have a command that starts a platform take a folder and a port that nobody has."""
    return {command: f"{command} --root own-data --port {free_ports(1)[0]}"}


def an_engine(platform: Platform, folder: Path) -> dict[str, str]:
    need_engine()
    return on_ones_own("gavip up --docker")


def elsewhere(platform: Platform, folder: Path) -> dict[str, str]:
    """A developer who has a repository on a git server of another place, which takes its time."""
    values = signed_in_as("developer", platform)
    url = f"http://{platform.config.inner_git_hosts[0]}/bright.git"
    asked = "gavip project imported their-stars"
    come = f"until {asked} | tee /dev/stderr | grep -q 'came\\.'; do sleep 0.3; done"
    return values | {
        "https://git.example.org/stars/bright.git": url,
        "bright-stars": "their-stars",
        asked: come,
    }


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
    "docs/how-to/check-an-avi.md": Session(user="developer", prepare=bright_stars),
    "docs/how-to/develop-an-avi.md": Session(user="developer", prepare=bright_stars),
    "docs/how-to/docker.md": Session(user="operator", prepare=an_engine),
    "docs/how-to/from-a-notebook.md": Session(user="developer", prepare=stars_notebook),
    "docs/how-to/from-a-template.md": Session(user="developer", prepare=a_template),
    "docs/how-to/import-and-mirror.md": Session(user="developer", prepare=elsewhere),
    "docs/how-to/offer-a-template.md": Session(user="operator", prepare=a_template_to_offer),
    "docs/how-to/read-a-failure.md": Session(user="operator", prepare=a_job),
    "docs/how-to/release-by-git.md": Session(user="ada", prepare=stars_of_ones_own),
    "docs/how-to/run-the-platform.md": Session(user="operator", prepare=past_jobs),
    "docs/how-to/use-the-command.md": Session(user="scientist", prepare=a_table),
    "docs/tutorial/first-avi.md": Session(user="operator", prepare=checkout),
}
"""Page -> who reads it."""
LONGER = {
    "docs/how-to/check-an-avi.md": [pytest.mark.acceptance],
    "docs/how-to/docker.md": [pytest.mark.acceptance, pytest.mark.docker],
    "docs/how-to/from-a-template.md": [pytest.mark.acceptance],
    "docs/how-to/run-the-platform.md": [pytest.mark.acceptance],
    "docs/how-to/use-the-command.md": [pytest.mark.acceptance],
}
"""Those that take more than ten seconds each; all others together take less than a minute, and are run by `make test`."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A git server of another place, with an AVI that its authors tagged."""
    there = tmp_path_factory.mktemp("there")
    bare = repository(there / "bright.git", files={"app.ipynb": notebook("print('bright stars')").encode()})
    run_git(bare, "tag", "v1.0.0", "main")
    with serving(there) as place:
        yield place


@pytest.fixture(scope="module")
def own_platform(place: Place) -> Iterator[Platform]:
    """One that a page may change as it likes."""
    settings = f"c.Gavip.users = {USERS}\nc.Gavip.inner_git_hosts = [{place.address!r}]"
    with platform_to_throw_away("examples", settings=settings) as running:
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
    for name, value in {**made, **WHO, "PATH": path, "GIT_TERMINAL_PROMPT": "0", "BROWSER": "true"}.items():
        monkeypatch.setenv(name, value)
    for name in ("GAVIP_URL", "GAVIP_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.timeout(MINUTES * 60)
@pytest.mark.parametrize("page", [pytest.param(page, marks=LONGER.get(page, [])) for page in SESSIONS])
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
    reader = Reader(user=session.user, passwords=passwords, root=own_platform.root, port=own_platform.port)
    text = script(lines_of(CHECKOUT / page), values=values, reader=reader)
    if page == PYTHON_AFTERWARDS:
        text += "\n" + "\n".join(
            f"python -c {shlex.quote(code)} || exit 99" for code in blocks(page, "python")
        )
    ran = subprocess.run(
        ["bash", "-c", text], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert ran.returncode == 0, ran.stdout
