"""People who share, send, move, copy and delete files, each alone in their own space, and know what must be there."""

import hashlib
import threading
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random

import httpx

from tests.support.forked_service import ForkedService

World = Counter[tuple[str, str, str]]
"""Place (`space` or `bin`), path and digest of each file."""
PIECE = 256 * 1024
TUS = {"Tus-Resumable": "1.0.0"}
MOST_FILES = 40
_DIGESTS: dict[tuple[int, int, int, int], str] = {}


class Gone(Exception):
    """The service was killed."""


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def digest_of(path: Path) -> str:
    """Return a file's digest; it is read once as long as it does not change."""
    status = path.stat()
    key = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    if key not in _DIGESTS:
        _DIGESTS[key] = digest(path.read_bytes())
    return _DIGESTS[key]


def files_below(place: Path) -> dict[str, str]:
    """Return digests by path below a folder, or that of a file by an empty one."""
    if place.is_file():
        return {"": digest_of(place)}
    return {str(path.relative_to(place)): digest_of(path) for path in place.rglob("*") if path.is_file()}


@dataclass
class Doing:
    """What was asked and not answered."""

    what: str
    after: World
    between: bool = False
    """Whether parts of it may be done: things of a bin go one by one."""


@dataclass
class Person:
    """Somebody at work until the service is gone."""

    service: ForkedService
    name: str
    random: Random
    acts: tuple[str, ...]
    world: World = field(default_factory=World)
    binned: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    """What is in the bin by its id: where it lay, and the files in it."""
    doing: Doing | None = None
    coming: tuple[str, bytes] | None = None
    """An upload that is not whole: its path and what it is of."""
    products: dict[str, bool] = field(default_factory=dict)
    """Those of which it is known whether they are there."""
    shares: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """Product of each share, and whether it holds, where that is known."""
    answered: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    """What was asked and not answered, over all kills."""
    wrong: list[str] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    def work(self, stop: threading.Event) -> None:
        """Do one thing after another until the service is gone."""
        acts: dict[str, Callable[[], None]] = {
            "upload": self.upload,
            "replace": self.replace,
            "move": self.move,
            "copy": self.copy,
            "delete": self.delete,
            "restore": self.restore,
            "empty": self.empty,
            "make": self.make_product,
            "share": self.share,
            "revoke": self.revoke,
            "remove": self.remove_product,
        }
        try:
            with self.service.client(self.name) as self.http:
                while not stop.is_set():
                    acts[self.next_act()]()
        except Gone:
            return

    def next_act(self) -> str:
        """Return what is done next: what needs something that is not there makes that first."""
        act = self.random.choice(("delete", "empty") if len(self.world) > MOST_FILES else self.acts)
        if act in {"share", "remove"} and not self.there():
            act = "make"
        if act == "revoke" and not self.live():
            act = "share" if self.there() else "make"
        if act == "restore" and not self.binned:
            act = "delete"
        if act in {"move", "copy", "delete", "replace", "make"} and not self.tops():
            act = "upload"
        return act

    def bring(self, files: int) -> None:
        """Put some files in the space, as a notebook does."""
        for number in range(files):
            path, content = f"first{number}/some.bin", self.random.randbytes(PIECE)
            place = self.service.root / "users" / self.name / path
            place.parent.mkdir(parents=True)
            place.write_bytes(content)
            self.world[("space", path, digest(content))] = 1

    def ask(
        self, method: str, path: str, *, may_be: tuple[str, ...] = (), **options: object
    ) -> httpx.Response:
        """Return the answer; nothing but what is named is to be refused."""
        try:
            answer = self.http.request(method, path, **options)  # type: ignore[arg-type]
        except httpx.TransportError:
            raise Gone from None
        if answer.is_error and answer.json()["error"] not in may_be:
            self.wrong.append(f"{method} {path} {options}: {answer.status_code} {answer.text[:300]}")
            raise Gone
        return answer

    def done(self) -> None:
        assert self.doing is not None
        self.world, self.doing, self.answered = self.doing.after, None, self.answered + 1

    def new_name(self, kind: str) -> str:
        return f"{kind}{next(self._numbers)}-{self.random.randrange(10**6)}"

    def tops(self) -> list[str]:
        """Names at the top of the space."""
        return sorted({path.partition("/")[0] for place, path, _ in self.world if place == "space"})

    def there(self) -> list[str]:
        """Products that are there."""
        return sorted(name for name, is_there in self.products.items() if is_there)

    def live(self) -> list[str]:
        """Shares that hold."""
        return sorted(name for name, (_, holds) in self.shares.items() if holds)

    def below(self, top: str) -> dict[str, str]:
        """Files of what lies at the top: path from there, and digest."""
        found = {}
        for place, path, sha in self.world:
            if place == "space" and path.partition("/")[0] == top:
                found[path.partition("/")[2]] = sha
        return found

    def upload(self) -> None:
        """Send a new file by tus; one that broke off goes on."""
        if self.coming is None:
            size = self.random.randrange(0, 3 * PIECE)
            self.coming = (f"{self.new_name('d')}/new.bin", self.random.randbytes(size))
        path, content = self.coming
        self.doing = Doing("upload", self.world + World([("space", path, digest(content))]))
        told = ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in [("path", path)])
        headers = {**TUS, "Upload-Length": str(len(content)), "Upload-Metadata": told}
        where = self.ask("POST", "/files/uploads", headers=headers).headers["Location"]
        self._send(where.removeprefix("/services/gavip"), content)
        self.coming = None
        self.done()

    def _send(self, where: str, content: bytes) -> None:
        offset = int(self.ask("HEAD", where, headers=TUS).headers["Upload-Offset"])
        while offset < len(content):
            piece = content[offset : offset + PIECE]
            headers = {
                **TUS,
                "Upload-Offset": str(offset),
                "Content-Type": "application/offset+octet-stream",
            }
            offset = int(self.ask("PATCH", where, headers=headers, content=piece).headers["Upload-Offset"])

    def replace(self) -> None:
        """Write over a file by the REST interface, as `gavip data cp` does."""
        files = sorted(one for one in self.world if one[0] == "space")
        place, path, old = self.random.choice(files)
        content = self.random.randbytes(self.random.randrange(1, PIECE))
        after = self.world - World([(place, path, old)]) + World([(place, path, digest(content))])
        self.doing = Doing("replace", after)
        asked = {"path": path, "size": len(content), "sha256": digest(content)}
        begun = self.ask("POST", "/api/data/uploads", json=asked).json()
        self.ask("POST", f"/api/data/uploads/{begun['id']}?offset=0", content=content)
        self.ask("POST", f"/api/data/uploads/{begun['id']}/finish")
        self.done()

    def move(self) -> None:
        """Give something at the top another name."""
        top, new = self.random.choice(self.tops()), self.new_name("m")
        files = self.below(top)
        after = self.world - _at("space", top, files) + _at("space", new, files)
        self.doing = Doing("move", after)
        self.ask("POST", "/api/data/moves", json={"path": top, "to": new})
        self.done()

    def copy(self) -> None:
        """Copy something at the top."""
        top, new = self.random.choice(self.tops()), self.new_name("c")
        self.doing = Doing("copy", self.world + _at("space", new, self.below(top)))
        self.ask("POST", "/api/data/copies", json={"path": top, "to": new})
        self.done()

    def delete(self) -> None:
        """Move something at the top to the bin."""
        top = self.random.choice(self.tops())
        files = self.below(top)
        self.doing = Doing("delete", self.world - _at("space", top, files) + _at("bin", top, files))
        binned = self.ask("DELETE", "/api/data", params={"path": top}).json()
        self.binned[binned["id"]] = (top, files)
        self.done()

    def restore(self) -> None:
        """Put something back."""
        name = self.random.choice(sorted(self.binned))
        top, files = self.binned[name]
        self.doing = Doing("restore", self.world - _at("bin", top, files) + _at("space", top, files))
        self.ask("POST", f"/api/data/bin/{name}")
        del self.binned[name]
        self.done()

    def empty(self) -> None:
        """Delete all of the bin for good."""
        gone = World({one: many for one, many in self.world.items() if one[0] == "bin"})
        self.doing = Doing("empty", self.world - gone, between=True)
        self.ask("DELETE", "/api/data/bin")
        self.binned.clear()
        self.done()

    def make_product(self) -> None:
        """Share a folder; it is made by a round."""
        self.doing = Doing("make", self.world)
        asked = {"path": self.random.choice(self.tops())}
        made = self.ask("POST", "/api/products", json=asked, may_be=("no_room",))
        if made.is_success:
            self.products[made.json()["id"]] = True
        self.done()

    def share(self) -> None:
        """Show a product to somebody, or to everyone."""
        product, kind = self.random.choice(self.there()), self.random.choice(["user", "everyone"])
        self.doing = Doing("share", self.world)
        asked = {"kind": kind, "subject": "reader" if kind == "user" else ""}
        made = self.ask("POST", f"/api/products/{product}/shares", json=asked, may_be=("conflict",))
        if made.is_success:
            self.shares[made.json()["id"]] = (product, True)
        self.done()

    def revoke(self) -> None:
        """Take a share back."""
        share = self.random.choice(self.live())
        product, _ = self.shares.pop(share)  # while it is asked nobody knows
        self.doing = Doing("revoke", self.world)
        self.ask("DELETE", f"/api/products/{product}/shares/{share}")
        self.shares[share] = (product, False)
        self.done()

    def remove_product(self) -> None:
        """Remove a product."""
        product = self.random.choice(self.there())
        del self.products[product]
        held = {share for share, (of, _) in self.shares.items() if of == product}
        self.shares = {share: told for share, told in self.shares.items() if share not in held}
        self.doing = Doing("remove", self.world)
        self.ask("DELETE", f"/api/products/{product}")
        self.products[product] = False
        self.done()


def _at(place: str, top: str, files: dict[str, str]) -> World:
    return World({(place, f"{top}/{path}" if path else top, sha): 1 for path, sha in files.items()})
