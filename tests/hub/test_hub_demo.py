"""What `gavip demo` and `gavip quickstart` show on a running platform."""

from pathlib import Path

import pytest

from avi_kernel.protocol.api import Phase
from gavip_hub.supervise.demo import run_once, run_working_copy
from gavip_hub.supervise.examples import content_digest, working_copy
from tests.support.platform import Platform
from tests.support.published import publish

AVIS = Path(__file__).parents[1] / "data" / "avis"


@pytest.mark.hub
async def test_the_bundled_pipeline_is_run_once_and_found_at_the_next_start(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(platform, "works")  # whose title comes first in the catalogue
    first = await run_once(platform.config)
    told = capsys.readouterr().out
    assert first is not None
    assert first.avi == "hr-diagram"
    assert first.phase is Phase.COMPLETED, told
    assert len(first.results) == 3
    folder = next(line.split(" in ")[1] for line in told.splitlines() if line.startswith("  in "))
    assert {path.name for path in Path(folder).iterdir()} == {result.name for result in first.results}
    again = await run_once(platform.config)
    assert again == first
    assert "still here" in capsys.readouterr().out


@pytest.mark.hub
async def test_a_working_copy_is_published_and_run_and_again_only_once_it_changed(
    platform: Platform, tmp_path: Path
) -> None:
    folder = tmp_path / "my-copy"
    (folder / "pipelines").mkdir(parents=True)
    for name in ("avi.toml", "pipelines/main.ipynb"):
        (folder / name).write_bytes((AVIS / "works" / name).read_bytes())
    first = await run_working_copy(platform.config, folder)
    assert first.phase is Phase.COMPLETED
    assert (await run_working_copy(platform.config, folder)).id == first.id
    (folder / "README.md").write_text("Changed.")
    assert (await run_working_copy(platform.config, folder)).id != first.id


def test_a_working_copy_is_made_once_and_then_kept(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    assert working_copy(folder)
    (folder / "avi.toml").write_text("title = 'Mine'")
    assert not working_copy(folder)
    assert (folder / "avi.toml").read_text() == "title = 'Mine'"


def test_what_running_an_avi_leaves_behind_does_not_change_its_digest(tmp_path: Path) -> None:
    (tmp_path / "app.ipynb").write_text("{}")
    before = content_digest(tmp_path)
    (tmp_path / ".gavip").mkdir()
    (tmp_path / ".gavip" / "job").write_text("left over")
    assert content_digest(tmp_path) == before
    (tmp_path / "app.ipynb").write_text("{ }")
    assert content_digest(tmp_path) != before
