"""One user's AVI reads what another user's AVI wrote, and what comes of it tells so: over the API and by the browser's form."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prov.model import ProvDocument

from tests.support.avis import notebook, write_avi
from tests.support.browser import person, watch
from tests.support.docker import IMAGE, need_engine
from tests.support.people import sign_in
from tests.support.platform import Platform, eventually, platform_to_throw_away
from tests.support.published import follow, publish, run, submit

if TYPE_CHECKING:
    from playwright.async_api import Browser

pytestmark = [pytest.mark.hub, pytest.mark.acceptance, pytest.mark.timeout(300)]
ALICE, BOB = "alice", "bob"
CONTENT = "ra,dec\n56.75,24.12\n"
DIGEST = hashlib.sha256(CONTENT.encode()).hexdigest()
SETTINGS = """
c.Gavip.bundled_avis = False
c.Gavip.check_releases = False
c.Gavip.users = {"alice": "scientist", "bob": "scientist", "operator": "operator"}
"""
DOCKER = f"""
c.Gavip.images = {{"avi-python": "{IMAGE}", "notebook": "{IMAGE}"}}
"""
WRITES = f"""
import os
from pathlib import Path
Path(os.environ["GAVIP_RESULTS_DIR"], "m45.csv").write_text({CONTENT!r})
"""
READS = """
import os
from pathlib import Path
rows = Path(stars).read_text().splitlines()
Path(os.environ["GAVIP_RESULTS_DIR"], "count.txt").write_text(f"{len(rows) - 1} of {rows[0]}")
"""


@pytest.fixture(scope="module", params=["processes", pytest.param("docker", marks=pytest.mark.docker)])
def own(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform with an AVI that writes a table, and one that reads a table."""
    settings, options = SETTINGS, ()
    if request.param == "docker":
        need_engine()
        settings, options = SETTINGS + DOCKER, ("--docker",)
    avis = tmp_path_factory.mktemp("avis")
    write_avi(avis / "maps", {"avi.toml": 'title = "Maps"\n', "pipelines/main.ipynb": notebook(WRITES)})
    files = {"pipelines/main.ipynb": notebook(READS, parameters="from pathlib import Path\n\nstars: Path")}
    write_avi(avis / "counts", {"avi.toml": 'title = "Counts"\n[pipelines.main]\n', **files})
    with platform_to_throw_away("inputs", settings=settings, options=options) as platform:
        for name in ("maps", "counts"):
            publish(platform, name, folder=avis / name)
        yield platform


@pytest.fixture(scope="module")
def shared(own: Platform) -> dict[str, str]:
    """What alice's AVI wrote, shared with bob: her job, the product, and where bob finds the file."""
    with own.client(ALICE) as alice, own.client(BOB) as bob:
        job = run(alice, "maps")
        assert job["phase"] == "COMPLETED", job
        product = alice.post("/products", json={"job": job["id"], "title": "Stars of M45"}).json()["id"]
        eventually(lambda: alice.get(f"/products/{product}").json()["state"] == "READY", "it is ready")
        alice.post(f"/products/{product}/shares", json={"kind": "user", "subject": BOB}).raise_for_status()
        place = bob.get(f"/products/{product}").json()["container_path"]
    return {"job": job["id"], "product": product, "path": f"{place}/m45.csv"}


def known(client: httpx.Client, job: str) -> dict[str, Any]:
    """Return what is known of the input of a job, once its hash was taken."""
    found: dict[str, Any] = {}

    def is_same() -> bool:
        found.update(client.get(f"/jobs/{job}/inputs").json()[0])
        return found["state"] == "same"

    eventually(is_same, f"the input of {job} is known")
    return found


def require_told(client: httpx.Client, job: str, shared: dict[str, str]) -> None:
    """Require that all ways in which a job's provenance is told lead back to alice's job."""
    assert known(client, job)["product"] == shared["product"]
    assert known(client, job)["sha256"] == DIGEST
    view = client.get(f"/jobs/{job}/provenance").json()
    edges = {(edge["source"], edge["target"]) for edge in view["edges"]}
    before = shared["job"]
    assert edges >= {
        (f"job:{job}", f"input:{DIGEST}"),
        (f"input:{DIGEST}", f"product:{shared['product']}"),
        (f"product:{shared['product']}", f"result:{before}:m45.csv"),
        (f"result:{before}:m45.csv", f"job:{before}"),
        (f"job:{before}", f"person:{ALICE}"),
        (f"job:{before}", "release:maps:1.0.0"),
    }
    ProvDocument.deserialize(content=client.get(f"/jobs/{job}/prov").text, format="json")
    crate = zipfile.ZipFile(io.BytesIO(client.get(f"/jobs/{job}/crate/files").content))
    for text in (
        client.get(f"/jobs/{job}/prov").text,
        client.get(f"/jobs/{job}/crate").text,
        crate.read("ro-crate-metadata.json").decode(),
    ):
        assert json.loads(text)
        assert all(word in text for word in (shared["product"], before, ALICE, DIGEST, "maps"))


def test_one_users_avi_reads_what_anothers_avi_wrote(own: Platform, shared: dict[str, str]) -> None:
    with own.client(BOB) as bob:
        job = submit(bob, "counts", parameters={"stars": shared["path"]})
        assert follow(bob, job)["phase"] == "COMPLETED"
        assert bob.get(f"/jobs/{job}/results/count.txt").text == "1 of ra,dec"
        require_told(bob, job, shared)
        assert bob.get(f"/jobs/{shared['job']}").status_code == httpx.codes.NOT_FOUND


@pytest.mark.browser
@pytest.mark.parametrize("own", ["processes"], indirect=True)
async def test_it_is_named_in_the_form_and_seen_on_the_page(
    own: Platform, shared: dict[str, str], browser: "Browser", tmp_path: Path
) -> None:
    async with person(browser) as theirs:
        page = await theirs.new_page()
        seen = watch(page)
        await sign_in(page, own, BOB)
        await page.goto(f"{own.url}/services/gavip/avis/counts/pipelines/main")
        assert await page.locator(f"datalist option[value='{shared['path']}']").count() == 1
        await page.locator("[name='p.stars']").fill(shared["path"])
        await page.get_by_role("button", name="Run as a job").click()
        anyway = page.get_by_role("button", name="Run anyway")
        await anyway.or_(page.locator("#job-status")).wait_for()
        if await anyway.count():
            await anyway.click()
        await page.wait_for_url("**/jobs/*")
        job = page.url.rpartition("/")[2]
        with own.client(BOB) as bob:
            assert follow(bob, job)["phase"] == "COMPLETED"
            require_told(bob, job, shared)
        await page.reload()
        await page.locator(".chain a.of-product").click()
        await page.get_by_role("heading", name="Stars of M45").wait_for()
        assert page.url.endswith(shared["product"])
        assert seen.errors == []


def test_what_was_read_stays_known_when_it_is_taken_back(own: Platform, shared: dict[str, str]) -> None:
    """It comes last: the product is bob's no more."""
    with own.client(ALICE) as alice, own.client(BOB) as bob:
        job = submit(bob, "counts", parameters={"stars": shared["path"]})
        assert follow(bob, job)["phase"] == "COMPLETED"
        assert known(bob, job)["sha256"] == DIGEST
        assert alice.delete(f"/products/{shared['product']}").is_success
        require_told(bob, job, shared)
        asked = {"avi": "counts", "pipeline": "main", "parameters": {"stars": shared["path"]}}
        assert bob.post("/jobs", json=asked).status_code == httpx.codes.UNPROCESSABLE_ENTITY
        again = bob.get(f"/jobs/{job}/again").json()
        assert [one["words"] for one in again["differing"]] == ["is gone"]
