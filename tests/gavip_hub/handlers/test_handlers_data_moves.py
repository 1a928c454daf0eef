"""A person's files over the API: folders, moves, copies, the bin, search, and folders as archives."""

import asyncio
import io
import os
import stat
import zipfile
from pathlib import Path

import pytest

from gavip_hub.services import file_archives, file_moves
from gavip_hub.storage import spaces, zipping

ODD = "a & b <i> #1?.csv"


@pytest.fixture
def space(service) -> Path:
    """Ann's space with a folder of two files."""
    folder = service.root / "users" / "ann" / "data"
    (folder / "maps").mkdir(parents=True)
    (folder / "stars.csv").write_text("stars")
    (folder / "maps" / ODD).write_text("sky")
    return service.root / "users" / "ann"


async def move(client, path: str, to: str):
    return await client.post("/data/moves", json={"path": path, "to": to})


async def copy(client, path: str, to: str):
    return await client.post("/data/copies", json={"path": path, "to": to})


async def delete(client, path: str):
    return await client.delete("/data", params={"path": path})


async def in_bin(client) -> list[str]:
    return [one["path"] for one in (await client.get("/data/bin")).json()["items"]]


async def test_a_folder_is_made_and_things_go_into_it(ann, space):
    made = await ann.post("/data/folders", json={"path": "old/2025"})
    assert (made.status_code, made.json()["is_folder"]) == (201, True)
    assert (await move(ann, "data/stars.csv", "old/2025/")).json()["path"] == "old/2025/stars.csv"
    copied = (await copy(ann, "old/2025/stars.csv", "first.csv")).json()
    assert (copied["entry"]["path"], copied["files"], copied["size"]) == ("first.csv", 1, 5)
    assert (space / "first.csv").read_text() == (space / "old/2025/stars.csv").read_text() == "stars"
    assert (await ann.post("/data/folders", json={"path": "old"})).json()["error"] == "taken"


async def test_results_of_jobs_are_copied_and_neither_moved_nor_deleted(ann, space):
    results = space / "jobs/j1/1/results"
    results.mkdir(parents=True)
    (results / "x.csv").write_text("result")
    assert (await copy(ann, "jobs/j1/1/results/x.csv", "data/")).status_code == 201
    assert (space / "data/x.csv").read_text() == "result"
    for answer in (
        await move(ann, "jobs/j1", "mine"),
        await delete(ann, "jobs/j1"),
        await move(ann, "data/stars.csv", "jobs/j1/"),
        await copy(ann, "data/stars.csv", "shared/everyone/"),
        await ann.post("/data/folders", json={"path": "jobs/mine"}),
    ):
        assert (answer.status_code, answer.json()["error"]) == (422, "bad_parameter")
    assert (results / "x.csv").exists()


OUT = ["../x", "a/../../x", "..", ".hidden", "data/.ssh", "a\nb", "x" * 256, "/".join("d" * 31)]


async def test_no_path_leads_out_or_to_what_is_hidden(ann, space, service):
    for path in OUT:
        for answer in (
            await move(ann, "data/stars.csv", path),
            await copy(ann, "data/stars.csv", path),
            await move(ann, path, "x"),
            await ann.post("/data/folders", json={"path": path}),
        ):
            assert answer.status_code == 422, path
    assert sorted(path.name for path in (service.root / "users").iterdir()) == ["ann"]


async def test_what_is_deleted_comes_back(ann, space):
    deleted = (await delete(ann, "data/maps")).json()
    assert deleted["kept_until"][:4].isdigit()
    assert await in_bin(ann) == ["data/maps"]
    assert not (space / "data/maps").exists()
    back = await ann.post(f"/data/bin/{deleted['id']}")
    assert back.json() == {"path": "data/maps", "renamed": False}
    assert (space / "data/maps" / ODD).read_text() == "sky"
    assert (await ann.post(f"/data/bin/{deleted['id']}")).status_code == 404


async def test_who_gets_something_back_under_another_name_is_told(ann, space):
    deleted = (await delete(ann, "data/stars.csv")).json()
    (space / "data/stars.csv").write_text("new")
    back = await ann.post(f"/data/bin/{deleted['id']}")
    assert back.json() == {"path": "data/stars (2).csv", "renamed": True}


async def test_a_bin_is_emptied_and_then_nothing_comes_back(ann, space, service):
    first = (await delete(ann, "data/stars.csv")).json()["id"]
    await delete(ann, "data/maps")
    assert (await ann.delete(f"/data/bin/{first}")).status_code == 204
    assert await in_bin(ann) == ["data/maps"]
    assert (await ann.delete("/data/bin")).json() == {"deleted": 1}
    assert await in_bin(ann) == []
    service.service.context.services.file_moves.look_after_bins()
    assert [path for path in (service.root / "aside").rglob("*") if path.name != "service"] == []


async def test_what_lies_in_the_bin_counts_until_it_is_gone(ann, space, service):
    (space / "large").write_bytes(os.urandom(3 * 1024 * 1024))
    spaces_of = service.service.core.spaces
    deleted = (await delete(ann, "large")).json()["id"]
    assert spaces_of.used_mb("ann") == 3
    await ann.delete(f"/data/bin/{deleted}")
    assert spaces_of.used_mb("ann") == 0
    assert service.service.core.moves.who_wrote() == {"ann"}


async def test_a_copy_that_does_not_fit_the_quota_is_refused(ann, space, service):
    service.service.core.quotas._config.quota["space_mb"] = 10
    (space / "large").write_bytes(bytes(6 * 1024 * 1024))
    with service.service.core.database.transaction() as session:
        spaces.put(session, "ann", used_mb=6, at=service.service.core.clock.now())
    refused = await copy(ann, "large", "twice")
    assert (refused.status_code, refused.json()["error"]) == (507, "space_full")
    assert not (space / "twice").exists()


async def test_copies_count_at_once(ann, space, service):
    service.service.core.quotas._config.quota["space_mb"] = 10
    (space / "large").write_bytes(bytes(6 * 1024 * 1024))
    answers = await asyncio.gather(copy(ann, "large", "one"), copy(ann, "large", "two"))
    assert sorted(answer.status_code for answer in answers) == [201, 507]


async def test_a_copy_of_too_many_files_is_refused_in_words(ann, space, monkeypatch):
    monkeypatch.setattr(file_moves, "MOST_COPIED", 1)
    refused = await copy(ann, "data", "twice")
    assert refused.status_code == 409
    assert "one by one" in refused.json()["message"]


async def test_search_finds_names_that_hold_all_words(ann, space, tmp_path):
    (space / ".stars").touch()
    (space / "link-to-stars").symlink_to(tmp_path)

    async def found(text: str, path: str = "") -> list[str]:
        answer = await ann.get("/data/found", params={"text": text, "path": path})
        return [one["path"] for one in answer.json()["items"]]

    assert await found("STAR") == ["data/stars.csv"]
    assert sorted(await found("csv")) == [f"data/maps/{ODD}", "data/stars.csv"]
    assert await found("csv star") == ["data/stars.csv"]
    assert await found("csv", "data/maps") == [f"data/maps/{ODD}"]
    assert await found("nothing") == []
    assert (await ann.get("/data/found", params={"text": " "})).status_code == 422
    assert (await ann.get("/data/found", params={"text": "x", "path": "none"})).status_code == 404


async def test_a_search_that_was_cut_says_so(ann, space, monkeypatch):
    monkeypatch.setattr("gavip_hub.services.files.MOST_FOUND", 1)
    answer = (await ann.get("/data/found", params={"text": "csv"})).json()
    assert (len(answer["items"]), answer["more"]) == (1, True)


async def test_a_list_comes_in_pages(ann, space):
    many = space / "many"
    many.mkdir()
    for number in range(7):
        (many / f"{number}.csv").write_text("x" * number)
    asked = {"path": "many", "sort": "-size", "offset": "2", "limit": "3"}
    page = (await ann.get("/data", params=asked)).json()
    assert [one["name"] for one in page["items"]] == ["4.csv", "3.csv", "2.csv"]
    assert (page["more"], page["total"]) == (True, 7)
    assert (await ann.get("/data", params={**asked, "sort": "colour"})).status_code == 422


async def archive(client, path: str) -> zipfile.ZipFile:
    answer = await client.get("/data/zip", params={"path": path})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Disposition"].startswith("attachment")
    return zipfile.ZipFile(io.BytesIO(answer.content))


async def test_a_folder_comes_as_an_archive(ann, space, tmp_path):
    (space / "data/.hidden").touch()
    (space / "data/empty").mkdir()
    (space / "data/link").symlink_to(tmp_path)
    (space / "data/a\\b.csv").write_text("backslash")
    with await archive(ann, "data") as packed:
        assert packed.testzip() is None
        names = [f"data/maps/{ODD}", "data/", "data/a_b.csv", "data/empty/", "data/maps/", "data/stars.csv"]
        assert sorted(packed.namelist()) == sorted(names)
        assert packed.read("data/stars.csv") == b"stars"
        assert not any(stat.S_ISLNK(info.external_attr >> 16) for info in packed.infolist())


async def test_a_file_comes_as_an_archive_too_and_a_link_does_not(ann, space, tmp_path):
    (space / "link").symlink_to(tmp_path)
    with await archive(ann, "data/stars.csv") as packed:
        assert packed.namelist() == ["stars.csv"]
    for path in ("link", "none", "../ann/data", "jobs"):
        assert (await ann.get("/data/zip", params={"path": path})).status_code in {404, 422}


async def test_what_is_too_much_for_an_archive_is_refused_before_it_begins(ann, space, monkeypatch):
    monkeypatch.setattr("gavip_hub.storage.userfiles.LARGEST_HOLE", 1024)
    with (space / "data/holes").open("wb") as file:
        file.truncate(1024 * 1024)
    refused = await ann.get("/data/zip", params={"path": "data"})
    assert (refused.status_code, refused.json()["error"]) == (422, "too_large")
    assert "holes" in refused.json()["message"]
    (space / "data/holes").unlink()
    monkeypatch.setattr(file_archives, "MOST_PACKED", 2)
    assert (await ann.get("/data/zip", params={"path": "data"})).status_code == 422


def test_an_archive_holds_as_much_of_a_file_as_was_promised(tmp_path):
    (tmp_path / "log").write_bytes(b"0123456789")
    with (tmp_path / "log").open("rb") as file:
        entry = zipping.Packed(name="log", modified=1e18 / 1e10, file=file, size=4)
        whole = b"".join(zipping.zipped([entry]))
    assert zipfile.ZipFile(io.BytesIO(whole)).read("log") == b"0123"


def test_an_archive_larger_than_the_old_format_knows_is_read_and_never_held(monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)
    with Path("/dev/zero").open("rb") as file:
        entries = [zipping.Packed(name=f"{n}", modified=0.0, file=file, size=2_000_000) for n in range(3)]
        pieces = list(zipping.zipped(entries))
    assert max(map(len, pieces)) < 2 * zipping.PIECE
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as packed:
        assert packed.testzip() is None
        assert [info.file_size for info in packed.infolist()] == [2_000_000] * 3


async def test_anothers_things_are_not_there(ann, bob, space):
    deleted = (await delete(ann, "data/maps")).json()["id"]
    for answer in (
        await move(bob, "data/stars.csv", "x"),
        await copy(bob, "data/stars.csv", "x"),
        await delete(bob, "data/stars.csv"),
        await bob.post(f"/data/bin/{deleted}"),
        await bob.delete(f"/data/bin/{deleted}"),
        await bob.get("/data/zip", params={"path": "data"}),
    ):
        assert answer.status_code == 404
    assert (await bob.get("/data/found", params={"text": "stars"})).json()["items"] == []
    assert (await bob.delete("/data/bin")).json() == {"deleted": 0}
    assert await in_bin(ann) == ["data/maps"]


async def test_reading_alone_changes_nothing(service, space):
    scopes = ["custom:gavip:read:files!user=ann"]
    service.hub.tokens["looks"] = {"kind": "user", "name": "ann", "roles": [], "groups": [], "scopes": scopes}
    async with service.client("looks") as client:
        for answer in (
            await move(client, "data", "x"),
            await copy(client, "data", "x"),
            await delete(client, "data"),
            await client.delete("/data/bin"),
            await client.post("/data/bin/d1-000"),
            await client.post("/data/folders", json={"path": "x"}),
        ):
            assert answer.status_code == 403
        assert (await client.get("/data/bin")).status_code == 200


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
async def test_what_is_made_belongs_to_the_owner_of_the_space(ann, space):
    os.chown(space, 30_001, 30_001)
    await ann.post("/data/folders", json={"path": "new/deep"})
    await copy(ann, "data", "copy")
    for name in ("new", "new/deep", "copy", "copy/maps", "copy/stars.csv"):
        assert (space / name).stat().st_uid == 30_001, name
