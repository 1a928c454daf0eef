"""An author's own engine gets the platform's images, in as many parts as the line allows; and none of the engine's others."""

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import httpx
import pytest

from tests.support.docker import IMAGE, need_engine
from tests.support.needs import missing
from tests.support.platform import Platform, eventually, platform_to_throw_away

pytestmark = [pytest.mark.acceptance, pytest.mark.hub, pytest.mark.docker]

SMALL = IMAGE.replace("avi-python", "base")
"""The smallest image of ours: boxes do not run in it, and it is told and sent as the others are."""
SETTINGS = f"""
c.Gavip.bundled_avis = False
c.Gavip.spare_interfaces = 0
c.Gavip.images = {{"avi-python": "{IMAGE}", "notebook": "{IMAGE}", "small": "{SMALL}", "gone": "gavip/gone:0"}}
"""
COMMAND = str(Path(sys.executable).with_name("gavip"))
ARCHIVE = "/images/small/archive"


@pytest.fixture(scope="module")
def own() -> Iterator[Platform]:
    """A platform whose boxes are containers."""
    import docker

    need_engine()
    try:
        docker.from_env().images.get(SMALL)
    except docker.errors.ImageNotFound:
        missing(f"the image {SMALL}", "scripts/images base")
    with platform_to_throw_away("docker", settings=SETTINGS, options=("--docker",)) as platform:
        yield platform


@pytest.fixture(scope="module")
def developer(own: Platform) -> Iterator[httpx.Client]:
    with own.client("developer") as client:
        eventually(lambda: bool(client.get("/images").json()["items"]), "the engine was asked")
        yield client


@pytest.fixture(scope="module")
def archive(developer: httpx.Client) -> bytes:
    """The small image, in two halves."""
    begun = developer.get(ARCHIVE)
    assert begun.status_code == 202
    assert int(begun.headers["Retry-After"]) > 0
    eventually(lambda: developer.head(ARCHIVE).status_code == 200, "the archive was made", seconds=300)
    head = developer.head(ARCHIVE).headers
    half = int(head["Content-Length"]) // 2
    first = developer.get(ARCHIVE, headers={"Range": f"bytes=0-{half - 1}"})
    rest = developer.get(ARCHIVE, headers={"Range": f"bytes={half}-", "If-Range": head["Etag"]})
    assert (first.status_code, rest.status_code) == (206, 206)
    return first.content + rest.content


def engine_id(reference: str) -> str:
    import docker

    return str(docker.from_env().images.get(reference).id)


def described(archive: bytes) -> list[dict]:
    """Return what an archive says that it holds."""
    with tarfile.open(fileobj=BytesIO(archive), mode="r:gz") as tar:
        return json.loads(tar.extractfile("manifest.json").read())


def test_the_images_of_the_setting_are_told_as_far_as_they_are_there(developer: httpx.Client) -> None:
    told = {one["name"]: one for one in developer.get("/images").json()["items"]}
    assert set(told) == {"avi-python", "notebook", "small"}
    assert told["small"]["image_id"] == engine_id(SMALL)


def test_two_halves_are_the_archive_that_was_announced(developer: httpx.Client, archive: bytes) -> None:
    assert hashlib.sha256(archive).hexdigest() == developer.get("/images/small").json()["sha256"]


def test_the_archive_holds_that_image_and_its_reference_alone(archive: bytes) -> None:
    (image,) = described(archive)
    assert image["RepoTags"] == [SMALL]
    assert image["Config"].removesuffix(".json").rpartition("/")[2] == engine_id(SMALL).partition(":")[2]


def test_an_engine_loads_it_as_the_same_image(archive: bytes) -> None:
    before = engine_id(SMALL)
    loaded = subprocess.run(
        ["docker", "load"], input=archive, capture_output=True, check=True, timeout=300
    ).stdout.decode()
    assert SMALL in loaded
    assert engine_id(SMALL) == before


def test_the_command_saves_the_same(own: Platform, archive: bytes, tmp_path: Path) -> None:
    settings = {f"XDG_{name}_HOME": str(tmp_path / name) for name in ("CONFIG", "CACHE")}
    environ = {"PATH": "/usr/bin:/bin", "GAVIP_TOKEN": own.token("developer"), **settings}
    ran = subprocess.run(
        [COMMAND, "--url", own.url, "image", "download", "small"],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert (tmp_path / "small.tar.gz").read_bytes() == archive
    assert "docker load --input small.tar.gz" in ran.stderr


@pytest.mark.parametrize("name", ["gone", "base", "debian", "service"])
def test_what_the_setting_does_not_name_is_not_to_be_had(developer: httpx.Client, name: str) -> None:
    assert developer.get(f"/images/{name}/archive").status_code == 404


def test_archives_lie_in_the_platforms_own_folder_compressed(own: Platform, archive: bytes) -> None:
    (file,) = (own.root / "images").iterdir()
    assert file.read_bytes() == archive
    assert len(gzip.decompress(archive)) > len(archive)


def test_an_archive_that_was_lost_is_made_again(
    own: Platform, developer: httpx.Client, archive: bytes
) -> None:
    shutil.rmtree(own.root / "images")
    assert developer.get(ARCHIVE).status_code == 202
    eventually(lambda: developer.head(ARCHIVE).status_code == 200, "the archive was made", seconds=300)
    assert described(developer.get(ARCHIVE).content) == described(archive)
