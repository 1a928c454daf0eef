"""The doors of the table of who may do what with a product."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
from typing_extensions import override

from tests.support.matrix import CONTENT, FILE, PEOPLE, Act, Answer, Door, Who, cells, expected
from tests.support.matrix_world import Clients, World

AVI, PIPELINE, PARAMETER = "crossing", "match", "stars"
"""An AVI with a pipeline that reads a file."""
_ANSWERS = {
    httpx.codes.UNAUTHORIZED: Answer.SIGN_IN,
    httpx.codes.FORBIDDEN: Answer.FORBIDDEN,
    httpx.codes.NOT_FOUND: Answer.UNKNOWN,
    httpx.codes.CONFLICT: Answer.UNKNOWN,  # WebDAV's word for a folder that is not there
}


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
class Way(ABC):
    """A door of the world, and who stands before it."""

    world: World
    clients: Clients

    @abstractmethod
    def ask(self, who: Who, act: Act) -> Answer:
        """Return what somebody gets who tries an act."""


class ApiDoor(Way):
    """The REST interface."""

    @override
    def ask(self, who: Who, act: Act) -> Answer:
        product, share = self.world.product(who), self.world.share(who)
        with self.clients(PEOPLE.get(who)) as client:
            if act == Act.LIST:
                return _listed(client, lambda page: product in [one["id"] for one in page.json()["items"]])
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

    def _used(self, client: httpx.Client, place: str) -> Answer:
        body = {"avi": AVI, "pipeline": PIPELINE, "parameters": {PARAMETER: f"{place}/{FILE}"}}
        return input_answer(client.post("/jobs", json=body))


def _listed(client: httpx.Client, is_in: Callable[[httpx.Response], bool]) -> Answer:
    """Return whether a product is in either list of what one has and what others share."""
    pages = [client.get("/products", params={"which": which}) for which in ("mine", "shared")]
    if not all(page.is_success for page in pages):
        return answer_of(pages[0])
    return Answer.YES if any(is_in(page) for page in pages) else Answer.UNKNOWN


def input_answer(response: httpx.Response) -> Answer:
    """Return what a submission means: a file that is not there is a parameter that cannot be."""
    if response.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
        assert "there is no file" in response.text
        return Answer.UNKNOWN
    return answer_of(response)


class PortalDoor(Way):
    """The portal's pages; paths are below the portal."""

    @override
    def ask(self, who: Who, act: Act) -> Answer:
        product, share = self.world.product(who), self.world.share(who)
        with self.clients(PEOPLE.get(who)) as client:
            looks: dict[Act, Callable[[], Answer]] = {
                Act.LIST: lambda: _listed(client, lambda page: f"products/{product}" in page.text),
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


class PlacesDoor(Way):
    """Any door behind which products lie as folders: each is looked for wherever somebody could find it."""

    @override
    def ask(self, who: Who, act: Act) -> Answer:
        with self.clients(PEOPLE.get(who)) as client:
            return best([self._at(client, place, act) for place in self.world.places(who)])

    def _at(self, client: httpx.Client, place: str, act: Act) -> Answer:
        if act != Act.LIST:
            return self._done(client, place, act)
        folder, _, leaf = place.rpartition("/")
        found = self._folder(client, folder)
        if not found.is_success:
            return answer_of(found)
        return Answer.YES if leaf in found.text else Answer.UNKNOWN

    @abstractmethod
    def _folder(self, client: httpx.Client, folder: str) -> httpx.Response:
        """List a folder."""

    @abstractmethod
    def _done(self, client: httpx.Client, place: str, act: Act) -> Answer:
        """Do it to a product at a place."""


class FilesDoor(PlacesDoor):
    """A person's own files in the portal, below which `shared` lies."""

    @override
    def _folder(self, client: httpx.Client, folder: str) -> httpx.Response:
        return client.get("/data", params={"path": folder})

    @override
    def _done(self, client: httpx.Client, place: str, act: Act) -> Answer:
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


class DavDoor(PlacesDoor):
    """WebDAV; paths are below a person's space."""

    @override
    def _folder(self, client: httpx.Client, folder: str) -> httpx.Response:
        return client.request("PROPFIND", f"{folder}/", headers={"Depth": "1"})

    @override
    def _done(self, client: httpx.Client, place: str, act: Act) -> Answer:
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


class LinkDoor(Way):
    """The page of a link, for whoever has it: clients are of nobody, and paths below the portal's host."""

    @override
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
