"""`gavip data cp`: both ways, whole or not at all, and on where it broke off."""

import asyncio
import hashlib
import json
from pathlib import Path

import pytest

from avi_kernel.copying import PIECE, Copier
from avi_kernel.downloads import TRIES, NotCopied
from avi_kernel.transport import Conflict, Transport, Unavailable
from gavip_hub.services.files import MOST_UPLOADS
from gavip_hub.storage.uploads import upload_of
from tests.support.cut_line import cut_line
from tests.support.service import running_service
from tests.support.small_api import small_api
from tests.support.star_api import STAR_HANDLERS

LARGE = bytes(range(256)) * 24_000  # three pieces


@pytest.fixture
async def service(tmp_path):
    async with running_service(tmp_path / "root") as running:
        (running.root / "users" / "ann").mkdir(parents=True)
        yield running


@pytest.fixture
def space(service) -> Path:
    return service.root / "users" / "ann"


@pytest.fixture
def here(home, monkeypatch) -> Path:
    """Where ann stands on her own machine."""
    folder = home / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GAVIP_TOKEN", "ann-token")
    return folder


@pytest.fixture
def cp(service, types, here):
    async def copy(*arguments: str, url: str = ""):
        return await asyncio.to_thread(types, "--url", url or service.url, "data", "cp", *arguments)

    return copy


@pytest.fixture
def copier():
    """A copier that waits for nobody; its steps are kept."""
    transports = []

    def make(url: str) -> Copier:
        steps: list[int] = []
        transports.append(Transport(url=url, token="ann-token"))
        made = Copier(transports[-1], progress=steps.append, pause=lambda _: None)
        made.steps = steps
        return made

    yield make
    for transport in transports:
        transport.close()


async def test_a_file_goes_there_and_comes_back(cp, here, space):
    (here / "stars.csv").write_bytes(LARGE)
    up = await cp("stars.csv", "space:data/")
    assert (up.exit_code, up.stdout.split()[0]) == (0, "data/stars.csv")
    assert (space / "data/stars.csv").read_bytes() == LARGE
    down = await cp("space:data/stars.csv", "back.csv")
    assert down.exit_code == 0
    assert (here / "back.csv").read_bytes() == LARGE
    assert sorted(path.name for path in here.iterdir()) == ["back.csv", "stars.csv"]


async def test_a_folder_that_is_listed_in_pages_comes_whole(cp, here, space, monkeypatch):
    monkeypatch.setattr("gavip_hub.storage.userfiles.MOST_LISTED", 2)
    space.mkdir(parents=True, exist_ok=True)
    for name in "abcde":
        (space / name).write_text(name)
    await cp("-r", "space:", "all")
    assert sorted(path.name for path in (here / "all").iterdir()) == list("abcde")


async def test_where_a_file_goes(cp, here, space):
    (here / "a.csv").write_text("a")
    (here / "folder").mkdir()
    (space / "data").mkdir()
    for target, lies in (
        ("space:", "a.csv"),
        ("space:data", "data/a.csv"),
        ("space:b.csv", "b.csv"),
        ("space:/new/", "new/a.csv"),
    ):
        assert (await cp("a.csv", target)).exit_code == 0
        assert (space / lies).read_text() == "a"
    assert (await cp("space:data/a.csv", "folder")).exit_code == 0
    assert (here / "folder/a.csv").read_text() == "a"


async def test_a_folder_goes_with_all_in_it_but_what_is_hidden_or_a_link(cp, here, space):
    for name in ("maps/a.csv", "maps/deep/er/b.csv", "maps/.git/config", "maps/.env"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(name)
    (here / "maps/link").symlink_to("/etc/passwd")
    (here / "maps/loop").symlink_to(here / "maps")
    assert (await cp("maps", "space:data")).exit_code == 2
    assert (await cp("-r", "maps", "space:data/")).exit_code == 0
    found = sorted(str(path.relative_to(space)) for path in space.rglob("*") if path.is_file())
    assert found == ["data/maps/a.csv", "data/maps/deep/er/b.csv"]
    assert (await cp("space:data", "out")).exit_code == 2
    ran = await cp("-r", "space:data", "out")
    assert ran.exit_code == 0
    assert (here / "out/maps/deep/er/b.csv").read_text() == "maps/deep/er/b.csv"


async def test_what_is_there_already_is_not_sent_again(cp, here, space):
    (here / "a.csv").write_text("a")
    await cp("a.csv", "space:a.csv")
    before = (space / "a.csv").stat().st_ino
    again = await cp("a.csv", "space:a.csv")
    assert "was there" in again.stdout
    assert (space / "a.csv").stat().st_ino == before


async def test_scripts_read_what_was_done(service, types, here):
    (here / "a.csv").write_text("a")
    ran = await asyncio.to_thread(types, "--url", service.url, "--json", "data", "cp", "a.csv", "space:")
    assert json.loads(ran.stdout) == [
        {
            "source": "a.csv",
            "target": "a.csv",
            "size": 1,
            "sha256": hashlib.sha256(b"a").hexdigest(),
            "was_there": False,
        }
    ]


REFUSED = [
    (("a.csv", "b.csv"), 2, "space:PATH"),
    (("space:a", "space:b"), 2, "space:PATH"),
    (("none.csv", "space:"), 2, "There is no none.csv"),
    (("space:none.csv", "."), 4, "There is no none.csv"),
    (("space:none/a.csv", "."), 4, "no folder"),
    (("a.csv", "space:jobs/a.csv"), 2, "not yours to write"),
    (("a.csv", "space:.bashrc"), 2, "nothing hidden"),
    (("a.csv", "space:../../etc/a.csv"), 2, "nothing hidden"),
]


async def test_a_refusal_says_what_to_do(cp, here):
    (here / "a.csv").write_text("a")
    for arguments, status, words in REFUSED:
        ran = await cp(*arguments)
        assert (ran.exit_code, words in ran.output) == (status, True), ran.output


async def test_what_does_not_fit_ends_with_five(cp, service, here):
    service.service.core.quotas._config.quota["space_mb"] = 0
    (here / "a.csv").write_text("a" * 100)
    ran = await cp("a.csv", "space:")
    assert ran.exit_code == 5
    assert "quota allows 0 MB" in ran.stderr


async def test_an_upload_over_a_line_that_breaks_goes_on(copier, service, here, space):
    (here / "a.bin").write_bytes(LARGE)
    async with cut_line(service.url) as line:
        line.cuts = [PIECE + 5000, 3000, PIECE // 2, PIECE + 9000]
        one = copier(line.url)
        copied = await asyncio.to_thread(one.upload, here / "a.bin", "a.bin")
    assert line.cuts == []
    assert (space / "a.bin").read_bytes() == LARGE
    assert copied.sha256 == hashlib.sha256(LARGE).hexdigest()
    assert sum(one.steps) == len(LARGE)


async def test_a_download_over_a_line_that_breaks_goes_on(copier, service, here, space):
    (space / "a.bin").write_bytes(LARGE)
    async with cut_line(service.url) as line:
        line.cuts = [1_000_000, 2_000_000, 500]
        one = copier(line.url)
        await asyncio.to_thread(one.download, "a.bin", here / "a.bin")
    assert line.cuts == []
    assert (here / "a.bin").read_bytes() == LARGE
    assert sum(one.steps) == len(LARGE)
    assert max(one.steps) < 2_100_000  # nothing came twice


async def test_a_download_goes_on_after_the_command_itself_was_ended(copier, service, here, space):
    (space / "a.bin").write_bytes(LARGE)
    async with cut_line(service.url) as line:
        line.cuts = [1_000_000] + [0] * TRIES
        with pytest.raises(Unavailable):
            await asyncio.to_thread(copier(line.url).download, "a.bin", here / "a.bin")
        part = here / ".a.bin.gavip-part"
        assert 0 < part.stat().st_size < len(LARGE)
        one = copier(line.url)
        await asyncio.to_thread(one.download, "a.bin", here / "a.bin")
    assert one.steps[0] > 900_000
    assert (here / "a.bin").read_bytes() == LARGE
    assert list(here.iterdir()) == [here / "a.bin"]


async def test_a_file_that_changed_meanwhile_begins_anew(copier, service, here, space):
    (space / "a.bin").write_bytes(LARGE)
    async with cut_line(service.url) as line:
        line.cuts = [1_000_000] + [0] * TRIES
        with pytest.raises(Unavailable):
            await asyncio.to_thread(copier(line.url).download, "a.bin", here / "a.bin")
        (space / "a.bin").write_bytes(b"new")
        await asyncio.to_thread(copier(line.url).download, "a.bin", here / "a.bin")
    assert (here / "a.bin").read_bytes() == b"new"


async def test_a_line_that_never_holds_is_given_up(copier, service, here):
    (here / "a.bin").write_bytes(LARGE)
    async with cut_line(service.url) as line:
        line.cuts = [0] * 50
        with pytest.raises(Unavailable):
            await asyncio.to_thread(copier(line.url).upload, here / "a.bin", "a.bin")


async def test_a_lost_answer_is_no_lost_file(copier, service, here, space, monkeypatch):
    (here / "a.bin").write_text("a")
    one = copier(service.url)
    request = one._transport.request

    def loses(method, path, **options):
        answer = request(method, path, **options)
        if path.endswith("/finish"):
            raise Unavailable("the line broke")
        return answer

    monkeypatch.setattr(one._transport, "request", loses)
    await asyncio.to_thread(one.upload, here / "a.bin", "a.bin")
    assert (space / "a.bin").read_text() == "a"
    assert not list((service.root / "uploads" / "ann").glob("*.part"))


async def test_where_nobody_tells_the_digest_nothing_has_to_come_again(
    copier, service, here, space, monkeypatch
):
    (space / "a.bin").write_bytes(LARGE)
    one = copier(service.url)
    with monkeypatch.context() as broken:
        broken.setattr(one, "_told_digest", lambda _: (_ for _ in ()).throw(Unavailable("away")))
        with pytest.raises(Unavailable):
            await asyncio.to_thread(one.download, "a.bin", here / "a.bin")
    again = copier(service.url)
    await asyncio.to_thread(again.download, "a.bin", here / "a.bin")
    assert again.steps == [len(LARGE)]
    assert (here / "a.bin").read_bytes() == LARGE


async def test_what_does_not_arrive_as_it_was_sent_is_an_error(copier, service, here, space, monkeypatch):
    (space / "a.bin").write_text("a")
    one = copier(service.url)
    monkeypatch.setattr(one, "_told_digest", lambda _: "0" * 64)
    with pytest.raises(NotCopied, match="changed while it was copied"):
        await asyncio.to_thread(one.download, "a.bin", here / "a.bin")
    assert list(here.iterdir()) == []


async def test_a_file_that_changes_while_it_is_sent_is_refused_whole(
    copier, service, here, space, monkeypatch
):
    (here / "a.bin").write_bytes(LARGE)
    monkeypatch.setattr("avi_kernel.copying._digest", lambda _: hashlib.sha256(b"other").hexdigest())
    with pytest.raises(Conflict, match="SHA-256"):
        await asyncio.to_thread(copier(service.url).upload, here / "a.bin", "a.bin")
    assert list(space.iterdir()) == []


@pytest.mark.parametrize("name", ["../escaped", "/tmp/x", "..", ".bashrc", "a\nb", "a/../../x", ""])
def test_a_platform_that_makes_up_names_writes_nothing_elsewhere(types, here, monkeypatch, name):
    from gavip_hub.handlers.routes import API_HANDLERS

    with small_api(API_HANDLERS) as api:
        entry = {"name": name, "path": name, "is_folder": False, "size": 1, "etag": "x"}
        api.answers["GET /data"] = {"path": "", "items": [entry], "more": False}
        ran = types("--url", api.url, "data", "cp", "-r", "space:", "out")
    assert ran.exit_code == 2
    assert list(here.iterdir()) == []


def test_an_older_platform_is_told(types, here):
    (here / "a.csv").write_text("a")
    with small_api(STAR_HANDLERS, version="0.0.1") as api:
        ran = types("--url", api.url, "data", "cp", "a.csv", "space:")
    assert ran.exit_code == 4
    assert "runs GAVIP 0.0.1" in ran.stderr
    assert "needs a newer platform" in ran.stderr


async def test_the_ninth_is_told_where_the_others_are_and_one_is_given_up(service, types, cp, here):
    (here / "a.csv").write_text("a")
    uploads = service.service.core.uploads
    for number in range(MOST_UPLOADS):
        uploads.begin("ann", upload_of(owner="ann", parts=("data", f"{number}.fits"), size=9))
    refused = await cp("a.csv", "space:")
    assert refused.exit_code != 0
    assert "gavip data uploads" in refused.stderr
    listed = await asyncio.to_thread(types, "--url", service.url, "data", "uploads")
    assert "data/3.fits" in listed.stdout
    name = next(iter(uploads.begun("ann")))
    given_up = await asyncio.to_thread(types, "--url", service.url, "data", "abandon", name)
    assert given_up.exit_code == 0
    assert (await cp("a.csv", "space:")).exit_code == 0
