"""Files and names that no honest person makes, on a whole platform and in a real browser: kept, shown, shared and given back.

No script of theirs runs in the portal's origin, no other host is asked, nothing outside of its owner's folder is read, no page fails.
"""

import asyncio
import io
import os
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as ET

import httpx
import pytest

from tests.support.hostile_contents import ELSEWHERE, MB, TAG
from tests.support.hostile_doors import (
    PORTAL,
    SECRET,
    Elsewhere,
    asking,
    dav,
    listening,
    path_of,
    sent,
    tabs,
)
from tests.support.hostile_files import FILES
from tests.support.hostile_names import FAR, NOWHERE, REFUSED, TAKEN, made
from tests.support.platform import Platform, eventually, platform_to_throw_away

pytestmark = [pytest.mark.hub, pytest.mark.browser, pytest.mark.acceptance, pytest.mark.timeout(300)]
SETTINGS = """
c.Gavip.bundled_avis = False
c.Gavip.check_releases = False
c.Gavip.users = {"operator": "operator", "developer": "developer", "scientist": "scientist"}
"""
FOLDER = "hostile"
MARKUP = "<img src=x onerror=alert(1)> \u202eeltit"
SAFE = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}
CONTENTS: dict[str, bytes] = {}
"""By name: what was put into the folder."""


@pytest.fixture(scope="module")
def own() -> Iterator[Platform]:
    with platform_to_throw_away("hostile-files", settings=SETTINGS) as platform:
        yield platform


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Where all of it lies."""

    space: Path
    product: str
    link: str


@pytest.fixture(scope="module")
def kept(own: Platform) -> Kept:
    """All files and names in one folder of the scientist's, shared as a product with everybody and by a link."""
    CONTENTS.update({one.name: one.make() for one in FILES})
    CONTENTS.update({name: TAG.encode() for name in TAKEN})
    space = own.root / "users" / "scientist"
    with asking(own, "scientist") as ask:
        for name, content in CONTENTS.items():
            last = sent(ask, f"{FOLDER}/{name}", content)
            assert last.status_code in {201, 204}, (name, last.text)
        put_as_a_box(own, space)
        with own.client("scientist") as person:
            asked = {
                "path": FOLDER,
                "title": MARKUP,
                "description": f"{TAG} [a](javascript:alert(1)) ![b](http://{ELSEWHERE}/i.png)",
            }
            product = person.post("/products", json=asked).json()["id"]
            eventually(lambda: person.get(f"/products/{product}").json()["state"] == "READY", "it is copied")
            person.post(f"/products/{product}/shares", json={"kind": "everyone"}).raise_for_status()
            link = person.post(f"/products/{product}/shares", json={"kind": "link"}).json()["url"]
    return Kept(space=space, product=product, link=link.partition(PORTAL)[2].strip("/"))


def put_as_a_box(platform: Platform, space: Path) -> None:
    """Put what no upload brings among the files, as the user's own code does."""
    secret = platform.root / "users" / "developer" / "secret.txt"
    secret.parent.mkdir(exist_ok=True)
    for place in (secret, platform.root / "secret.txt", platform.root.parent / "secret.txt"):
        place.write_text(SECRET)
    boxed = space / "boxed"
    for folder in (boxed, boxed / "odd", space / "holes"):
        folder.mkdir()
    for one in made(secret):
        one.make(boxed / one.name)
    for name in (*REFUSED, b"\xff\xfe.txt".decode(errors="surrogateescape")):
        with suppress(OSError):  # longer than the file system takes
            (boxed / "odd" / name).write_text(SECRET)
    for number, seconds in enumerate(FAR):
        (boxed / f"far-{number}.csv").write_text("a\n1\n")
        with suppress(OSError, OverflowError):
            os.utime(boxed / f"far-{number}.csv", (seconds, seconds))
    with (space / "holes" / "holes.csv").open("wb") as file:
        file.truncate(1 << 40)
    with (space / "holes" / "line.csv").open("wb") as file:
        for _ in range(100):
            file.write(b"x" * MB)


def is_kept_not_run(answer: httpx.Response) -> None:
    """Look whether a browser keeps what it is sent, and neither shows nor runs it."""
    headers = answer.headers
    assert headers["Content-Disposition"].startswith("attachment"), path_of(answer)
    assert re.fullmatch(r"[\x21-\x7e ]+", headers["Content-Disposition"])
    assert "sandbox" in headers["Content-Security-Policy"]
    assert not re.search(r"script|css", headers["Content-Type"]), (path_of(answer), headers["Content-Type"])
    assert {name: headers[name] for name in SAFE} == SAFE


def test_there_are_thirty_and_more():
    assert len({one.name for one in FILES} | set(TAKEN) | set(REFUSED)) > 80


@pytest.mark.parametrize("door", ["own", "product", "link", "api", "product-api", "webdav"])
def test_what_is_downloaded_is_kept_and_not_run(own: Platform, kept: Kept, door: str):
    doors: dict[str, Callable[[str], tuple[str, dict[str, str]]]] = {
        "own": lambda name: (f"{PORTAL}/files/content", {"path": f"{FOLDER}/{name}"}),
        "product": lambda name: (f"{PORTAL}/products/{kept.product}/content", {"path": name}),
        "link": lambda name: (f"{PORTAL}/{kept.link}/content", {"path": name}),
        "api": lambda name: (f"{PORTAL}/api/data/content", {"path": f"{FOLDER}/{name}"}),
        "product-api": lambda name: (f"{PORTAL}/api/products/{kept.product}/content", {"path": name}),
    }
    with asking(own, "scientist" if door in {"own", "api"} else "developer") as ask, dav(own) as files:
        for name, content in CONTENTS.items():
            if door == "webdav":
                if "\\" in name:
                    continue  # such are refused there
                answer = files(f"{PORTAL}-dav/{FOLDER}/{quote(name, safe='')}")
            else:
                address, query = doors[door](name)
                answer = ask(address, params=query)
            assert answer.status_code == 200, (name, answer.text)
            assert answer.content == content, name
            is_kept_not_run(answer)


@pytest.mark.parametrize("door", ["own", "link"])
def test_what_a_page_shows_of_a_file_has_no_origin_and_asks_nobody(own: Platform, kept: Kept, door: str):
    page, folder = (
        ("files/view/content", f"{FOLDER}/") if door == "own" else (f"{kept.link}/view/content", "")
    )
    with asking(own, "scientist") as ask:
        for name in CONTENTS:
            for query in ({}, {"as": "picture"}):
                answer = ask.page(page, path=f"{folder}{name}", **query)
                assert answer.status_code in {200, 404}, (name, answer.text)
                policy = answer.headers["Content-Security-Policy"]
                assert "sandbox" in policy.split(";")[0], name
                assert "script-src" not in policy
                assert "allow" not in policy


def test_a_name_that_misleads_is_refused_with_what_would_do(own: Platform, kept: Kept):
    with asking(own, "scientist") as ask, dav(own) as files, own.client("scientist") as person:
        for name in REFUSED:
            path = f"{FOLDER}/{name}"
            refused = sent(ask, path, b"x")
            assert refused.status_code == 422, (name, refused.text)
            assert "name it from the top of your space" in refused.json()["message"]
            assert person.post("/data/folders", json={"path": path}).status_code in {400, 422}, name
            body = {"path": f"{FOLDER}/page.txt", "to": path}
            assert person.post("/data/moves", json=body).status_code in {400, 422}, name
            assert (
                400
                <= files(f"{PORTAL}-dav/{FOLDER}/{quote(name, safe='')}", "PUT", content=b"x").status_code
                < 500
            )
    listed = {path.name for path in (kept.space / FOLDER).iterdir()}
    assert listed == set(CONTENTS)


def test_what_a_box_made_leads_nowhere(own: Platform, kept: Kept):
    places = [f"boxed/{one.name}" for one in made(own.root) if one.name != "deep"]
    places += ["boxed/root/etc/passwd", "boxed/others/secret.txt", "boxed/round/far-0.csv"]
    places += [f"boxed/odd/{name}" for name in REFUSED]
    with asking(own, "scientist") as ask, dav(own) as files:
        for path in (*places, *NOWHERE):
            for door in (
                "files/view",
                "files/view/content",
                "files/content",
                "files/zip",
                "api/data/content",
                "api/data/digest",
                "api/data/preview",
                "files/place",
            ):
                answer = ask.page(door, path=path, text="a")
                allowed = {400, 404, 422} | ({200} if door == "files/place" else set())
                assert answer.status_code in allowed, (door, path, answer.status_code)
            for page in ("files", "files/find"):
                assert ask.page(page, path=path, text="a").status_code in {200, 404, 422}, path
            answer = ask.page(f"products/{kept.product}/content", path=path)
            assert answer.status_code in {400, 404, 422}, path
            if path.strip("/") and ".." not in path.split("/"):  # clients step up by themselves
                answer = files(f"{PORTAL}-dav/{quote(path.strip('/'))}")
                assert answer.status_code in {400, 403, 404, 405}, (path, answer.status_code)
            if path.strip("./"):
                answer = files(f"{PORTAL}-dav/{quote(path, safe='')}")
                assert answer.status_code in {400, 403, 404, 405}, (path, answer.status_code)
        listed = ask.page("api/data", path="boxed").json()["items"]
        assert {one["name"] for one in listed} == {"deep", "odd", "far-0.csv", "far-1.csv"}
        assert ask.page("api/data", path="boxed/odd").json()["items"] == []


def test_products_of_what_a_box_made_hold_its_files_alone(own: Platform, kept: Kept):
    with own.client("scientist") as person:
        (kept.space / "some").mkdir()
        (kept.space / "some" / "a.txt").write_text("a")
        for one in made(own.root / "users" / "developer" / "secret.txt"):
            if one.name != "deep":
                one.make(kept.space / "some" / one.name)
        product = person.post("/products", json={"path": "some"}).json()["id"]
        eventually(lambda: person.get(f"/products/{product}").json()["state"] == "READY", "it is copied")
        assert [one["path"] for one in person.get(f"/products/{product}/files").json()["items"]] == ["a.txt"]
        refused = person.post("/products", json={"path": "holes"})
        assert (refused.status_code, refused.json()["error"]) == (507, "space_full")
        for path in (
            "boxed/passwd.txt",
            "boxed/pipe.csv",
            "boxed/others",
            "boxed/root",
            "boxed/deep",
            "../developer",
            "a\0b",
        ):
            assert person.post("/products", json={"path": path}).status_code in {404, 422}, path


@pytest.mark.parametrize("path", [FOLDER, "boxed"])
def test_an_archive_unpacks_into_its_folder(own: Platform, kept: Kept, path: str, tmp_path: Path):
    with asking(own, "scientist") as ask:
        answer = ask.page("files/zip", path=path)
    is_kept_not_run(answer)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = archive.namelist()
        for name in names:
            assert name.startswith(f"{path}/"), name
            assert "\\" not in name
            assert ".." not in name.split("/"), name
            assert not re.match(r"[A-Za-z]:", name), name
        assert archive.testzip() is None
        if path == FOLDER:
            assert len(names) == len(set(names)) == len(CONTENTS) + 1


def test_webdav_lists_all_of_it_in_xml_that_is_well_formed(own: Platform, kept: Kept):
    with dav(own) as files:
        for folder in (FOLDER, "boxed", "boxed/odd"):
            answer = files(f"{PORTAL}-dav/{folder}", "PROPFIND", headers={"Depth": "1"})
            assert answer.status_code == 207
            hrefs = [one.text for one in ET.fromstring(answer.content).iter("{DAV:}href")]
            assert SECRET not in "".join(hrefs)
            if folder == FOLDER:
                assert len(hrefs) >= len([name for name in CONTENTS if "\\" not in name])
                assert all(href.startswith((f"{PORTAL}-dav/{FOLDER}", own.url)) for href in hrefs)


def test_zeros_and_steps_in_any_address_are_refused(own: Platform, kept: Kept):
    odd = (
        "%00",
        "a%00b",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "..%2f..%2fetc%2fpasswd",
        "%c0%ae%c0%ae/",
        "%ff%fe",
        "%ED%A0%80",
        "%0d%0aX:%20y",
        "%E2%80%AE",
    )
    pages = (
        "files",
        "files/view",
        "files/view/content",
        "files/content",
        "files/zip",
        "files/find",
        "files/place",
        "products/new",
    )
    pages += tuple(f"products/{kept.product}{below}" for below in ("/content", "/view", "/view/content", ""))
    pages += tuple(f"{kept.link}{below}" for below in ("/content", "/view", "/view/content", ""))
    apis = (
        "data",
        "data/content",
        "data/preview",
        "data/digest",
        "data/found",
        f"products/{kept.product}/files",
        f"products/{kept.product}/content",
    )
    with asking(own, "scientist") as ask, dav(own) as files:
        for word in odd:
            for address in (*pages, *(f"api/{api}" for api in apis)):
                answer = ask(
                    f"{PORTAL}/{address}?path={word}&text={word}&after={word}&to={word}&rename={word}&before={word}&undo={word}"
                )
                assert "X: y" not in str(answer.headers)
            for address in (
                "products/",
                "files/view/",
                f"products/{kept.product}/",
                "p/",
                "static/",
                f"{kept.link}/",
            ):
                assert ask(f"{PORTAL}/{address}{word}").status_code in {400, 403, 404}, (address, word)
            assert files(f"{PORTAL}-dav/{word}").status_code in {400, 403, 404}


# What a browser makes of it


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    with listening() as there:
        yield there


async def test_no_page_runs_a_script_or_asks_another_host(own: Platform, kept: Kept, elsewhere: Elsewhere):
    async with tabs(own, elsewhere, "scientist", "developer") as (owner, reader):

        async def own_files() -> None:
            await owner.show("files", path=FOLDER)
            await owner.show("files", path=FOLDER, rename="<img src=x onerror=alert(1)>.csv")
            await owner.show("files/find", text="<img")
            await owner.show("files/place", path=f'{FOLDER}/"onmouseover="alert(1)" x=".txt')
            for name in CONTENTS:
                await owner.show("files/view", path=f"{FOLDER}/{name}")

        async def others_product() -> None:
            await reader.show("products", which="shared")
            await reader.show(f"products/{kept.product}")
            await reader.show(kept.link)
            for one in FILES:
                await reader.show(f"products/{kept.product}/view", path=one.name)
                await reader.show(f"{kept.link}/view", path=one.name)

        await asyncio.gather(own_files(), others_product())
        assert [SECRET in await tab.page.content() for tab in (owner, reader)] == [False, False]
    assert elsewhere.came == 0


async def test_what_is_shown_in_a_frame_runs_nothing_where_it_is_opened_by_itself(
    own: Platform, kept: Kept, elsewhere: Elsewhere
):
    async with tabs(own, elsewhere, "scientist") as (tab,):
        for name in ("outputs.ipynb", "links.ipynb", "polyglot.gif"):
            await tab.show("files/view/content", path=f"{FOLDER}/{name}")
            for click in ("#go", "#send"):
                for one in await tab.page.locator(click).all():
                    with suppress(Exception):
                        await one.click(timeout=500, force=True)
            await tab.nothing_ran(name)
            assert tab.page.url.startswith(own.url)
        await tab.show("files", path=FOLDER)
        for name in ("picture.svg", "page.html", "page.xhtml", "styled.xml", "worker.js"):
            door = "files/view/content" if name == "picture.svg" else "files/content"
            async with tab.page.expect_download() as coming:
                with suppress(Exception):  # a download is no page
                    await tab.page.goto(f"{own.url}{PORTAL}/{door}?{urlencode({'path': f'{FOLDER}/{name}'})}")
            assert (await coming.value).suggested_filename == name
            await tab.nothing_ran(name)
    assert elsewhere.came == 0


async def test_a_script_among_the_files_is_none_of_the_portals(
    own: Platform, kept: Kept, elsewhere: Elsewhere
):
    """Not even a page of the portal's own could load it: who finds a way to write a tag there gains nothing by it."""
    async with tabs(own, elsewhere, "scientist") as (tab,):
        await tab.show("files", path=FOLDER)
        for door in (
            f"files/content?path={FOLDER}/worker.js",
            f"files/content?path={FOLDER}/polyglot.gif",
            f"products/{kept.product}/content?path=worker.js",
            f"files/view/content?path={FOLDER}/polyglot.gif",
        ):
            loaded = await tab.page.evaluate(
                """src => new Promise(done => {
                    const script = document.createElement("script");
                    script.onload = () => done("ran"); script.onerror = () => done("refused");
                    script.src = src; document.head.append(script); })""",
                f"{PORTAL}/{door}",
            )
            assert loaded == "refused", door
        assert await tab.page.evaluate("window.ran") is None


async def test_a_browser_uploads_names_as_they_are_and_tells_which_it_may_not(
    own: Platform, kept: Kept, elsewhere: Elsewhere
):
    (kept.space / "browsed").mkdir()
    names = ["<img src=x onerror=alert(1)>.csv", "'-alert(1)-'.html", "%00.svg", "exe.\u202egnp"]
    async with tabs(own, elsewhere, "scientist") as (tab,):
        await tab.show("files", path="browsed")
        files = [{"name": name, "mimeType": "text/html", "buffer": TAG.encode()} for name in names]
        await tab.page.locator("#upload-files").set_input_files(files)
        await tab.page.locator("[data-uploads] li", has_text="is no path of a file here").wait_for()
        for name in names[:3]:
            await tab.page.get_by_label(f"Choose {name}", exact=True).wait_for()
        told = await tab.page.locator("[data-uploads] li .data").all_inner_texts()
        assert not any("\u202e" in name for name in told)
        tab.asked = [one for one in tab.asked if "422" not in one]  # the refusal itself
        await tab.nothing_ran("uploads")
    assert sorted(path.name for path in (kept.space / "browsed").iterdir()) == sorted(names[:3])


def test_its_logs_tell_of_no_failure_and_keep_to_their_lines(own: Platform, kept: Kept):
    for part in ("service", "webdav"):
        told = own.log(part)
        assert "Traceback" not in told, told[told.index("Traceback") - 500 :][:3000]
        assert "\x1b]0;" not in told
        assert "\u202e" not in told
        assert SECRET not in told
