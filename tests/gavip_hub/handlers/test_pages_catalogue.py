"""The catalogue's pages as a browser gets them: favourites, pictures, citations, links with parameters."""

import io
import re
from html import unescape

import pytest
import yaml
from PIL import Image

from avi_kernel.protocol.releases import ReleaseSubmit
from gavip_hub.handlers.abstracts import abstract
from gavip_hub.handlers.base import BaseHandler
from tests.support.avis import star_counter
from tests.support.service import pages_of

HERE = {"Sec-Fetch-Site": "none"}
ELSEWHERE = {"Sec-Fetch-Site": "cross-site"}


@pytest.fixture
def stars(service):
    return service.publish()


@pytest.fixture
async def portal(service):
    """Pages as Ann gets them."""
    async with pages_of(service, "ann-token") as client:
        yield client


@pytest.fixture
def pictured(service):
    """Publish an AVI with a picture and a citation file of its author's."""
    folder = star_counter(service.root / "users/dora/pictured", title="Pictured")
    made = io.BytesIO()
    Image.new("RGB", (320, 200), "navy").save(made, "PNG")
    (folder / "shot.png").write_bytes(made.getvalue())
    (folder / "CITATION.cff").write_text("cff-version: 1.2.0\ntitle: By its author\n")
    manifest = folder / "avi.toml"
    manifest.write_text('picture = "shot.png"\n' + manifest.read_text())
    request = ReleaseSubmit(folder="pictured", avi="pictured", version="1.0", visibility="public")
    service.service.core.releases.submit(submitter="dora", request=request)
    return made.getvalue()


async def test_a_favourite_is_set_and_taken_away_where_one_was(portal, stars):
    assert 'aria-pressed="false"' in (await portal.get("/")).text
    asked = {"wanted": "yes", "from": "?q=star&k=stars&sort=newest&page=1"}
    answer = await portal.post("/avis/stars/favourite", data=asked)
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        "/services/gavip/?q=star&k=stars&sort=newest",
    )
    assert 'aria-pressed="true"' in (await portal.get("/")).text
    answer = await portal.post("/avis/stars/favourite", data={"wanted": "no"})
    assert answer.headers["Location"] == "/services/gavip/avis/stars"
    assert 'aria-pressed="false"' in (await portal.get("/avis/stars")).text


@pytest.mark.parametrize(
    "back", ["//evil.test", "?q=%0d%0aX:1", "../../evil", "?page=9999999999999", "?page=x"]
)
async def test_a_favourite_leads_nowhere_else(portal, stars, back):
    answer = await portal.post("/avis/stars/favourite", data={"from": back})
    assert answer.status_code == 303
    assert re.fullmatch(r"/services/gavip/(\?q=[\w%+]*)?", answer.headers["Location"])
    assert "X" not in answer.headers


async def test_keywords_and_orders_are_links_that_keep_what_was_typed(portal, stars):
    page = unescape((await portal.get("/", params={"q": "star", "k": "stars", "sort": "used"})).text)
    assert 'href="/services/gavip/?q=star&sort=used" aria-current="true"' in page  # taking the keyword away
    assert 'href="/services/gavip/?q=star&k=stars&sort=newest"' in page
    assert '<input type="hidden" name="k" value="stars">' in page
    assert "Nothing matches" in (await portal.get("/", params={"k": "galaxies"})).text


@pytest.mark.parametrize(
    "query", ["?page=0", "?page=-1", "?page=%00", "?page=1e9", "?sort=%3Cb%3E", "?k=", "?q=" + "a+" * 900]
)
async def test_any_query_is_answered(portal, stars, query):
    assert (await portal.get(f"/{query}")).status_code == 200


async def test_a_private_one_is_marked_to_those_who_see_it(service, stars):
    service.publish(avi="secret-stars", visibility="private")
    async with pages_of(service, "dora-token") as dora:
        assert "Private" in (await dora.get("/")).text


async def test_a_picture_is_sent_as_a_picture_and_nothing_else(service, portal, pictured):
    assert (
        '<img class="picture" src="/services/gavip/avis/pictured/picture?version=1.0"'
        in (await portal.get("/")).text
    )
    answer = await portal.get("/avis/pictured/picture?version=1.0")
    assert answer.content == pictured
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["Cache-Control"].startswith("private, max-age=")


async def test_what_took_the_place_of_a_picture_is_not_sent(service, portal, pictured):
    core = service.service.core
    tree, path = core.finding.picture(viewer="ann", avi="pictured", version="1.0")
    shot = tree / path
    tree.chmod(0o755)
    shot.unlink()
    shot.write_text("<script>alert(1)</script>")
    assert (await portal.get("/avis/pictured/picture?version=1.0")).status_code == 404
    shot.unlink()
    shot.symlink_to("/etc/passwd")
    assert (await portal.get("/avis/pictured/picture?version=1.0")).status_code == 404


async def test_without_a_picture_there_is_a_sky_of_ours(portal, stars):
    assert str(abstract("stars")) in (await portal.get("/")).text
    assert (await portal.get("/avis/stars/picture?version=1.0")).status_code == 404
    assert abstract("stars") == abstract("stars") != abstract("stars2")


async def test_an_avi_says_how_to_cite_it(service, portal, stars, pictured):
    page = unescape((await portal.get("/avis/stars")).text)
    assert "A. Astronomer (20" in page
    assert "@software{stars-10," in page
    made = await portal.get("/avis/stars/CITATION.cff")
    assert yaml.safe_load(made.text)["title"] == "Star counter"
    assert made.headers["Content-Disposition"].startswith("attachment")
    assert "By its author" in (await portal.get("/avis/pictured/CITATION.cff")).text


async def test_a_link_fills_the_forms_and_goes_on_to_the_interface(portal, stars):
    page = unescape((await portal.get("/avis/stars?radius=2.5&note=a+b")).text)
    assert 'value="2.5"' in page
    assert 'action="/services/gavip/avis/stars/open?radius=2.5&note=a+b"' in page
    assert 'value="2.5"' in (await portal.get("/avis/stars/pipelines/count?radius=2.5")).text
    opened = await portal.post("/avis/stars/open?radius=2.5&note=a+b", data={"version": ""})
    assert re.search(
        r'data-url="http://stars--ann\.gavip\.localhost[^"]*/user/ann/stars/\?radius=2\.5&note=a\+b"',
        unescape(opened.text),
    )
    page = unescape((await portal.get("/avis/stars?radius=3")).text)
    assert re.search(r'href="http://stars--ann[^"]*/\?radius=3"', page)


async def test_a_value_that_a_form_does_not_take_is_told_at_its_field(portal, stars):
    page = unescape((await portal.get("/avis/stars?radius=wide")).text)
    assert "As the link has it:" in page
    assert "must be a number; got 'wide'" in page


@pytest.mark.parametrize("query", ["?x%3D1%0Aimport=2", "?a=" + "x" * 501, "?p.token=1", "?a=%07b"])
@pytest.mark.parametrize("path", ["/avis/stars", "/avis/stars/open", "/avis/stars/pipelines/count"])
async def test_what_no_link_may_carry_is_refused(portal, stars, path, query):
    if query == "?a=%07b":  # tornado takes such signs away
        assert (await portal.get(path + query)).status_code == 200
        return
    answer = await portal.get(path + query)
    assert answer.status_code == 422
    assert "link" in answer.text


async def test_a_refused_link_starts_nothing(service, portal, stars):
    answer = await portal.post("/avis/stars/open?p.token=1", data={"version": ""})
    assert answer.status_code == 422
    assert "Nothing is open" in (await portal.get("/servers")).text


def starts(page):
    return " data-start" in page.text


async def test_a_link_starts_what_is_closed_and_to_look_starts_nothing(portal, stars):
    for query in ("?radius=2", "?start=1"):
        assert starts(await portal.get(f"/avis/stars/open{query}", headers=HERE))
    assert not starts(await portal.get("/avis/stars/open", headers=HERE))
    assert "Nothing is open" in (await portal.get("/servers")).text  # the page's own form does it


@pytest.mark.parametrize("headers", [ELSEWHERE, {}, {"Sec-Fetch-Site": "same-site"}])
async def test_another_sites_link_starts_only_what_its_reader_has_used(portal, stars, headers):
    page = await portal.get("/avis/stars/open?radius=2", headers=headers)
    assert not starts(page)
    assert "A link from another site led here" in page.text
    await portal.post("/avis/stars/open", data={"version": ""})
    await portal.post("/servers/stars/close")
    page = await portal.get("/avis/stars/open?radius=2", headers=headers)
    assert starts(page)
    assert "A link from another site" not in page.text


async def test_signing_in_keeps_what_a_link_carries(service, stars):
    async with pages_of(service, None) as nobody:
        answer = await nobody.get("/avis/stars/open?radius=2&note=a+b")
    assert answer.status_code == 302
    oauth = service.service.context.sign_in._oauth
    state = re.search(r"state=([^&]+)", answer.headers["Location"]).group(1)
    assert oauth.get_next_url(state) == "/services/gavip/avis/stars/open?radius=2&note=a+b"


async def test_a_job_is_a_use(portal, stars):
    await portal.post(
        "/avis/stars/pipelines/count", data={"version": "1.0", "memory_mb": "", "p.radius": "1"}
    )
    page = (await portal.get("/")).text
    assert "You used it" in page
    assert "1 person has used it" in page


@pytest.mark.parametrize(
    ("path", "ways"),
    [("/", 1), ("/avis/stars", 1), ("/avis/stars?radius=2", 1), ("/avis/stars/pipelines/count", 2)],
)
async def test_a_page_asks_the_database_in_few_ways_to_a_thread_and_back(
    portal, stars, monkeypatch, path, ways
):
    taken, in_thread = [], BaseHandler.in_thread

    async def counted(handler, act, *args, **named):
        taken.append(act)
        return await in_thread(handler, act, *args, **named)

    monkeypatch.setattr(BaseHandler, "in_thread", counted)
    assert (await portal.get(path)).status_code == 200
    assert len(taken) == ways
