"""Images of the platform for who writes AVIs: made when first asked for, sent in parts, and to nobody else."""

import gzip
import hashlib
import os

import pytest

from gavip_hub.handlers import downloads
from gavip_hub.testing import FakeImages
from tests.support.service import pages_of, running_service, until

IMAGE = os.urandom(300_000)
PATH = "/images/avi-python/archive"


@pytest.fixture
async def service(tmp_path):
    async with running_service(tmp_path / "root", images=FakeImages({"avi-python": IMAGE})) as running:
        yield running


@pytest.fixture
async def dora(service):
    """A developer."""
    async with service.client("dora-token") as client:
        yield client


async def made(client):
    """Ask until the archive is there, and return it."""

    async def ready():
        answer = await client.get(PATH)
        return answer if answer.status_code == 200 else None

    return await until(ready)


@pytest.fixture
async def archive(dora):
    return (await made(dora)).content


async def known(client):
    """Wait until the engine was asked."""

    async def listed():
        return (await client.get("/images")).json()["items"]

    return await until(listed)


async def test_an_archive_is_promised_then_sent(service, dora):
    await known(dora)
    first = await dora.get(PATH)
    assert first.status_code == 202
    assert first.headers["Retry-After"] == "2"
    assert first.json()["state"] in ("waiting", "making", "ready")
    sent = await made(dora)
    assert gzip.decompress(sent.content) == IMAGE
    assert sent.headers["Content-Type"] == "application/gzip"
    assert sent.headers["Content-Length"] == str(len(sent.content))
    assert "attachment" in sent.headers["Content-Disposition"]


async def test_its_sha256_is_told_everywhere(dora, archive):
    digest = hashlib.sha256(archive).hexdigest()
    (listed,) = (await dora.get("/images")).json()["items"]
    sent = await dora.get(PATH)
    assert (listed["sha256"], listed["size"], listed["state"]) == (digest, len(archive), "ready")
    assert sent.headers["Etag"] == f'"{digest}"'
    assert sent.headers["Repr-Digest"].startswith("sha-256=:")
    assert (await dora.get("/images/avi-python")).json() == listed


async def test_it_is_sent_in_two_halves(dora, archive):
    half = len(archive) // 2
    tag = (await dora.head(PATH)).headers["Etag"]
    first = await dora.get(PATH, headers={"Range": f"bytes=0-{half - 1}"})
    rest = await dora.get(PATH, headers={"Range": f"bytes={half}-", "If-Range": tag})
    assert (first.status_code, rest.status_code) == (206, 206)
    assert first.content + rest.content == archive
    assert rest.headers["Content-Range"] == f"bytes {half}-{len(archive) - 1}/{len(archive)}"


async def test_a_half_of_another_one_is_not_gone_on_with(dora, archive):
    answer = await dora.get(PATH, headers={"Range": "bytes=10-", "If-Range": '"another"'})
    assert (answer.status_code, answer.content) == (200, archive)


async def test_a_range_beyond_its_end_is_refused_with_its_size(dora, archive):
    answer = await dora.get(PATH, headers={"Range": f"bytes={len(archive)}-"})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(archive)}"


async def test_who_has_it_is_told_so(dora, archive):
    tag = (await dora.get(PATH)).headers["Etag"]
    assert (await dora.get(PATH, headers={"If-None-Match": tag})).status_code == 304


async def test_its_head_tells_its_size_and_reads_nothing(dora, archive, monkeypatch):
    monkeypatch.setattr(downloads, "_send", None)
    head = await dora.head(PATH)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(archive))
    assert head.headers["Etag"] == f'"{hashlib.sha256(archive).hexdigest()}"'


async def test_it_may_be_prepared_before_anybody_downloads_it(dora):
    await known(dora)
    assert (await dora.post("/images/avi-python")).status_code == 202

    async def ready():
        return (await dora.get("/images/avi-python")).json()["state"] == "ready"

    await until(ready)


@pytest.mark.parametrize("name", ["none", "gavip.avi-python", "...", "sha256-1"])
async def test_there_is_no_other_image(service, dora, name):
    await known(dora)
    for ask in (
        dora.get(f"/images/{name}"),
        dora.post(f"/images/{name}"),
        dora.get(f"/images/{name}/archive"),
    ):
        assert (await ask).status_code == 404


@pytest.mark.parametrize(
    ("token", "status"), [("ann-token", 403), ("ann-stars-token", 403), (None, 401), ("made-up", 401)]
)
async def test_who_writes_no_avis_gets_none(service, token, status):
    async with service.client(token) as client:
        for ask in (
            client.get("/images"),
            client.get("/images/avi-python"),
            client.post("/images/avi-python"),
            client.get(PATH),
            client.head(PATH),
        ):
            assert (await ask).status_code == status


async def test_a_platform_without_an_engine_says_what_it_would_need(tmp_path):
    async with (
        running_service(tmp_path / "plain") as running,
        running.client("dora-token") as dora,
    ):
        told = (await dora.get("/images")).json()
        refused = await dora.get(PATH)
    assert told["items"] == []
    assert "gavip up --docker" in told["reason"]
    assert refused.status_code == 404
    assert "gavip up --docker" in refused.json()["message"]


async def test_an_operator_may_give_none_away(tmp_path):
    async with (
        running_service(tmp_path / "plain", backend="docker", offer_images=False) as running,
        running.client("dora-token") as dora,
    ):
        assert "offer_images" in (await dora.get("/images")).json()["reason"]


async def test_the_page_of_projects_has_the_download_and_its_checksum(service, dora, archive):
    async with pages_of(service, "dora-token") as portal:
        page = (await portal.get("/projects")).text
        assert hashlib.sha256(archive).hexdigest() in page
        assert (await portal.get(f"/api{PATH}")).content == archive
    assert f'href="/services/gavip/api{PATH}"' in page


async def test_the_page_of_who_writes_no_avis_tells_of_none(service):
    async with pages_of(service, "ann-token") as portal:
        assert "gavip dev" not in (await portal.get("/projects")).text
