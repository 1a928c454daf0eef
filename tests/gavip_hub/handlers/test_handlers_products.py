"""Products over HTTP: made, shared, read and taken back, by people, through API, portal and links."""

import itertools
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.support.service import interface_of, pages_of, person, until

EVIL = "<script>alert(1)</script>"


@pytest.fixture
async def product(service, ann):
    """A product of a file, ready."""
    file = service.root / "users/ann/data/m45.html"
    file.parent.mkdir(parents=True)
    file.write_text(EVIL)
    made = (await ann.post("/products", json={"path": "data", "title": "M45", "description": EVIL})).json()
    await ready(ann, made["id"])
    return made["id"]


async def ready(client, product):
    async def is_ready():
        found = (await client.get(f"/products/{product}")).json()
        return found if found["state"] == "READY" else None

    return await until(is_ready)


async def shared(client, product, **asked):
    answer = await client.post(f"/products/{product}/shares", json=asked)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    return answer.json()


async def test_it_is_seen_by_whom_it_is_shared_with_until_it_is_revoked(ann, bob, product):
    assert (await bob.get(f"/products/{product}")).status_code == 404
    share = await shared(ann, product, kind="user", subject="bob")
    found = (await bob.get("/products", params={"which": "shared"})).json()["items"]
    assert [(one["id"], one["may"]) for one in found] == [(product, "read")]
    assert (await ann.delete(f"/products/{product}/shares/{share['id']}")).status_code == 204
    assert (await bob.get(f"/products/{product}/content", params={"path": "m45.html"})).status_code == 404


async def test_a_name_that_the_hub_does_not_know_is_shared_with_and_told(ann, product):
    assert (await shared(ann, product, kind="user", subject="bob"))["is_known"] is True
    assert (await shared(ann, product, kind="user", subject="nina"))["is_known"] is False


async def test_a_group_of_the_hub_reads_it(service, ann, product):
    service.hub.tokens["gus-token"] = person("gus", groups=["survey"])
    service.hub.tokens["ann-survey"] = person("ann", groups=["survey"])
    async with service.client("ann-survey") as owner, service.client("gus-token") as gus:
        await shared(owner, product, kind="group", subject="survey")
        assert (await gus.get(f"/products/{product}")).status_code == 200
        await until(lambda: found_by(service, "gus"))
    assert [path.name for path in (service.root / "shared/groups").iterdir()] == ["gus"]


async def test_whoever_left_a_group_is_in_it_no_more_whatever_is_asked(service, product):
    service.hub.tokens["gus-token"] = person("gus", groups=["survey"])
    service.hub.tokens["ann-survey"] = person("ann", groups=["survey"])
    async with service.client("ann-survey") as owner, service.client("gus-token") as gus:
        await shared(owner, product, kind="group", subject="survey")

        async def in_groups(*groups):
            return (await gus.get("/me")).json()["groups"] == list(groups)

        await until(lambda: in_groups("survey"))
        service.hub.tokens["gus-token"]["groups"] = []
        await until(in_groups, seconds=30)


async def found_by(service, member):
    return list((service.root / "shared/groups").glob(f"{member}/survey/ann/*"))


async def test_a_file_comes_with_its_digest_and_runs_nowhere(ann, product):
    answer = await ann.get(f"/products/{product}/content", params={"path": "m45.html"})
    assert answer.text == EVIL
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Repr-Digest"]


async def test_an_interface_shares_nothing(service, product):
    service.hub.tokens["ann-stars"] = interface_of("ann", "stars")
    async with service.client("ann-stars") as interface:
        for answer in [
            await interface.get("/products"),
            await interface.post("/products", json={"path": "data"}),
            await interface.post(f"/products/{product}/shares", json={"kind": "everyone"}),
        ]:
            assert answer.status_code == 403


async def test_events_tell_how_far_it_is(service, ann, product):
    found = service.service.context.services.events.events_since(owner="ann", after=0)
    states = [event.data["state"] for event in found if event.subject == product]
    assert (states[0], states[-1]) == ("MAKING", "READY")


async def test_a_link_is_read_without_signing_in_until_it_is_revoked(service, ann, product):
    share = await shared(ann, product, kind="link")
    path = share["url"].removeprefix(service.origin)
    async with httpx.AsyncClient(base_url=service.url) as stranger:
        page = await stranger.get(path)
        assert (page.status_code, EVIL in page.text, "M45" in page.text) == (200, False, True)
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Cache-Control"] == "no-store"
        file = await stranger.get(f"{path}/content", params={"path": "m45.html"})
        assert (file.text, "sandbox" in file.headers["Content-Security-Policy"]) == (EVIL, True)
        await ann.delete(f"/products/{product}/shares/{share['id']}")
        assert (await stranger.get(path)).status_code == 404
        assert (await stranger.get(f"{path}/content", params={"path": "m45.html"})).status_code == 404


async def test_a_link_tells_whose_it_is_how_to_cite_it_and_when_it_ends_and_nothing_else_of_its_owner(
    service, ann, product
):
    other = (await ann.post("/products", json={"path": "data", "title": "Unseen"})).json()["id"]
    await ready(ann, other)
    end = (datetime.now(UTC) + timedelta(days=7)).replace(microsecond=0)
    share = await shared(ann, product, kind="link", expires_at=end.isoformat())
    async with httpx.AsyncClient(base_url=service.url) as stranger:
        page = (await stranger.get(share["url"].removeprefix(service.origin))).text
    for words in ("Made by", "ann, ", "How to cite", "Licence", f"{end:%b %Y, %H:%M} UTC"):
        assert words in page
    assert other not in page
    assert "Unseen" not in page


async def test_who_has_a_link_looks_into_files_until_it_is_revoked(service, ann):
    folder = service.root / "users/ann/maps"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("colour,mag\n1,2\n")
    (folder / "b.svg").write_text(f"<svg>{EVIL}</svg>")
    (folder / "c.ipynb").write_text("no notebook")
    made = (await ann.post("/products", json={"path": "maps", "title": "Maps"})).json()["id"]
    await ready(ann, made)
    share = await shared(ann, made, kind="link")
    path = share["url"].removeprefix(service.origin)
    async with httpx.AsyncClient(base_url=service.url, timeout=60) as stranger:
        page = (await stranger.get(path)).text
        assert re.findall('data-result="(.*?)"', page) == ["b.svg", "a.csv", "c.ipynb"]
        assert re.findall(r'"/services/gavip/(?:products|files|jobs)[/?].*?"', page) == []
        table = await stranger.get(f"{path}/view", params={"path": "a.csv"})
        assert (table.status_code, "colour" in table.text) == (200, True)
        assert (table.headers["Referrer-Policy"], made in table.text) == ("no-referrer", False)
        for name in ("b.svg", "c.ipynb"):
            content = await stranger.get(f"{path}/view/content", params={"path": name})
            assert content.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
            assert content.headers["Referrer-Policy"] == "no-referrer"
        assert (await stranger.get(f"{path}/view", params={"path": "../a.csv"})).status_code == 404
        await ann.delete(f"/products/{made}/shares/{share['id']}")
        for what in ("view", "view/content"):
            assert (await stranger.get(f"{path}/{what}", params={"path": "a.csv"})).status_code == 404


async def test_a_reader_looks_into_a_file_and_goes_back_to_the_product(service, ann, product):
    await shared(ann, product, kind="user", subject="bob")
    async with pages_of(service, "bob-token") as portal:
        page = await portal.get(f"/products/{product}/view", params={"path": "m45.html"})
    assert page.status_code == 200
    assert f'href="/services/gavip/products/{product}"' in page.text
    assert EVIL not in page.text
    assert "noindex" not in page.text


async def test_the_secret_of_a_link_is_in_no_log(service, ann, product, caplog):
    caplog.set_level("INFO")
    secret = (await shared(ann, product, kind="link"))["url"].rpartition("/")[2]
    async with httpx.AsyncClient(base_url=service.url) as stranger:
        for path in (secret, *(f"{secret}/{what}?path=none" for what in ("content", "view", "view/content"))):
            await stranger.get(f"/services/gavip/p/{path}")
    ours = [one.getMessage() for one in caplog.records if not one.name.startswith("httpx")]
    assert not any(secret in line for line in ours)


async def test_what_is_no_address_of_a_link_is_refused_and_leaves_one_line_in_the_log(
    service, ann, product, caplog
):
    caplog.set_level("INFO")
    link = (await shared(ann, product, kind="link"))["url"].removeprefix(service.origin)
    async with httpx.AsyncClient(base_url=service.url) as stranger:
        answer = await stranger.get(f"{link}/content?path=%c0%ae")
    assert answer.status_code == 400
    assert not any(one.exc_info for one in caplog.records)


async def test_the_pages_lead_from_a_file_to_its_readers(service, product):
    async with pages_of(service, "ann-token") as portal:
        form = await portal.get("/products/new", params={"path": "data"})
        assert 'value="data"' in form.text
        made = await portal.post("/products/new", data={"path": "data", "title": "Again"})
        assert made.status_code == 303
        page = f"/products/{product}"
        given = await portal.post(f"{page}/share", data={"kind": "user", "subject": "bob", "days": "7"})
        assert given.status_code == 303
        shown = (await portal.get(page)).text
        assert ("bob" in shown, "shared/me" in shown, EVIL in shown) == (True, True, False)
        linked = await portal.post(f"{page}/share", data={"kind": "link"})
        assert f"{service.origin}/services/gavip/p/" in linked.text
        assert (await portal.post(f"{page}/describe", data={"title": "M45b"})).status_code == 303
        assert "M45b" in (await portal.get("/products")).text
        assert (await portal.post(f"{page}/remove")).status_code == 303
        assert (await portal.get(page)).status_code == 404


async def test_a_reader_sees_where_it_lies_and_no_buttons_of_the_owner(service, ann, product):
    await shared(ann, product, kind="user", subject="bob")
    async with pages_of(service, "bob-token") as portal:
        page = (await portal.get(f"/products/{product}")).text
        assert f"shared/me/ann/m45-{product[-7:]}" in page
        assert "/share" not in page.replace("shared/me", "")
        assert "Shared with me" in (await portal.get("/products", params={"which": "shared"})).text


async def test_its_page_shows_the_first_of_what_can_be_looked_at_images_in_front(service, ann):
    folder = service.root / "users/ann/maps"
    folder.mkdir(parents=True)
    for name in ("a.csv", "b.bin", "c & d.png", "e.fits", "f.txt", "g.ipynb"):
        (folder / name).write_text("x,y\n1,2\n")
    made = (await ann.post("/products", json={"path": "maps", "title": "Maps"})).json()
    await ready(ann, made["id"])
    async with pages_of(service, "ann-token") as portal:
        page = (await portal.get(f"/products/{made['id']}")).text
    assert re.findall('data-result="(.*?)"', page) == ["c &amp; d.png", "a.csv", "e.fits", "f.txt"]
    assert f'src="/services/gavip/products/{made["id"]}/view/content?path=c+%26+d.png"' in page


async def test_a_licence_is_chosen_shown_changed_and_taken_back(service, ann, product):
    share = await shared(ann, product, kind="link")
    async with pages_of(service, "ann-token") as portal, httpx.AsyncClient(base_url=service.url) as stranger:

        async def told() -> str:
            page = (await stranger.get(share["url"].removeprefix(service.origin))).text
            return re.sub(r"\s+", " ", re.findall("<dt>Licence</dt><dd>(.*?)</dd>", page)[0])

        assert (await told()).startswith("None is stated: ask ann")
        sent = {"title": "M45", "licence": "CC-BY-4.0"}
        assert (await portal.post(f"/products/{product}/describe", data=sent)).status_code == 303
        assert "https://spdx.org/licenses/CC-BY-4.0.html" in await told()
        assert 'value="CC-BY-4.0" selected' in (await portal.get(f"/products/{product}")).text
        assert (await ann.post(f"/products/{product}", json={"title": "M45c"})).json()[
            "licence"
        ] == "CC-BY-4.0"
        refused = await ann.post(f"/products/{product}", json={"licence": "mine"})
        assert (refused.status_code, "CC0-1.0" in refused.text) == (422, True)
        await portal.post(f"/products/{product}/describe", data={**sent, "licence": ""})
        assert (await told()).startswith("None is stated")


async def test_a_product_is_made_with_its_licence(service, product):
    async with pages_of(service, "ann-token") as portal:
        asked = {"path": "data", "licence": "CC0-1.0"}
        made = await portal.post("/products/new", data=asked)
        page = (await portal.get(made.headers["Location"].partition("/services/gavip")[2])).text
        assert "CC0 1.0: to be used by anyone, without conditions</a>" in page
        refused = await portal.post("/products/new", data={**asked, "licence": "mine"})
        assert (refused.status_code, "SPDX" in refused.text) == (422, True)


async def test_what_cannot_be_made_is_said_on_the_form(service):
    async with pages_of(service, "ann-token") as portal:
        answer = await portal.post("/products/new", data={"path": "../bob"})
    assert (answer.status_code, "from the top of your space" in answer.text) == (422, True)


@pytest.mark.parametrize("which", ["mine", "shared"])
async def test_empty_pages_teach_the_next_step(service, which):
    async with pages_of(service, "ann-token") as portal:
        assert 'class="empty"' in (await portal.get("/products", params={"which": which})).text


PATHS = ("", "/files", "/content?path=m45.html", "/zip", "/shares", "/shares/r0none")


async def test_who_may_not_read_it_is_told_what_they_would_be_told_of_none(bob, product):
    made_up = f"p{'0' * (len(product) - 1)}"
    for method, path in itertools.product(("GET", "POST", "DELETE"), PATHS):
        asked = {"json": {"kind": "everyone"} if path == "/shares" else {}} if method == "POST" else {}
        told = [await bob.request(method, f"/products/{one}{path}", **asked) for one in (product, made_up)]
        assert told[0].status_code == told[1].status_code, (method, path)
        assert told[0].text.replace(product, made_up) == told[1].text
