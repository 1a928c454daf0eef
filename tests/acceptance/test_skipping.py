"""What is there already is not computed again; what was changed, or is another user's, is never taken for it."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.avis import notebook, write_avi
from tests.support.platform import Platform
from tests.support.published import follow, publish, run, submit

pytestmark = [pytest.mark.hub, pytest.mark.sandbox, pytest.mark.acceptance]
AVI, FORGER = "powers", "forger"
TASK = """
    import json
    import os
    from avi_kernel.pipelines import AviParameter, AviTask
    from helpers.rule import POWER


    class Numbers(AviTask):
        count = AviParameter(4)

        def output(self):
            return self.target("numbers.json")

        def run(self):
            with self.output().open("w") as file:
                json.dump(list(range(self.count)), file)


    class Powers(AviTask):
        count = AviParameter(4)

        def requires(self):
            return Numbers(count=self.count)

        def output(self):
            return self.target("total.json", title="Total")

        def run(self):
            with self.input().open() as file:
                total = sum(number**POWER for number in json.load(file))
            with self.output().open("w") as file:
                json.dump({"total": total, "by": os.environ["GAVIP_USER"]}, file)
    """
FORGE = """
import json, os, pathlib

results = pathlib.Path(os.environ["GAVIP_RESULTS_DIR"])
tries = {}
for place in json.loads(places):
    target = pathlib.Path(place)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text('{"total": 666, "by": "a forger"}')
        tries[place] = "written"
    except OSError as error:
        tries[place] = error.strerror
(results / "tries.json").write_text(json.dumps(tries))
"""


def publish_powers(platform: Platform, folder: Path, *, power: int, version: str) -> None:
    """Publish the AVI; releases differ in one number of a helper module, two imports away from what is asked for."""
    files = {
        "avi.toml": 'title = "Powers"\n',
        "pipelines/powers.py": TASK,
        "helpers/rule.py": "from helpers.constants import POWER\n",
        "helpers/constants.py": f"POWER = {power}\n",
    }
    publish(platform, AVI, folder=write_avi(folder / version, files), version=version)


def outcome(client: httpx.Client, **wishes: Any) -> tuple[dict[str, Any], str]:
    """Run the pipeline and return its result and its log."""
    job = run(client, AVI, "powers", **wishes)
    assert job["phase"] == "COMPLETED", job["error"]
    result = client.get(f"/jobs/{job['id']}/results/total.json").json()
    return result, client.get(f"/jobs/{job['id']}/log").json()["text"]


def output_of(platform: Platform, user: str) -> Path:
    """Return where a user's newest total is kept."""
    kept = (platform.root / "users" / user / "avis" / AVI / "cache" / "tasks").glob("Powers-*/total.json")
    return max(kept, key=lambda path: path.stat().st_mtime)


def test_the_second_run_skips_and_a_changed_helper_runs_again(
    platform: Platform, scientist: httpx.Client, tmp_path: Path
) -> None:
    publish_powers(platform, tmp_path, power=2, version="1.0")
    assert outcome(scientist)[0]["total"] == 14
    result, log = outcome(scientist)
    assert result["total"] == 14
    assert "started" not in log
    assert "Powers: its output is there already, skipped" in log
    publish_powers(platform, tmp_path, power=3, version="2.0")
    result, log = outcome(scientist)
    assert result["total"] == 36
    assert "skipped" not in log
    assert outcome(scientist, version="1.0")[0]["total"] == 14


def test_another_users_output_is_not_ones_own(
    platform: Platform, scientist: httpx.Client, developer: httpx.Client, tmp_path: Path
) -> None:
    publish_powers(platform, tmp_path, power=2, version="1.0")
    wishes = {"version": "1.0", "parameters": {"count": 5}}
    assert outcome(scientist, **wishes)[0] == {"total": 30, "by": "scientist"}
    result, log = outcome(developer, **wishes)
    assert result == {"total": 30, "by": "developer"}
    assert "skipped" not in log


def test_nobody_else_can_lay_an_output_there(
    platform: Platform, scientist: httpx.Client, developer: httpx.Client, tmp_path: Path
) -> None:
    """Another user who knows the name, and another AVI of the same user, try; the owner then computes."""
    publish_powers(platform, tmp_path, power=2, version="1.0")
    forger = notebook(FORGE, parameters="places: str = '[]'")
    publish(platform, FORGER, folder=write_avi(tmp_path / FORGER, {"pipelines/main.ipynb": forger}))
    wishes = {"version": "1.0", "parameters": {"count": 6}}
    assert outcome(developer, **wishes)[0] == {"total": 55, "by": "developer"}
    name = output_of(platform, "developer").relative_to(platform.root / "users" / "developer")
    on_the_machine = platform.root / "users" / "scientist" / name
    places = [f"/home/scientist/{name}", str(on_the_machine)]
    jobs = {
        client: submit(client, FORGER, parameters={"places": json.dumps(places)})
        for client in (developer, scientist)
    }
    for client, job in jobs.items():
        assert follow(client, job)["phase"] == "COMPLETED"
        tries = client.get(f"/jobs/{job}/results/tries.json").json()
        assert set(tries) == set(places)
        assert tries[places[0]] != "written"
    assert not on_the_machine.exists()
    result, log = outcome(scientist, **wishes)
    assert result == {"total": 55, "by": "scientist"}
    assert "Powers: started" in log
