"""A person's files from outside: nothing leads out of the space, and a file is there whole or not at all."""

import asyncio
import hashlib
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gavip_hub.domain.userpaths import checked, writable
from gavip_hub.exceptions import BadParameter
from gavip_hub.services.files import MOST_UPLOADS
from gavip_hub.storage import spaces
from gavip_hub.storage.uploads import Uploads

CONTENT = b"ra,dec\n1,2\n" * 100
BYTES = {"Content-Type": "application/octet-stream"}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def begin(client, path: str, content: bytes = CONTENT, **changed):
    body = {"path": path, "size": len(content), "sha256": sha256(content), **changed}
    return await client.post("/data/uploads", json=body)


async def append(client, upload: str, offset: int, content: bytes):
    return await client.post(
        f"/data/uploads/{upload}", params={"offset": offset}, content=content, headers=BYTES
    )


async def send(client, path: str, content: bytes = CONTENT):
    """Write a file in one piece and return the last answer."""
    begun = await begin(client, path, content)
    if begun.status_code != 200:
        return begun
    upload = begun.json()["id"]
    if content:
        await append(client, upload, 0, content)
    return await client.post(f"/data/uploads/{upload}/finish")


@pytest.fixture
def space(service) -> Path:
    """Ann's space, as her boxes see it."""
    folder = service.root / "users" / "ann"
    folder.mkdir(parents=True)
    return folder


async def test_a_file_travels_there_and_back(ann, space):
    made = await send(ann, "data/maps/stars.csv")
    assert made.status_code == 200
    assert made.json()["path"] == "data/maps/stars.csv"
    assert (space / "data/maps/stars.csv").read_bytes() == CONTENT
    assert (await ann.get("/data/content", params={"path": "data/maps/stars.csv"})).content == CONTENT
    digest = await ann.get("/data/digest", params={"path": "data/maps/stars.csv"})
    assert digest.json() == {"path": "data/maps/stars.csv", "size": len(CONTENT), "sha256": sha256(CONTENT)}
    listed = (await ann.get("/data", params={"path": "data"})).json()
    assert [(one["name"], one["is_folder"]) for one in listed["items"]] == [("maps", True)]


async def test_an_empty_file_is_a_file(ann, space):
    assert (await send(ann, "empty.txt", b"")).json()["size"] == 0
    assert (space / "empty.txt").read_bytes() == b""


async def test_who_has_no_space_yet_lists_nothing_and_gets_one_by_writing(ann, service):
    assert (await ann.get("/data")).json()["items"] == []
    assert (await send(ann, "a.csv")).status_code == 200
    assert (service.root / "users" / "ann" / "a.csv").exists()


async def test_a_broken_upload_goes_on_where_it_broke_off(ann, space):
    upload = (await begin(ann, "a.csv")).json()["id"]
    await append(ann, upload, 0, CONTENT[:500])
    again = (await begin(ann, "a.csv")).json()
    assert (again["id"], again["offset"]) == (upload, 500)
    assert (await append(ann, upload, 500, CONTENT[500:])).json()["offset"] == len(CONTENT)
    assert (await ann.post(f"/data/uploads/{upload}/finish")).status_code == 200
    assert (space / "a.csv").read_bytes() == CONTENT


async def test_pieces_come_in_order_or_not_at_all(ann, space):
    upload = (await begin(ann, "a.csv")).json()["id"]
    await append(ann, upload, 0, CONTENT[:500])
    for offset in (0, 499, 501):
        refused = await append(ann, upload, offset, b"x")
        assert refused.status_code == 409
        assert "go on from 500" in refused.json()["message"]
    assert (await append(ann, upload, 500, CONTENT)).status_code == 409
    assert (await ann.post(f"/data/uploads/{upload}/finish")).status_code == 409
    assert list(space.iterdir()) == []


async def test_what_is_not_what_was_announced_is_thrown_away(ann, space, service):
    upload = (await begin(ann, "a.csv")).json()["id"]
    await append(ann, upload, 0, b"x" * len(CONTENT))
    refused = await ann.post(f"/data/uploads/{upload}/finish")
    assert refused.status_code == 409
    assert "SHA-256" in refused.json()["message"]
    assert list(space.iterdir()) == []
    assert list((service.root / "uploads" / "ann").iterdir()) == []
    assert (await begin(ann, "a.csv")).json()["offset"] == 0


async def test_a_file_is_replaced_at_one_stroke(ann, space):
    (space / "a.csv").write_text("before")
    with (space / "a.csv").open() as reader:
        await send(ann, "a.csv")
        assert reader.read() == "before"
    assert (space / "a.csv").read_bytes() == CONTENT


async def test_nobody_sees_what_has_not_come_whole(ann, space):
    upload = (await begin(ann, "a.csv")).json()["id"]
    await append(ann, upload, 0, CONTENT[:500])
    assert list(space.rglob("*")) == []


async def test_an_upload_is_given_up(ann, space, service):
    upload = (await begin(ann, "a.csv")).json()["id"]
    assert (await ann.delete(f"/data/uploads/{upload}")).status_code == 204
    assert list((service.root / "uploads" / "ann").iterdir()) == []
    assert (await append(ann, upload, 0, b"x")).status_code == 404


async def test_uploads_that_are_not_finished_are_listed_with_all_that_is_asked_of_them(ann, space):
    assert (await ann.get("/data/uploads")).json() == {"items": [], "size": 0, "most": MOST_UPLOADS}
    await begin(ann, "maps/a.csv")
    upload = (await begin(ann, "b.csv")).json()["id"]
    await append(ann, upload, 0, CONTENT[:500])
    told = (await ann.get("/data/uploads")).json()
    assert told["size"] == 2 * len(CONTENT)
    [first, second] = told["items"]
    assert (first["id"], first["path"], first["size"], first["offset"]) == (
        upload,
        "b.csv",
        len(CONTENT),
        500,
    )
    assert (second["path"], second["offset"]) == ("maps/a.csv", 0)
    touched, until = (datetime.fromisoformat(first[each]) for each in ("touched_at", "kept_until"))
    assert until - touched == timedelta(days=1)
    assert abs(datetime.now(UTC) - touched) < timedelta(minutes=1)


async def test_what_is_finished_or_given_up_is_listed_no_more(ann, space):
    await send(ann, "a.csv")
    upload = (await begin(ann, "b.csv")).json()["id"]
    await ann.delete(f"/data/uploads/{upload}")
    assert (await ann.get("/data/uploads")).json()["items"] == []
    assert (await ann.delete(f"/data/uploads/{upload}")).status_code == 404


async def test_nobody_lists_or_gives_up_anothers_uploads(ann, bob, service, space):
    upload = (await begin(ann, "a.csv")).json()["id"]
    assert (await bob.get("/data/uploads")).json()["items"] == []
    for name in (upload, f"..%2Fann%2F{upload}", "%2E%2E", "x%00"):
        assert (await bob.delete(f"/data/uploads/{name}")).status_code in {400, 404}
    for token, status in (("ann-stars-token", 403), ("reader-token", 403), (None, 401)):
        async with service.client(token) as client:
            assert (await client.get("/data/uploads")).status_code == status
    assert len((await ann.get("/data/uploads")).json()["items"]) == 1


async def test_another_persons_upload_is_not_there(ann, bob, space):
    upload = (await begin(ann, "a.csv")).json()["id"]
    for answer in (
        await append(bob, upload, 0, b"x"),
        await bob.post(f"/data/uploads/{upload}/finish"),
        await bob.delete(f"/data/uploads/{upload}"),
    ):
        assert answer.status_code == 404
    assert (await begin(ann, "a.csv")).json()["offset"] == 0


async def test_another_persons_files_are_not_there(ann, bob, space):
    (space / "secret.txt").write_text("of ann")
    for path in ("secret.txt", "../ann/secret.txt", "/ann/secret.txt"):
        answer = await bob.get("/data/content", params={"path": path})
        assert answer.status_code in {404, 422}
        assert "of ann" not in answer.text


async def test_neither_an_interface_nor_who_lacks_the_scope_gets_anything(service, space):
    (space / "secret.txt").write_text("of ann")
    for token, status in (("ann-stars-token", 403), ("reader-token", 403), (None, 401)):
        async with service.client(token) as client:
            answers = [
                await client.get("/data"),
                await client.get("/data/content", params={"path": "secret.txt"}),
                await client.get("/data/digest", params={"path": "secret.txt"}),
                await begin(client, "a.csv"),
            ]
        assert {answer.status_code for answer in answers} == {status}


async def test_an_interface_gets_nothing_even_with_the_scopes(service, space):
    scopes = [f"custom:gavip:{scope}:files!server=ann/stars" for scope in ("read", "write")]
    service.hub.tokens["bound"] = {"kind": "user", "name": "ann", "roles": [], "groups": [], "scopes": scopes}
    async with service.client("bound") as client:
        assert (await client.get("/data")).status_code == 403
        assert (await begin(client, "a.csv")).status_code == 403


async def test_reading_alone_writes_nothing(service, space):
    scopes = ["custom:gavip:read:files!user=ann"]
    service.hub.tokens["looks"] = {"kind": "user", "name": "ann", "roles": [], "groups": [], "scopes": scopes}
    async with service.client("looks") as client:
        assert (await client.get("/data")).status_code == 200
        assert (await begin(client, "a.csv")).status_code == 403


OUT = [
    "../escaped",
    "a/../../escaped",
    "..",
    ".bashrc",
    ".jupyter/x.py",
    "data/.ssh/key",
    "",
    "/",
    "a\nb",
    "a/\x1b[2J",
    "x" * 256,
    "/".join("d" * 31),
]


async def test_no_path_leads_out_or_to_what_is_hidden(ann, service, space):
    for path in OUT:
        assert (await begin(ann, path)).status_code == 422, path
        # Tornado takes control characters out of addresses: the rest names nothing.
        assert (await ann.get("/data/content", params={"path": path})).status_code in {404, 422}, path
    assert list(service.root.rglob("*escaped*")) == []


async def test_what_is_the_platforms_is_not_written(ann, space):
    for path in ("jobs/j1/1/results/x.csv", "shared/me/x", "/jobs/x", "jobs//x"):
        refused = await begin(ann, path)
        assert refused.status_code == 422
        assert "not yours to write" in refused.json()["message"]


async def test_a_link_on_the_way_is_followed_by_nobody(ann, service, space, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("of the machine")
    (space / "link").symlink_to(outside)
    (space / "secret.txt").symlink_to(outside / "secret.txt")
    assert (await send(ann, "link/new.csv")).status_code == 409
    for path in ("link/secret.txt", "secret.txt"):
        assert (await ann.get("/data/content", params={"path": path})).status_code == 404
        assert (await ann.get("/data/digest", params={"path": path})).status_code == 404
    assert (await ann.get("/data", params={"path": "link"})).status_code in {404, 503}
    assert (await ann.get("/data")).json()["items"] == []
    assert (await send(ann, "secret.txt")).status_code == 200  # in the link's place
    assert (outside / "secret.txt").read_text() == "of the machine"
    assert sorted(outside.iterdir()) == [outside / "secret.txt"]


async def test_a_pipe_holds_nobody_up(ann, space):
    os.mkfifo(space / "pipe")
    async with asyncio.timeout(10):
        assert (await ann.get("/data/content", params={"path": "pipe"})).status_code == 404
        assert (await ann.get("/data")).json()["items"] == []


async def test_names_that_are_no_text_or_that_terminals_obey_are_left_out(ann, space):
    (space / "good.txt").touch()
    (space / "\x1b[2J").touch()
    (space / "a\nb").touch()
    Path(os.fsdecode(os.fsencode(space) + b"/\xff")).touch()
    assert [one["name"] for one in (await ann.get("/data")).json()["items"]] == ["good.txt"]


async def test_a_folder_is_no_file_and_a_file_no_folder(ann, space):
    (space / "data").mkdir()
    (space / "file").touch()
    assert (await send(ann, "data")).status_code == 409
    assert (await send(ann, "file/a.csv")).status_code == 409
    assert (await ann.get("/data/content", params={"path": "data"})).status_code == 404


async def test_what_does_not_fit_the_quota_is_refused_before_a_byte_is_sent(ann, service, space):
    service.service.core.quotas._config.quota["space_mb"] = 10
    refused = await begin(ann, "large.fits", size=11 * 1024 * 1024)
    assert (refused.status_code, refused.json()["error"]) == (507, "space_full")
    assert "11 MB would come" in refused.json()["message"]
    assert list(space.iterdir()) == []


async def test_uploads_count_together_and_with_what_lies_there(ann, service, space):
    service.service.core.quotas._config.quota["space_mb"] = 10
    six = {"size": 6 * 1024 * 1024}
    assert (await begin(ann, "a", **six)).status_code == 200
    assert (await begin(ann, "b", **six)).status_code == 507
    database = service.service.core.database
    with database.transaction() as session:
        spaces.put(session, "ann", used_mb=8, at=service.service.core.clock.now())
    assert (await begin(ann, "a", **six)).status_code == 507


async def test_what_was_written_counts_until_it_is_measured(ann, service, space):
    for name in "abc":
        await send(ann, name)
    with service.service.core.database.reading() as session:
        assert spaces.of(session, "ann").used_mb == 3
    assert service.service.core.uploads.who_wrote() == {"ann"}
    assert service.service.core.uploads.who_wrote() == set()


async def test_so_many_are_begun_and_no_more(ann, space):
    for number in range(MOST_UPLOADS):
        assert (await begin(ann, f"{number}.csv")).status_code == 200
    refused = await begin(ann, "more.csv")
    assert (refused.status_code, refused.json()["error"]) == (409, "too_many_begun")
    for words in ("8 of your files", "/services/gavip/files#unfinished", "gavip data uploads"):
        assert words in refused.json()["message"]
    assert (await begin(ann, "0.csv")).status_code == 200  # goes on


async def test_what_nobody_goes_on_with_is_forgotten(ann, service, space):
    old = (await begin(ann, "old.csv")).json()["id"]
    for path in (service.root / "uploads" / "ann").iterdir():
        os.utime(path, (1, 1))
    await begin(ann, "new.csv")
    assert [one["path"] for one in (await ann.get("/data/uploads")).json()["items"]] == ["new.csv"]
    assert (await append(ann, old, 0, CONTENT)).status_code == 404
    Uploads(root=service.root).remove_old()
    told = (service.root / "uploads" / "ann").glob("*.json")
    assert [json.loads(path.read_text())["parts"] for path in told] == [["new.csv"]]


async def test_two_requests_do_not_write_one_file_at_once(ann, service, space):
    uploads: Uploads = service.service.core.uploads
    upload = (await begin(ann, "a.csv")).json()["id"]
    with uploads._opened("ann", upload):
        assert (await append(ann, upload, 0, CONTENT)).status_code == 409


async def test_a_piece_that_is_too_large_is_refused(ann, space):
    upload = (await begin(ann, "a.bin", size=5_000_000)).json()["id"]
    assert (await append(ann, upload, 0, bytes(4 * 1024 * 1024 + 1))).status_code == 413


async def test_a_form_of_another_site_is_no_piece(ann, space):
    upload = (await begin(ann, "a.csv")).json()["id"]
    answer = await ann.post(
        f"/data/uploads/{upload}", params={"offset": 0}, content=b"x", headers={"Content-Type": "text/plain"}
    )
    assert answer.status_code == 400


async def test_a_download_goes_on_with_a_range_of_the_same_content_only(ann, space):
    (space / "a.csv").write_bytes(CONTENT)
    first = await ann.get("/data/content", params={"path": "a.csv"})
    part = {"Range": "bytes=500-", "If-Range": first.headers["Etag"]}
    rest = await ann.get("/data/content", params={"path": "a.csv"}, headers=part)
    assert (rest.status_code, rest.content) == (206, CONTENT[500:])
    (space / "a.csv").write_bytes(CONTENT + b"more")
    whole = await ann.get("/data/content", params={"path": "a.csv"}, headers=part)
    assert (whole.status_code, whole.content) == (200, CONTENT + b"more")


async def test_a_page_that_somebody_uploaded_is_an_attachment_in_a_sandbox(ann, space):
    (space / "evil.html").write_text("<script>alert(1)</script>")
    answer = await ann.get("/data/content", params={"path": "evil.html"})
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]


async def test_a_long_list_says_that_there_is_more(ann, space, monkeypatch):
    monkeypatch.setattr("gavip_hub.storage.userfiles.MOST_LISTED", 3)
    for name in "abcd":
        (space / name).touch()
    listed = (await ann.get("/data")).json()
    assert (len(listed["items"]), listed["more"]) == (3, True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
async def test_what_is_written_belongs_to_the_owner_of_the_space(ann, space):
    os.chown(space, 30_001, 30_001)
    await send(ann, "data/maps/a.csv")
    for path in (space / "data", space / "data/maps", space / "data/maps/a.csv"):
        assert (path.stat().st_uid, path.stat().st_gid) == (30_001, 30_001)


def test_paths_have_one_spelling():
    assert checked("/data//a.csv/") == ("data", "a.csv")
    assert checked("", whole_space=True) == ()
    with pytest.raises(BadParameter):
        writable("jobs")


async def test_a_file_of_holes_is_not_read_to_its_end(service, ann):
    space = service.root / "users" / "ann"
    space.mkdir(parents=True, exist_ok=True)
    with (space / "holes.bin").open("wb") as file:
        file.truncate(4 * 1024**3)
    answer = await ann.get("/data/digest", params={"path": "holes.bin"})
    assert answer.status_code == 422
    assert "mostly holes" in answer.json()["message"]
