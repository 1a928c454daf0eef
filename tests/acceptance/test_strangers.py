"""Nobody reaches another user's things, nor an AVI's interface another AVI's, whatever token is used.

Every operation of the served OpenAPI document and every page of the portal has its answer here: a new one without an
answer fails.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from gavip_hub.handlers.pages import page_routes
from tests.support.platform import Platform
from tests.support.treasure import (
    OWNER,
    SECRET,
    Treasure,
    expired_token,
    fill,
    seen_by_owner,
    token_of_interface,
    token_of_job,
)

pytestmark = [pytest.mark.hub, pytest.mark.acceptance]
PERSON, INTERFACE, JOB, NOBODY = "person", "interface", "job", "nobody"
ASKERS = {
    "another person": PERSON,
    "the operator": PERSON,
    "another person's interface of the same AVI": INTERFACE,
    "the owner's interface of another AVI": INTERFACE,
    "another job of the owner": JOB,
    "nobody": NOBODY,
    "an expired token": NOBODY,
    "a made-up token": NOBODY,
}


@dataclass(frozen=True)
class Answer:
    """What each kind of asker gets."""

    person: set[int]
    interface: set[int]
    job: set[int]
    nobody: set[int]
    body: dict[str, Any] | None = None
    query: dict[str, str] | None = None


THEIRS = Answer(person={404}, interface={403, 404}, job={401}, nobody={401})
"""It addresses a thing of the owner's."""
LISTED = Answer(person={200}, interface={200}, job={401}, nobody={401})
"""It tells the asker's own things, or what everybody sees."""
NOT_INTERFACES = Answer(person={200}, interface={403}, job={401}, nobody={401})
PUBLIC = Answer(person={200}, interface={200}, job={200}, nobody={200})
FOR_HOOKS = Answer(person={401}, interface={401}, job={401}, nobody={401}, body={"updates": []})
"""Only the secret of a push that goes on opens it."""
OF_AN_UPLOAD = replace(THEIRS, query={"offset": "0"})
"""The owner's own is finished."""
OF_THE_BIN = Answer(person={404}, interface={403}, job={401}, nobody={401})
FOR_JOBS = Answer(person={401}, interface={401}, job={200}, nobody={401})


def refused(*, person: set[int], interface: set[int], **body: Any) -> Answer:
    return Answer(person=person, interface=interface, job={401}, nobody={401}, body=body)


def own_report(**body: Any) -> Answer:
    """A job reports of itself: the address names none, so that it cannot name another."""
    return Answer(person={401}, interface={401}, job={204}, nobody={401}, body=body)


ANSWERS = {
    "device.begin": replace(PUBLIC, body={"note": "a stranger's"}),
    "device.collect": Answer(
        person={400}, interface={400}, job={400}, nobody={400}, body={"device_code": "guessed"}
    ),
    "openapi.get": PUBLIC,
    "manifest.schema": PUBLIC,
    "health.get": PUBLIC,
    "health.live": PUBLIC,
    "me.get": LISTED,
    "pools.list": LISTED,
    "policy.get": LISTED,
    "packages.list": refused(person={200, 403}, interface={403}),
    "templates.list": NOT_INTERFACES,
    "templates.get": replace(NOT_INTERFACES, person={404}),
    "templates.add": refused(person={403, 404}, interface={403}, name="theirs", project="gamma"),
    "templates.change": refused(person={403, 404}, interface={403}, state="retired"),
    "images.list": replace(NOT_INTERFACES, person={200, 403}),
    "images.get": refused(person={403, 404}, interface={403}),
    "images.prepare": refused(person={403, 404}, interface={403}),
    "images.download": refused(person={403, 404}, interface={403}),
    "jobs.list": LISTED,
    "events.stream": LISTED,
    "avis.list": NOT_INTERFACES,
    "servers.list": NOT_INTERFACES,
    "avis.get": THEIRS,
    "avis.favour": THEIRS,
    "avis.unfavour": replace(NOT_INTERFACES, person={204}),
    "releases.list": THEIRS,
    "releases.get": THEIRS,
    "releases.scorecard": THEIRS,
    "releases.check": refused(person={403, 404}, interface={403}),
    "releases.build": refused(person={403, 404, 409}, interface={403}),
    "servers.close": THEIRS,
    "servers.why": THEIRS,
    "servers.keep": THEIRS,
    "servers.presence": Answer(person={403}, interface={200}, job={401}, nobody={401}, body={"silence": 1}),
    "grants.show": THEIRS,
    "grants.give": refused(person={404}, interface={403}, folder="data"),
    "grants.withdraw": replace(THEIRS, query={"folder": "data"}),
    "data.list": replace(THEIRS, query={"path": "jobs/{job}"}),
    "data.get": replace(THEIRS, query={"path": "jobs/{job}/1/results/word.txt"}),
    "data.preview": replace(THEIRS, query={"path": "jobs/{job}/1/results/word.txt"}),
    "data.digest": replace(THEIRS, query={"path": "jobs/{job}/1/results/word.txt"}),
    "data.begin": refused(person={422}, interface={403}, path="jobs/{job}/word.txt", size=1, sha256="0" * 64),
    "data.find": replace(THEIRS, query={"path": "jobs/{job}", "text": "word"}),
    "data.zip": replace(THEIRS, query={"path": "jobs/{job}"}),
    "data.mkdir": refused(person={422}, interface={403}, path="jobs/{job}/mine"),
    "data.move": refused(person={422}, interface={403}, path="jobs/{job}", to="mine"),
    "data.copy": refused(person={404}, interface={403}, path="jobs/{job}", to="mine"),
    "data.delete": Answer(
        person={422}, interface={403}, job={401}, nobody={401}, query={"path": "jobs/{job}"}
    ),
    "data.bin": NOT_INTERFACES,
    "data.empty": NOT_INTERFACES,
    "data.restore": OF_THE_BIN,
    "data.remove": OF_THE_BIN,
    "data.uploads": NOT_INTERFACES,
    "data.append": OF_AN_UPLOAD,
    "data.finish": OF_AN_UPLOAD,
    "data.abandon": OF_AN_UPLOAD,
    "products.list": NOT_INTERFACES,
    "products.get": replace(THEIRS, interface={403}),
    "products.files": replace(THEIRS, interface={403}),
    "products.download": replace(THEIRS, interface={403}, query={"path": "word.txt"}),
    "products.zip": replace(THEIRS, interface={403}),
    "products.prov": replace(THEIRS, interface={403}),
    "products.crate": replace(THEIRS, interface={403}),
    "products.archive": replace(THEIRS, interface={403}),
    "products.same": replace(THEIRS, interface={403}),
    "products.again": refused(person={404}, interface={403}, even_if_inputs_differ=True),
    "avis.ask": refused(person={404}, interface={403}, pipeline="main"),
    "products.make": refused(person={404}, interface={403}, job="{job}"),
    "products.describe": refused(person={404}, interface={403}, title="mine"),
    "products.remove": refused(person={404}, interface={403}),
    "shares.list": replace(THEIRS, interface={403}),
    "shares.make": refused(person={404}, interface={403}, kind="everyone"),
    "shares.revoke": refused(person={404}, interface={403}),
    "jobs.get": THEIRS,
    "jobs.delete": THEIRS,
    "jobs.why": THEIRS,
    "jobs.usage": THEIRS,
    "jobs.provenance": THEIRS,
    "jobs.prov": THEIRS,
    "jobs.crate": THEIRS,
    "jobs.archive": THEIRS,
    "jobs.inputs": THEIRS,
    "jobs.same": THEIRS,
    "jobs.again": THEIRS,
    "jobs.comparison": THEIRS,
    "jobs.start": THEIRS,
    "jobs.cancel": THEIRS,
    "jobs.events": THEIRS,
    "jobs.log": THEIRS,
    "jobs.results": THEIRS,
    "jobs.result": THEIRS,
    "jobs.preview": THEIRS,
    "jobs.submit": refused(
        person={422}, interface={403, 422}, avi="beta", pipeline="main", again_of="{job}", start=False
    ),
    "servers.open": refused(person={404}, interface={403}, avi="gamma"),
    "releases.submit": refused(
        person={400, 403, 404},
        interface={403},
        folder=f"/home/{OWNER}/gamma",
        avi="gamma",
        version="2.0",
        visibility="public",
    ),
    "releases.change": refused(person={403, 404}, interface={403}, standing="withdrawn", reason="No."),
    "projects.list": NOT_INTERFACES,
    "projects.get": THEIRS,
    "projects.create": refused(person={403, 409}, interface={403}, name="gamma"),
    "projects.release": refused(person={403, 404}, interface={403}, version="9.0"),
    "projects.change": refused(person={403, 404}, interface={403}, source="public"),
    "projects.share": refused(person={403, 404}, interface={403}, user="somebody", may="write"),
    "projects.unshare": Answer(
        person={403, 404}, interface={403}, job={401}, nobody={401}, query={"user": "somebody"}
    ),
    "projects.imported": THEIRS,
    "projects.import": refused(person={400, 403, 409}, interface={403}, url="https://127.0.0.1/stars.git"),
    "projects.mirrored": THEIRS,
    "projects.mirror": refused(person={400, 403, 404}, interface={403}, url="https://127.0.0.1/stars.git"),
    "projects.unmirror": refused(person={403, 404}, interface={403}),
    "pushes.check": FOR_HOOKS,
    "pushes.take": FOR_HOOKS,
    "policy.choose": refused(person={400, 403}, interface={403}, policy="no-such-policy"),
    "attempts.document": FOR_JOBS,
    "attempts.progress": own_report(fraction=0.9),
    "attempts.outcome": own_report(
        status="completed", started_at="2026-01-01T00:00:00Z", ended_at="2026-01-01T00:00:00Z"
    ),
}
OF_THE_PRIVATE_AVI = {
    "avis.get",
    "avis.ask",
    "avis.favour",
    "releases.list",
    "releases.get",
    "releases.submit",
    "releases.change",
    "releases.scorecard",
    "releases.check",
    "releases.build",
    "projects.get",
    "projects.change",
    "projects.release",
    "projects.share",
    "projects.unshare",
    "projects.imported",
    "projects.mirrored",
    "projects.unmirror",
    "grants.show",
    "grants.give",
    "grants.withdraw",
}
OF_THE_PENDING_JOB = {"jobs.start"}

PAGES = {
    "": {200},
    "/avis/gamma": {404},
    "/avis/gamma/open": {404},
    "/avis/gamma/favourite": {404},
    "/avis/gamma/picture": {404},
    "/avis/gamma/CITATION.cff": {404},
    "/avis/gamma/grants": {404},
    "/avis/gamma/pipelines/main": {404},
    "/avis/beta/pipelines/main?again={job}": {404},
    "/avis/gamma/pipelines/main/file": {404},
    "/avis/gamma/pipelines/main/memory": {404},
    "/files": {200},
    "/files/content?path=secret.txt": {404},
    "/products": {200},
    "/products/new": {200},
    "/products/{product}": {404},
    "/products/{product}/share": {404},
    "/products/{product}/again": {404},
    "/products/{product}/content?path=word.txt": {404},
    "/products/{product}/zip": {404},
    "/products/{product}/view?path=word.txt": {404},
    "/products/{product}/view/content?path=word.txt": {404},
    "/files/view?path=secret.txt": {404},
    "/files/view/content?path=secret.txt": {404},
    "/files/zip?path=jobs/{job}": {404},
    "/files/find?text=word": {200},
    "/files/bin": {200},
    "/files/place?path=x": {200},
    "/files/delete": {422},
    "/files/bin/restore": {404},
    "/projects/gamma/copy": {403, 404},
    "/projects/gamma/edit": {403, 404},
    "/projects/gamma/edit/app.ipynb": {403, 404},
    "/projects/gamma/renew": {403, 404},
    "/projects/gamma/take": {403, 404},
    "/jobs": {200},
    "/jobs/{job}": {404},
    "/jobs/{job}/start": {404},
    "/jobs/{job}/cancel": {404},
    "/jobs/{job}/again": {404},
    "/jobs/{job}/log": {404},
    "/jobs/{job}/results/word.txt": {404},
    "/jobs/{job}/results/main.ipynb/content": {404},
    "/platform": {200, 403},
    "/platform/simulation": {200, 400, 403},
    "/platform/templates": {303, 403, 404},
    "/servers": {200},
    "/servers/alpha/close": {404},
    "/servers/alpha/keep": {404},
    "/projects": {200},
    "/projects/gamma": {404},
    "/projects/gamma/share": {400, 403, 404},
    "/projects/gamma/unshare": {403, 404},
    "/projects/gamma/source": {400, 403, 404},
    "/projects/gamma/answers": {400, 403, 404},
    "/projects/gamma/release": {400, 403, 404},
    "/projects/gamma/files/app.ipynb": {404},
    "/projects/gamma/content/app.ipynb": {404},
    "/projects/gamma/raw/app.ipynb": {404},
    "/device": {200},
    "/device/decide": {404},
    "/device/callback": {403},
    "/no-such-page": {404},
}
"""Address -> what another person gets; an interface is refused everywhere, and nobody is sent to sign in."""
WRITES = {
    "/files/delete",
    "/files/bin/restore",
    "/device/decide",
    "/products/{product}/share",
    "/jobs/{job}/start",
    "/jobs/{job}/cancel",
    "/servers/alpha/close",
    "/servers/alpha/keep",
    "/avis/gamma/favourite",
    "/avis/gamma/grants",
    "/projects/gamma/edit",
    "/projects/gamma/renew",
    "/projects/gamma/take",
    "/projects/gamma/share",
    "/projects/gamma/answers",
    "/projects/gamma/unshare",
    "/projects/gamma/source",
    "/projects/gamma/release",
    "/platform/simulation",
}
OPEN_TO_ALL = ("/static/", "/p/")


@pytest.fixture(scope="module")
def treasure(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Treasure]:
    folder = tmp_path_factory.mktemp("avis")
    yield fill(platform, folder, avi="beta", other_avi="alpha", private_avi="gamma")
    for user in (OWNER, "scientist"):
        platform.close_servers(user)
    with platform.client(OWNER) as owner:
        for job in owner.get("/jobs", params={"limit": 200}).json()["items"]:
            owner.delete(f"/jobs/{job['id']}")


@pytest.fixture(scope="module")
def tokens(platform: Platform, treasure: Treasure) -> dict[str, str]:
    """Asker -> token."""
    return {
        "another person": platform.token("scientist"),
        "the operator": platform.token("operator"),
        "another person's interface of the same AVI": token_of_interface(platform, "beta", "scientist"),
        "the owner's interface of another AVI": token_of_interface(platform, "alpha", OWNER),
        "another job of the owner": token_of_job(platform, "alpha", OWNER),
        "nobody": "",
        "an expired token": expired_token(platform, OWNER),
        "a made-up token": "gavip-job-" + "0" * 43,
    }


def asking(platform: Platform, token: str) -> httpx.Client:
    return platform.browserless(headers={"Authorization": f"Bearer {token}"} if token else {})


def operations(platform: Platform) -> dict[str, tuple[str, str]]:
    """Operation -> method and path, as the platform serves them."""
    with platform.browserless() as anybody:
        document = anybody.get("/services/gavip/api/openapi.json").json()
    return {
        what["operationId"]: (method.upper(), document["servers"][0]["url"] + path)
        for path, methods in document["paths"].items()
        for method, what in methods.items()
    }


def filled(asked: dict[str, Any] | None, treasure: Treasure) -> dict[str, Any] | None:
    """Put the owner's job in."""
    if asked is None:
        return None
    texts = {
        key: value.replace("{job}", treasure.job) for key, value in asked.items() if isinstance(value, str)
    }
    return {**asked, **texts}


def send(asker: httpx.Client, operation: str, place: tuple[str, str], treasure: Treasure) -> httpx.Response:
    """Ask for the owner's things by an operation; of a stream, the beginning is read."""
    method, path = place
    parts = treasure.parts
    if operation in OF_THE_PRIVATE_AVI:
        parts |= {"avi": treasure.private_avi}
    if operation in OF_THE_PENDING_JOB:
        parts |= {"id": treasure.pending}
    body = filled(ANSWERS[operation].body, treasure)
    if operation != "events.stream":
        query = filled(ANSWERS[operation].query, treasure)
        return asker.request(method, path.format(**parts), json=body, params=query)
    with asker.stream(method, path, params={"after": 1}, timeout=httpx.Timeout(60, read=5)) as answer:
        text = b""
        try:
            for piece in answer.iter_raw():
                text += piece
        except httpx.ReadTimeout:
            pass  # no more news: what there was has come
    return httpx.Response(answer.status_code, content=text)


def test_every_operation_that_is_served_has_its_answer_here(platform: Platform) -> None:
    assert set(operations(platform)) == set(ANSWERS)


@pytest.mark.parametrize("asker", ASKERS)
def test_an_operation_gives_nothing_of_anothers(
    platform: Platform, treasure: Treasure, tokens: dict[str, str], asker: str
) -> None:
    places, wrong = operations(platform), []
    before = seen_by_owner(platform, treasure)
    with asking(platform, tokens[asker]) as client:
        for operation, answers in ANSWERS.items():
            answer = send(client, operation, places[operation], treasure)
            expected = getattr(answers, ASKERS[asker])
            leaked = SECRET in answer.text or (answer.is_success and treasure.job in answer.text)
            if answer.status_code not in expected or leaked:
                wrong.append((operation, answer.status_code, answer.text[:300]))
    assert wrong == []
    assert seen_by_owner(platform, treasure) == before


def test_the_owner_gets_all_of_it(platform: Platform, treasure: Treasure) -> None:
    """The control: the same requests with the owner's own token find what strangers do not."""
    places = operations(platform)
    asked = [name for name, answer in ANSWERS.items() if answer in (THEIRS, LISTED, NOT_INTERFACES)]
    asked = [
        name for name in asked if name not in {"projects.imported", "projects.mirrored"}
    ]  # from and to nowhere
    changing = {"servers.close", "jobs.delete", "jobs.start", "jobs.cancel", "jobs.again"}
    changing.add("jobs.comparison")  # it repeats none
    with asking(platform, platform.token(OWNER)) as owner:
        answers = {name: send(owner, name, places[name], treasure) for name in asked if name not in changing}
    codes = {name: answer.status_code for name, answer in answers.items()}
    assert codes.pop("jobs.why") == codes.pop("servers.why") == 409  # they wait no more
    assert set(codes.values()) == {200, 204}
    assert all(SECRET in answers[name].text for name in ("jobs.get", "jobs.log", "jobs.result", "avis.get"))
    assert all(treasure.job in answers[name].text for name in ("jobs.list", "events.stream"))


def test_every_page_of_the_portal_has_its_answer_here() -> None:
    addresses = [f"/services/gavip{path.format(job='j1', product='p1').partition('?')[0]}" for path in PAGES]
    for pattern, *_ in page_routes():
        known = any(re.fullmatch(pattern, address) for address in addresses)
        assert known or any(part in pattern for part in OPEN_TO_ALL), pattern


@pytest.mark.parametrize("asker", ASKERS)
def test_a_page_shows_nothing_of_anothers(
    platform: Platform, treasure: Treasure, tokens: dict[str, str], asker: str
) -> None:
    before, wrong = seen_by_owner(platform, treasure), []
    for_others = {INTERFACE: {403, 405}, JOB: {302, 401}, NOBODY: {302, 401}}
    with asking(platform, tokens[asker]) as client:
        for page, for_people in PAGES.items():
            method = "POST" if page in WRITES else "GET"
            answer = client.request(
                method, f"/services/gavip{page.format(job=treasure.job, product=treasure.product)}"
            )
            leaked = SECRET in answer.text or (answer.is_success and treasure.job in answer.text)
            if answer.status_code not in for_others.get(ASKERS[asker], for_people) or leaked:
                wrong.append((page, answer.status_code, answer.text[:100]))
    assert wrong == []
    assert seen_by_owner(platform, treasure) == before
