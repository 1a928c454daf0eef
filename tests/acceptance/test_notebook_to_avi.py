"""From a plain notebook to a public AVI that another user opens and runs: by the commands of the docs, pasted in order."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.avis import notebook
from tests.support.docker import need_engine
from tests.support.pasted import Shell, pasted, shell
from tests.support.platform import Platform, platform_to_throw_away
from tests.support.published import run

pytestmark = [pytest.mark.hub, pytest.mark.acceptance]
AUTHOR, READER = "developer", "scientist"


@pytest.fixture(scope="module", params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def platform(request: pytest.FixtureRequest) -> Iterator[Platform]:
    """A platform as it is started, in boxes of either kind: a new release is checked there too."""
    options = ("--docker",) if request.param == "docker" else ()
    if options:
        need_engine()
    with platform_to_throw_away("notebook", options=options) as running:
        yield running


@pytest.fixture
def typed(platform: Platform, tmp_path: Path) -> Shell:
    """An author's terminal, in a folder with a notebook."""
    (tmp_path / "my-stars.ipynb").write_text(
        notebook(
            "ra = 66.75  # centre [deg]\nradius = 5.0  # [deg]\nlabel = 'Hyades'  # on the plot",
            "from avi_kernel.pipelines import result\n"
            "result('said.txt', title='What it is').write_text(f'{label}: {radius} deg around {ra}');",
        )
    )
    return shell(platform, AUTHOR, tmp_path)


def test_the_commands_of_the_page_make_a_public_avi(
    platform: Platform, typed: Shell, tell: Callable[[str], None]
) -> None:
    begun = time.monotonic()
    commands = pasted("how-to/from-a-notebook.md", platform)
    told = "".join(typed(line) for line in commands)
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
