"""The doors of the table of who may do what with a product, and a world in which every row of it exists."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx

from tests.support.matrix import (
    CONTENT,
    FILE,
    GROUP,
    PEOPLE,
    PRODUCT_OF,
    PRODUCTS,
    Act,
    Answer,
    Door,
    Who,
    cells,
    expected,
)
from tests.support.platform import eventually

AVI, PIPELINE, PARAMETER = "crossing", "match", "stars"
"""An AVI with a pipeline that reads a file."""
ENDS_SECONDS = 1.0
Clients = Callable[[str | None], AbstractContextManager[httpx.Client]]
"""Gives a client of a user, or of nobody."""
_ANSWERS = {
    httpx.codes.UNAUTHORIZED: Answer.SIGN_IN,
    httpx.codes.FORBIDDEN: Answer.FORBIDDEN,
    httpx.codes.NOT_FOUND: Answer.UNKNOWN,
    httpx.codes.CONFLICT: Answer.UNKNOWN,  # WebDAV's word for a folder that is not there
}


@contextmanager
def kept(make: Callable[[str | None], httpx.Client]) -> Iterator[Clients]:
    """Make the client of each person once: that costs more than what it asks."""
    with ExitStack() as all_of_them:
        made = cache(lambda user: all_of_them.enter_context(make(user)))
        yield lambda user: nullcontext(made(user))


@dataclass
class World:
    """Products of the owner, and whom they are and were shared with."""

    products: dict[str, str] = field(default_factory=dict)
    """Name -> id."""
    shares: dict[str, str] = field(default_factory=dict)
    """Name of a product -> id of a share of it."""
    links: dict[Who, str] = field(default_factory=dict)
    """Path of the page."""

    def product(self, who: Who) -> str:
        return self.products[PRODUCT_OF.get(who, "shared")]

    def share(self, who: Who) -> str:
        return self.shares[PRODUCT_OF.get(who, "shared")]

    def places(self, who: Who) -> list[str]:
        """Return all folders in which somebody could find it."""
        name = PRODUCT_OF.get(who, "shared")
        leaf = f"{name}-{self.products[name][-7:]}"
        owner = PEOPLE[Who.OWNER]
        return [f"shared/{way}/{owner}/{leaf}" for way in ("me", f"groups/{GROUP}", "everyone")]


def make_world(clients: Clients, *, leave: Callable[[], None], host: str) -> World:
    """Make products, share them, and take back what is to be taken back.

    Parameters
    ----------
    leave
        Takes who is to leave the group out of it.
    host
        The portal's own address, which links begin with.
    """
    world = World()
    with clients(PEOPLE[Who.OWNER]) as owner:
        for name in PRODUCTS:
            made = owner.post("/products", json={"path": "data", "title": name})
            assert made.status_code == httpx.codes.CREATED, made.text
            world.products[name] = made.json()["id"]
        eventually(lambda: _are_ready(owner, world), "the products are ready")
        _share_all(owner, world, host)
    seen = [(Who.LEFT, httpx.codes.OK), (Who.REVOKED, httpx.codes.NOT_FOUND)]
    assert [(who, _status(clients, world, who)) for who, _ in seen] == seen
    leave()
    for who in (Who.LEFT, Who.ENDED):
        eventually(lambda who=who: _is_over(clients, world, who), f"{who}: it is over")
    return world


def _are_ready(owner: httpx.Client, world: World) -> bool:
    return all(owner.get(f"/products/{one}").json()["state"] == "READY" for one in world.products.values())


def _share_all(owner: httpx.Client, world: World, host: str) -> None:
    def share(product: str, kind: str, subject: str = "", *, ends: bool = False) -> dict[str, Any]:
        end = (datetime.now(UTC) + timedelta(seconds=ENDS_SECONDS)).isoformat() if ends else None
        asked = {"kind": kind, "subject": subject, "expires_at": end}
        made = owner.post(f"/products/{world.products[product]}/shares", json=asked)
        assert made.status_code == httpx.codes.CREATED, made.text
        return dict(made.json())

    def revoke(product: str, share: str) -> None:
        assert owner.delete(f"/products/{world.products[product]}/shares/{share}").status_code == 204

    def link(**more: bool) -> tuple[str, str]:
        made = share("shared", "link", **more)
        return made["id"], made["url"].removeprefix(host)

    world.shares["shared"] = share("shared", "user", PEOPLE[Who.NAMED])["id"]
    world.shares["open"] = share("open", "everyone")["id"]
    world.shares["shut"] = share("shut", "everyone")["id"]
    share("shared", "group", GROUP)
    revoked = share("shared", "user", PEOPLE[Who.REVOKED])["id"]
    share("shared", "user", PEOPLE[Who.ENDED], ends=True)
    _, world.links[Who.LINK] = link()
    revoked_link, world.links[Who.REVOKED_LINK] = link()
    _, world.links[Who.ENDED_LINK] = link(ends=True)
    for product, one in (("shared", revoked), ("shared", revoked_link), ("shut", world.shares["shut"])):
        revoke(product, one)


def _status(clients: Clients, world: World, who: Who) -> int:
    with clients(PEOPLE[who]) as client:
        return client.get(f"/products/{world.product(who)}").status_code


def _is_over(clients: Clients, world: World, who: Who) -> bool:
    """Tell whether the API says so and no folder shows it, as it may take a second."""
    with clients(PEOPLE[who]) as client:
        seen = [client.get("/data/content", params={"path": f"{one}/{FILE}"}) for one in world.places(who)]
    return _status(clients, world, who) == httpx.codes.NOT_FOUND and not any(one.is_success for one in seen)


def differences(door: Door, ask: Callable[[Who, Act], Answer]) -> dict[str, str]:
    """Ask a whole door by the table; return what it answers otherwise."""
    found = {}
    for who, act in cells(door):
        answer, right = ask(who, act), expected(door, who, act)
        if answer != right:
            found[f"{who} / {act}"] = f"{answer}; right is {right}"
    return found


def answer_of(response: httpx.Response) -> Answer:
    """Return what a status means; an unforeseen one is a failure."""
    if response.is_success or response.status_code == httpx.codes.SEE_OTHER:
        return Answer.YES
    if response.status_code == httpx.codes.FOUND:
        assert "oauth2/authorize" in response.headers["Location"] or "login" in response.headers["Location"]
        return Answer.SIGN_IN
    assert response.status_code in _ANSWERS, f"{response.request.url}: {response.text[:500]}"
    return _ANSWERS[httpx.codes(response.status_code)]


def best(answers: list[Answer]) -> Answer:
    """Return what somebody gets who tries every place."""
    order = [Answer.YES, Answer.FORBIDDEN, Answer.SIGN_IN, Answer.UNKNOWN]
    return min(answers, key=order.index)


@dataclass(frozen=True, kw_only=True)
class ApiDoor:
    """The REST interface."""

    world: World
    clients: Clients

    def ask(self, who: Who, act: Act) -> Answer:
        product, share = self.world.product(who), self.world.share(who)
        with self.clients(PEOPLE.get(who)) as client:
            if act == Act.LIST:
                return self._listed(client, product)
            if act == Act.USE:
                return best([self._used(client, place) for place in self.world.places(who)])
            asked: dict[Act, tuple[str, str, dict[str, Any]]] = {
                Act.READ: ("GET", "", {}),
                Act.FILES: ("GET", "/files", {}),
                Act.FILE: ("GET", "/content", {"params": {"path": FILE}}),
                Act.ARCHIVE: ("GET", "/zip", {}),
                Act.SHARE: ("POST", "/shares", {"json": {"kind": "link"}}),
                Act.READERS: ("GET", "/shares", {}),
                Act.DESCRIBE: ("POST", "", {"json": {"description": "changed"}}),
                Act.REVOKE: ("DELETE", f"/shares/{share}", {}),
                Act.REMOVE: ("DELETE", "", {}),
            }
            method, path, more = asked[act]
            return answer_of(client.request(method, f"/products/{product}{path}", **more))

    def _listed(self, client: httpx.Client, product: str) -> Answer:
        pages = [client.get("/products", params={"which": which}) for which in ("mine", "shared")]
        if not all(page.is_success for page in pages):
            return answer_of(pages[0])
        ids = [item["id"] for page in pages for item in page.json()["items"]]
        return Answer.YES if product in ids else Answer.UNKNOWN

    def _used(self, client: httpx.Client, place: str) -> Answer:
        body = {"avi": AVI, "pipeline": PIPELINE, "parameters": {PARAMETER: f"{place}/{FILE}"}}
        return input_answer(client.post("/jobs", json=body))


def input_answer(response: httpx.Response) -> Answer:
    """Return what a submission means: a file that is not there is a parameter that cannot be."""
    if response.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
        assert "there is no file" in response.text
        return Answer.UNKNOWN
    return answer_of(response)


@dataclass(frozen=True, kw_only=True)
class PortalDoor:
    """The portal's pages."""

    world: World
    clients: Clients
    """Paths are below the portal."""

    def ask(self, who: Who, act: Act) -> Answer:
        product, share = self.world.product(who), self.world.share(who)
        with self.clients(PEOPLE.get(who)) as client:
            looks: dict[Act, Callable[[], Answer]] = {
                Act.LIST: lambda: self._listed(client, product),
                Act.READ: lambda: self._page(client, product, product),
                Act.FILES: lambda: self._page(client, product, FILE),
                Act.FILE: lambda: self._file(client, product),
                Act.ARCHIVE: lambda: answer_of(client.get(f"/products/{product}/zip")),
                Act.USE: lambda: best([self._used(client, place) for place in self.world.places(who)]),
                Act.READERS: lambda: self._readers(client, product),
            }
            if act in looks:
                return looks[act]()
            sent = {
                Act.SHARE: ("share", {"kind": "link"}),
                Act.DESCRIBE: ("describe", {"title": "changed"}),
                Act.REVOKE: ("revoke", {"share": share}),
                Act.REMOVE: ("remove", {}),
            }
            name, form = sent[act]
            return answer_of(client.post(f"/products/{product}/{name}", data={**form, **_xsrf(client)}))

    def _listed(self, client: httpx.Client, product: str) -> Answer:
        pages = [client.get("/products", params={"which": which}) for which in ("mine", "shared")]
        if not all(page.is_success for page in pages):
            return answer_of(pages[0])
        return Answer.YES if any(f"products/{product}" in page.text for page in pages) else Answer.UNKNOWN

    def _page(self, client: httpx.Client, product: str, wanted: str) -> Answer:
        page = client.get(f"/products/{product}")
        assert (wanted in page.text) == page.is_success or wanted == product
        return answer_of(page)

    def _file(self, client: httpx.Client, product: str) -> Answer:
        """Read it in all ways that the pages have; they agree."""
        ways = ("content", "view", "view/content")
        found = [client.get(f"/products/{product}/{way}", params={"path": FILE}) for way in ways]
        assert (CONTENT in found[0].text) == found[0].is_success
        [answer] = {answer_of(one) for one in found[:2]}
        assert not found[2].is_success or answer == Answer.YES
        return answer

    def _readers(self, client: httpx.Client, product: str) -> Answer:
        page = client.get(f"/products/{product}")
        if not page.is_success:
            return answer_of(page)
        return Answer.YES if "Who may read it" in page.text else Answer.FORBIDDEN

    def _used(self, client: httpx.Client, place: str) -> Answer:
        form = {"version": "1.0", f"p.{PARAMETER}": f"{place}/{FILE}", "p.seed": "1", "memory_mb": ""}
        path = f"/avis/{AVI}/pipelines/{PIPELINE}"
        return input_answer(client.post(path, data={**form, **_xsrf(client)}))


def _xsrf(client: httpx.Client) -> dict[str, str]:
    """Return what a page of this session sends with a write; programs with tokens need none."""
    if "Authorization" in client.headers:
        return {}
    found = re.search(r'name="_xsrf" value="([^"]+)"', client.get("/products/new").text)
    return {"_xsrf": found[1]} if found else {}


@dataclass(frozen=True, kw_only=True)
class FilesDoor:
    """A person's own files in the portal, below which `shared` lies."""

    world: World
    clients: Clients

    def ask(self, who: Who, act: Act) -> Answer:
        with self.clients(PEOPLE.get(who)) as client:
            return best([self._at(client, place, act) for place in self.world.places(who)])

    def _at(self, client: httpx.Client, place: str, act: Act) -> Answer:
        folder, _, leaf = place.rpartition("/")
        if act == Act.LIST:
            found = client.get("/data", params={"path": folder})
            if not found.is_success:
                return answer_of(found)
            return Answer.YES if leaf in found.text else Answer.UNKNOWN
        if act == Act.FILE:
            return answer_of(client.get("/data/content", params={"path": f"{place}/{FILE}"}))
        if act == Act.WRITE:
            return _written(client.post("/data/folders", json={"path": f"{place}/mine"}))
        return _written(client.delete("/data", params={"path": place}))


def _written(response: httpx.Response) -> Answer:
    if response.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
        assert "not yours to write" in response.text, response.text
        return Answer.FORBIDDEN
    return answer_of(response)


@dataclass(frozen=True, kw_only=True)
class DavDoor:
    """WebDAV."""

    world: World
    clients: Clients
    """Paths are below a person's space."""

    def ask(self, who: Who, act: Act) -> Answer:
        with self.clients(PEOPLE.get(who)) as client:
            return best([self._at(client, place, act) for place in self.world.places(who)])

    def _at(self, client: httpx.Client, place: str, act: Act) -> Answer:
        folder, _, leaf = place.rpartition("/")
        if act == Act.LIST:
            found = client.request("PROPFIND", f"{folder}/", headers={"Depth": "1"})
            if not found.is_success:
                return answer_of(found)
            return Answer.YES if leaf in found.text else Answer.UNKNOWN
        file = f"{place}/{FILE}"
        if act == Act.FILE:
            return answer_of(client.get(file))
        if act == Act.REMOVE:
            return self._all_alike([client.delete(file), client.delete(f"{place}/")])
        target = {"Destination": f"{str(client.base_url).rstrip('/')}/{quote('moved.csv')}"}
        into = {"Destination": f"{str(client.base_url).rstrip('/')}/{place}/moved.csv"}
        client.put("own.csv", content=b"mine")
        tries = [
            client.put(file, content=b"mine"),
            client.put(f"{place}/new.csv", content=b"mine"),
            client.request("MOVE", file, headers=target),
            client.request("MKCOL", f"{place}/new"),
        ]
        assert not client.request("MOVE", "own.csv", headers=into).is_success
        return best([answer_of(one) for one in tries])

    def _all_alike(self, responses: list[httpx.Response]) -> Answer:
        [answer] = {answer_of(one) for one in responses}
        return answer


@dataclass(frozen=True, kw_only=True)
class LinkDoor:
    """The page of a link, for whoever has it."""

    world: World
    clients: Clients
    """Of nobody; paths are below the portal's host."""

    def ask(self, who: Who, act: Act) -> Answer:
        page = self.world.links[who]
        with self.clients(None) as client:
            if act == Act.FILE:
                return answer_of(client.get(f"{page}/content", params={"path": FILE}))
            if act == Act.ARCHIVE:
                return answer_of(client.get(f"{page}/zip"))
            found = client.get(page)
        assert not found.is_success or FILE in found.text
        return answer_of(found)
