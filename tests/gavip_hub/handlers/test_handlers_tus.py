"""Uploads by tus: a file that breaks off goes on, and lies in its place whole or not at all."""

from base64 import b64encode
from pathlib import Path

import httpx
import pytest

from tests.support.service import pages_of

CONTENT = b"ra,dec\n1,2\n" * 100
PIECE = {"Content-Type": "application/offset+octet-stream"}
TUS = {"Tus-Resumable": "1.0.0"}


@pytest.fixture
def space(service) -> Path:
    folder = service.root / "users" / "dora"
    folder.mkdir(parents=True)
    return folder


def told(**of_file: str) -> str:
    return ",".join(f"{name} {b64encode(value.encode()).decode()}" for name, value in of_file.items())


async def create(
    client, path: str = "data/stars.csv", size: int = len(CONTENT), **more: str
) -> httpx.Response:
    headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": told(path=path, **more)}
    return await client.post("/files/uploads", headers=headers)


def place(answer: httpx.Response) -> str:
    return answer.headers["Location"].removeprefix("/services/gavip")


async def patch(client, where: str, offset: int, content: bytes) -> httpx.Response:
    return await client.patch(where, headers={**TUS, **PIECE, "Upload-Offset": str(offset)}, content=content)


async def head(client, where: str) -> tuple[int, str | None]:
    answer = await client.head(where, headers=TUS)
    return answer.status_code, answer.headers.get("Upload-Offset")


async def send(client, path: str = "data/stars.csv", content: bytes = CONTENT, **more: str) -> httpx.Response:
    begun = await create(client, path, len(content), **more)
    return await patch(client, place(begun), 0, content) if begun.is_success and content else begun


async def test_a_file_comes_in_pieces_and_lies_in_its_place(portal, space):
    begun = await create(portal)
    assert (begun.status_code, begun.headers["Tus-Resumable"]) == (201, "1.0.0")
    first = await patch(portal, place(begun), 0, CONTENT[:500])
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "500")
    assert list(space.iterdir()) == []
    assert await head(portal, place(begun)) == (200, "500")
    last = await patch(portal, place(begun), 500, CONTENT[500:])
    assert last.headers["Upload-Offset"] == str(len(CONTENT))
    assert (space / "data/stars.csv").read_bytes() == CONTENT


async def test_who_never_heard_the_last_answer_learns_that_all_has_come(portal, space):
    begun = await create(portal)
    await patch(portal, place(begun), 0, CONTENT)
    assert await head(portal, place(begun)) == (200, str(len(CONTENT)))


async def test_a_service_that_ended_before_the_file_was_put_in_its_place_does_so_when_asked(
    portal, space, service
):
    begun = await create(portal)
    upload = place(begun).rpartition("/")[2]
    uploads = service.service.core.uploads
    uploads.append("dora", uploads.get("dora", upload), offset=0, content=CONTENT)
    assert await head(portal, place(begun)) == (200, str(len(CONTENT)))
    assert (space / "data/stars.csv").read_bytes() == CONTENT


async def test_the_same_file_begun_again_goes_on(portal, space):
    begun = await create(portal, modified="1")
    await patch(portal, place(begun), 0, CONTENT[:500])
    again = await create(portal, modified="1")
    assert place(again) == place(begun)
    assert (await patch(portal, place(again), 0, CONTENT)).status_code == 409
    assert await head(portal, place(again)) == (200, "500")
    assert place(await create(portal, modified="2")) != place(begun)


async def test_an_empty_file_is_there_at_once(portal, space):
    assert (await send(portal, "empty.txt", b"")).status_code == 201
    assert (space / "empty.txt").read_bytes() == b""


async def test_what_lies_there_is_written_over_only_where_that_is_said(portal, space):
    (space / "a.csv").write_text("mine")
    refused = await create(portal, "a.csv")
    assert (refused.status_code, refused.json()["error"]) == (409, "taken")
    assert (await send(portal, "a.csv", taken="keep-both")).status_code == 204
    assert (space / "a.csv").read_text() == "mine"
    assert (space / "a (2).csv").read_bytes() == CONTENT
    assert (await send(portal, "a.csv", taken="replace")).status_code == 204
    assert (space / "a.csv").read_bytes() == CONTENT


async def test_what_came_meanwhile_is_not_written_over(portal, space):
    begun = await create(portal, "a.csv")
    (space / "a.csv").write_text("mine")
    await patch(portal, place(begun), 0, CONTENT)
    assert (space / "a.csv").read_text() == "mine"
    assert (space / "a (2).csv").read_bytes() == CONTENT


async def test_an_upload_is_given_up(portal, space):
    begun = await create(portal)
    assert (await portal.delete(place(begun), headers=TUS)).status_code == 204
    assert (await head(portal, place(begun)))[0] == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Upload-Length": "x"},
        {"Upload-Length": "-1"},
        {"Upload-Length": str(2**60)},
        {"Upload-Defer-Length": "1"},
        {"Upload-Length": "5", "Upload-Metadata": "path ???"},
        {"Upload-Length": "5", "Upload-Metadata": told(path="../x")},
        {"Upload-Length": "5", "Upload-Metadata": told(path="jobs/x")},
        {"Upload-Length": "5", "Upload-Metadata": told(path=".bashrc")},
        {"Upload-Length": "5", "Upload-Metadata": told(path="x", taken="maybe")},
        {"Upload-Length": "5"},
    ],
)
async def test_what_is_no_upload_is_refused_in_words(portal, space, headers):
    refused = await portal.post("/files/uploads", headers=TUS | headers)
    assert refused.status_code in {400, 422}
    assert refused.json()["message"]


async def test_another_version_is_told_which_this_is(portal, space):
    refused = await portal.post("/files/uploads", headers={"Tus-Resumable": "0.2.2", "Upload-Length": "5"})
    assert (refused.status_code, refused.headers["Tus-Version"]) == (412, "1.0.0")
    asked = await portal.options("/files/uploads")
    assert asked.headers["Tus-Extension"] == "creation,termination"


async def test_a_piece_of_another_kind_or_size_is_refused(portal, space):
    begun = place(await create(portal, size=9_000_000))
    plain = {**TUS, "Upload-Offset": "0", "Content-Type": "text/plain"}
    assert (await portal.patch(begun, headers=plain, content=b"x")).status_code == 400
    assert (await patch(portal, begun, 0, bytes(4 * 1024 * 1024 + 1))).status_code == 413
    assert (await patch(portal, begun, 0, bytes(4 * 1024 * 1024))).status_code == 204


async def test_anothers_upload_is_not_there_and_nobody_sends_without_the_scope(service, portal, space):
    begun = place(await create(portal))
    async with pages_of(service, "ann-token") as other:
        assert (await patch(other, begun, 0, CONTENT)).status_code == 404
        assert (await head(other, begun))[0] == 404
        assert (await other.delete(begun, headers=TUS)).status_code == 404
    for token, status in (("reader-token", 403), ("ann-stars-token", 403), (None, 401)):
        async with pages_of(service, token) as other:
            assert (await create(other)).status_code == status
            assert (await head(other, begun))[0] == status


async def test_what_does_not_fit_the_quota_is_refused_before_a_byte_is_sent(portal, service, space):
    service.service.core.quotas._config.quota["space_mb"] = 10
    refused = await create(portal, size=11 * 1024 * 1024)
    assert (refused.status_code, refused.json()["error"]) == (507, "space_full")
