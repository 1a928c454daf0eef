"""One text file of a project, edited in the portal of the running service."""

import re
from html import unescape

import pytest

from gavip_hub.services.editing import as_before
from tests.support.avis import star_counter
from tests.support.git_client import begun
from tests.support.service import pages_of

PATH = "/projects/stars/edit"


@pytest.fixture
async def clone(service, tmp_path):
    """The star counter with some texts beside it, pushed."""
    folder = star_counter(tmp_path / "work")
    (folder / "a b").mkdir()
    (folder / "a b" / "run.sh").write_text("\necho '</textarea><b>'\n")
    (folder / "a b" / "run.sh").chmod(0o755)
    (folder / "old.txt").write_bytes(b"one\r\ntwo\r\n")
    (folder / "mixed.txt").write_bytes(b"one\r\ntwo\n")
    (folder / "latin.txt").write_bytes(b"\xe9t\xe9\n")
    (folder / "link.txt").symlink_to("old.txt")
    (folder / "large.txt").write_text("x" * 600_000)
    place = service.url.replace("://", "://me:dora-token@")
    made = await begun(folder, f"{place}/services/gavip/git/stars.git")
    await made.did("push", "-q", "origin", "main")
    return made


async def blob(portal, path: str) -> str:
    page = await portal.get(f"{PATH}/{path}")
    assert page.status_code == 200, page.text
    found = re.search(r'name="blob" value="([0-9a-f]{40})"', page.text)
    assert found
    return found[1]


async def sent(portal, path: str, text: str, **more: str):
    """Send the form as a browser does, whose lines end by CR LF."""
    given = {"blob": more.get("blob") or await blob(portal, path), "message": "By hand"} | more
    return await portal.post(f"{PATH}/{path}", data={**given, "text": text.replace("\n", "\r\n")})


async def test_a_text_is_changed_by_a_commit_of_its_author(portal, clone):
    page = await portal.get("/projects/stars/files/a%20b/run.sh")
    assert f'href="/services/gavip{PATH}/a%20b/run.sh"' in page.text
    answer = await sent(portal, "a%20b/run.sh", "\necho 'ö'\n")
    assert answer.headers["Location"] == "/services/gavip/projects/stars/files/a%20b/run.sh"
    await clone.did("pull", "-q", "origin", "main")
    assert (clone.folder / "a b" / "run.sh").read_bytes() == "\necho 'ö'\n".encode()
    assert await clone.did("log", "-1", "--format=%an %s") == "dora By hand"
    assert (await clone.did("diff", "--stat", "HEAD~", "HEAD")).startswith("a b/run.sh")
    assert (await clone.did("ls-files", "-s", "a b")).startswith("100755")


async def test_its_text_is_shown_whole_and_as_text(portal, clone):
    page = (await portal.get(f"{PATH}/a%20b/run.sh")).text
    shown = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    assert shown
    assert unescape(shown[1]) == "\necho '</textarea><b>'\n"


async def test_lines_end_as_they_did(portal, clone):
    await sent(portal, "old.txt", "one\nthree\n")
    await clone.did("pull", "-q", "origin", "main")
    assert (clone.folder / "old.txt").read_bytes() == b"one\r\nthree\r\n"


async def test_what_somebody_pushed_meanwhile_is_not_overwritten(portal, clone):
    seen = await blob(portal, "old.txt")
    (clone.folder / "old.txt").write_bytes(b"theirs\r\n")
    await clone.did("commit", "-qam", "Theirs")
    await clone.did("push", "-q", "origin", "main")
    refused = await sent(portal, "old.txt", "mine\n", blob=seen)
    assert refused.status_code == 409
    assert "changed on main since you opened it" in refused.text
    assert "-theirs" in refused.text
    assert ">\nmine" in refused.text
    await clone.did("fetch", "-q")
    assert await clone.did("rev-parse", "origin/main") == await clone.did("rev-parse", "main")


async def test_a_push_to_another_file_hinders_nothing(portal, clone):
    seen = await blob(portal, "old.txt")
    (clone.folder / "other.txt").write_text("theirs\n")
    await clone.did("add", "-A")
    await clone.did("commit", "-qm", "Theirs")
    await clone.did("push", "-q", "origin", "main")
    assert (await sent(portal, "old.txt", "mine\n", blob=seen)).status_code == 303
    await clone.did("pull", "-q", "origin", "main")
    assert (clone.folder / "other.txt").exists()


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("app.ipynb", "notebooks are edited in JupyterLab"),
        ("latin.txt", "no text in UTF-8"),
        ("mixed.txt", "end in different ways"),
        ("large.txt", "larger than 512 kB"),
        ("a%20b", "no text file"),
    ],
)
async def test_what_is_no_text_is_refused_in_words(portal, clone, path, why):
    answer = await portal.get(f"{PATH}/{path}")
    assert answer.status_code == 400
    assert why in unescape(answer.text)


async def test_a_link_is_not_written(portal, clone):
    answer = await sent(portal, "link.txt", "../../etc/passwd")
    assert answer.status_code == 422
    assert "is a link" in answer.text


@pytest.mark.parametrize("path", ["nowhere.txt", "a%20b/%2e%2e/old.txt", "/old.txt", "old.txt/x"])
async def test_a_path_that_names_nothing_is_none(portal, clone, path):
    assert (await portal.get(f"{PATH}/{path}")).status_code == 404


async def test_a_text_that_is_the_same_is_no_commit(portal, clone):
    answer = await sent(portal, "old.txt", "one\ntwo\n")
    assert answer.status_code == 409
    assert "Nothing differs" in answer.text


async def test_a_commit_says_what_was_changed(portal, clone):
    assert (await sent(portal, "old.txt", "mine\n", message=" ")).status_code == 400


async def test_who_may_only_read_has_no_such_page(service, portal, clone):
    await portal.post("/projects/stars/share", data={"user": "ann", "may": "read"})
    async with pages_of(service, "ann-token") as ann:
        assert "/edit" not in (await ann.get("/projects/stars/files/old.txt")).text
        assert (await ann.get(f"{PATH}/old.txt")).status_code == 403
        assert (await ann.post(f"{PATH}/old.txt", data={"text": "x"})).status_code == 403


@pytest.mark.parametrize("before", ["a\nb\n", "a\r\nb\r\n", "", "a"])
def test_a_text_that_a_browser_returns_unchanged_is_unchanged(before):
    returned = before.replace("\r\n", "\n").replace("\n", "\r\n")
    assert as_before(returned, before) == before
