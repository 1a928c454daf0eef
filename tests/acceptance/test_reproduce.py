"""A result is run again by somebody else: it is reproduced, or what differs is told, and since which change."""

import io
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gavip_hub.services.test_services_export import faults_of, without_network
from tests.support.archive import Archive, PrivateArchive
from tests.support.avis import notebook, write_avi
from tests.support.package_index import PackageIndex, package_index, wheel
from tests.support.platform import Platform, eventually, platform_to_throw_away
from tests.support.published import follow, submit

pytestmark = [pytest.mark.hub, pytest.mark.acceptance]
__all__ = ["without_network"]
OWNER, READER, STRANGER = "developer", "scientist", "operator"
SETTINGS = """
c.Gavip.bundled_avis = False
c.Gavip.check_releases = False
c.Gavip.archive_url = "{url}"
c.Gavip.archive_name = "{name}"
c.Gavip.archive_release = "{release}"
"""
CODE = """
from avi_kernel.connectors.tap import TapConnector
from avi_kernel.pipelines import result
from offset import MAGNITUDES
stars = TapConnector.of_environment().query(
    f"SELECT source_id, phot_g_mean_mag FROM gaiadr3.gaia_source WHERE phot_g_mean_mag < {limit} ORDER BY source_id"
).table
lines = [f"{row['source_id']},{float(row['phot_g_mean_mag']) + MAGNITUDES:.3f}" for row in stars]
result("bright.csv").write_text("\\n".join(["source_id,g", *lines]) + "\\n");
"""


@pytest.fixture(scope="module")
def archive() -> Iterator[tuple[PrivateArchive, Archive]]:
    """An archive of this module's own, whose data are changed."""
    private = PrivateArchive(Path(tempfile.mkdtemp(prefix="gavip-archive-")))
    try:
        yield private, private.start()
    finally:
        private.stop()


@pytest.fixture(scope="module")
def index() -> Iterator[PackageIndex]:
    """A package in two versions: the second shifts all magnitudes."""
    with package_index() as running:
        for version, shift in (("1.0", 0.0), ("2.0", 0.5)):
            running.add(wheel("offset", version, {"offset/__init__.py": f"MAGNITUDES = {shift}\n"}))
        yield running


@pytest.fixture(scope="module")
def own(
    archive: tuple[PrivateArchive, Archive], index: PackageIndex, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """A platform next to that archive, with an AVI in two releases that differ in a package alone."""
    _, where = archive
    settings = SETTINGS.format(url=where.url, name=where.name, release=where.release) + index.settings
    with platform_to_throw_away("reproduce", settings=settings) as platform:
        for version in ("1.0", "2.0"):
            files = {
                "avi.toml": 'title = "Bright stars"\n',
                "requirements.txt": f"offset=={version}\n",
                "pipelines/bright.ipynb": notebook(CODE, parameters="limit: float = 3.0"),
            }
            folder = write_avi(tmp_path_factory.mktemp("avis") / "bright", files)
            platform.publish(folder, "bright", version=version)
        with platform.client("operator") as operator:
            eventually(lambda: built(operator) == {"READY"}, "both releases are built", seconds=90)
        yield platform


def built(client: httpx.Client) -> set[str]:
    return {release["state"] for release in client.get("/avis/bright/releases").json()}


@pytest.fixture(scope="module")
def product(own: Platform) -> str:
    """The owner's result as a product that the reader may read."""
    with own.client(OWNER) as owner:
        job = follow(owner, submit(owner, "bright", "bright", version="1.0"))
        assert job["phase"] == "COMPLETED", job["error"]
        made = str(owner.post("/products", json={"job": job["id"], "title": "Bright stars"}).json()["id"])
        eventually(lambda: owner.get(f"/products/{made}").json()["state"] == "READY", "it is ready")
        shared = owner.post(f"/products/{made}/shares", json={"kind": "user", "subject": READER})
        assert shared.status_code == httpx.codes.CREATED
    return made


@pytest.fixture
def reader(own: Platform) -> Iterator[httpx.Client]:
    with own.client(READER) as client:
        yield client


def compared(client: httpx.Client, begun: httpx.Response) -> dict[str, Any]:
    """Follow a job to its end; return how it compares with what it repeats."""
    assert begun.status_code == httpx.codes.CREATED, begun.text
    job = begun.json()["id"]
    ended = follow(client, job)
    assert ended["phase"] == "COMPLETED", ended["error"]
    eventually(lambda: client.get(f"/jobs/{job}/comparison").json()["verdict"] != "waiting", "it is compared")
    found: dict[str, Any] = client.get(f"/jobs/{job}/comparison").json()
    return found


def again(client: httpx.Client, product: str, **changes: Any) -> dict[str, Any]:
    """Run it again with a change."""
    asked = {"avi": "bright", "pipeline": "bright", "version": "1.0", "again_of": product, **changes}
    return compared(client, client.post("/jobs", json=asked))


def test_another_user_runs_it_again_and_it_is_reproduced(reader: httpx.Client, product: str) -> None:
    found = compared(reader, reader.post(f"/products/{product}/again", json={}))
    assert (found["verdict"], found["before"]) == ("reproduced", product)
    assert (found["differences"], found["changes"]) == ({}, [])


def test_who_may_not_read_it_runs_nothing(own: Platform, product: str) -> None:
    with own.client(STRANGER) as stranger:
        assert stranger.post(f"/products/{product}/again", json={}).status_code == httpx.codes.NOT_FOUND


def test_another_value_is_told(reader: httpx.Client, product: str) -> None:
    found = again(reader, product, parameters={"limit": 2.5})
    assert (found["verdict"], next(iter(found["differences"]))) == ("differs", "bright.csv")
    assert "parameter limit was 3.0 and is 2.5" in found["changes"]


def test_another_package_is_told(reader: httpx.Client, product: str) -> None:
    found = again(reader, product, version="2.0")
    assert found["verdict"] == "differs"
    assert found["differences"]["bright.csv"].startswith("row 1, g: ")
    assert any(words.startswith("the packages of the release was ") for words in found["changes"])
    assert "the release was bright 1.0 and is bright 2.0" in found["changes"]


def test_its_crate_is_valid_by_the_profile_of_workflow_runs(
    reader: httpx.Client, product: str, tmp_path: Path, without_network: None
) -> None:
    with zipfile.ZipFile(io.BytesIO(reader.get(f"/products/{product}/crate/files").content)) as crate:
        crate.extractall(tmp_path / "crate")
    assert (tmp_path / "crate/results/bright.csv").stat().st_size > 0
    assert (tmp_path / "crate/workflow/pipelines/bright.ipynb").exists()
    assert faults_of(tmp_path / "crate", "workflow-run-crate") == []


def test_other_data_of_the_archive_are_told(
    archive: tuple[PrivateArchive, Archive], reader: httpx.Client, product: str
) -> None:
    """The last of this module: the archive is another one afterwards."""
    private, _ = archive
    private._sql(
        b"DELETE FROM gaiadr3.gaia_source WHERE source_id = "
        b"(SELECT min(source_id) FROM gaiadr3.gaia_source WHERE phot_g_mean_mag < 3);"
    )
    found = compared(reader, reader.post(f"/products/{product}/again", json={}))
    assert found["verdict"] == "differs"
    assert any(words.startswith("the number of rows of query 1 was ") for words in found["changes"])
