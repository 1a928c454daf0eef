"""One person's things on a platform, and everybody who is not that person and would like to have them."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.avis import notebook, write_avi
from tests.support.platform import Platform, eventually
from tests.support.published import follow, publish, run, submit

OWNER = "developer"
SECRET = "swordfish-41427353"
"""Stands in the parameters, the log and the result of the owner's job, and nowhere else."""
MAIN = """
import os, pathlib
print(word)
pathlib.Path(os.environ["GAVIP_RESULTS_DIR"], "word.txt").write_text(word)
"""


@dataclass(frozen=True, kw_only=True)
class Treasure:
    """What belongs to the owner."""

    avi: str
    """Public; the job is one of its."""
    server: str
    """An open interface, of an AVI that nobody else has open."""
    private_avi: str
    job: str
    """Ended well, with the secret in it."""
    pending: str
    """Not started yet."""
    product: str
    """Of the job, with the secret in its title, and shared with somebody who is none of the askers."""
    share: str
    result: str = "word.txt"

    @property
    def parts(self) -> dict[str, str]:
        """Parts of addresses, as the API names them."""
        return {
            "id": self.job,
            "result": self.result,
            "avi": self.avi,
            "server": self.server,
            "product": self.product,
            "share": self.share,
            "template": "none",
            "image": "avi-python",
            "version": "1.0.0",
            "upload": "0" * 32,
            "deleted": "d1-000",
        }


def publish_avi(platform: Platform, folder: Path, name: str) -> str:
    """Publish an AVI for everyone: an interface, a pipeline with a word in it, and one that sleeps."""
    files = {
        "avi.toml": f'title = "{name}"\n',
        "app.ipynb": notebook("print('ready')"),
        "pipelines/main.ipynb": notebook(MAIN, parameters="word: str = 'none'"),
        "pipelines/sleeps.ipynb": notebook("import time; time.sleep(600)", parameters="word: str = 'none'"),
    }
    return publish(platform, name, folder=write_avi(folder / name, files))


def fill(platform: Platform, folder: Path, *, avi: str, other_avi: str, private_avi: str) -> Treasure:
    """Make the owner's things."""
    for name in (avi, other_avi):
        publish_avi(platform, folder, name)
    write_avi(
        platform.root / "users" / OWNER / private_avi,
        {"avi.toml": f'title = "{SECRET}"\n', "app.ipynb": notebook("print('mine')")},
    )
    with platform.client(OWNER) as owner:
        request = {"folder": private_avi, "avi": private_avi, "version": "1.0.0"}
        made = owner.post(f"/avis/{private_avi}/releases", json=request)
        assert made.status_code == httpx.codes.CREATED, made.text
        job = run(owner, avi, parameters={"word": SECRET})
        assert job["phase"] == "COMPLETED", job["error"]
        pending = submit(owner, avi, start=False)
        product, share = _shared(owner, job["id"])
    platform.open_avi(other_avi, OWNER)
    of_product = {"product": product, "share": share}
    return Treasure(
        avi=avi, server=other_avi, private_avi=private_avi, job=job["id"], pending=pending, **of_product
    )


def _shared(owner: httpx.Client, job: str) -> tuple[str, str]:
    """Make a product of a job and share it; return both."""
    product = str(owner.post("/products", json={"job": job, "title": SECRET}).json()["id"])

    def is_ready() -> bool:
        return owner.get(f"/products/{product}").json()["state"] == "READY"

    eventually(is_ready, "the product is ready")
    asked = {"kind": "user", "subject": "somebody"}
    return product, str(owner.post(f"/products/{product}/shares", json=asked).json()["id"])


def seen_by_owner(platform: Platform, treasure: Treasure) -> Any:
    """Return all that strangers could have changed, as its owner sees it."""
    paths = (
        f"/products/{treasure.product}",
        f"/jobs/{treasure.job}",
        f"/jobs/{treasure.pending}",
        "/servers",
        "/avis",
        "/policy",
    )
    with platform.client(OWNER) as owner:
        word = owner.get(f"/jobs/{treasure.job}/results/{treasure.result}").text
        return word, [owner.get(path).json() for path in paths]


def token_of_interface(platform: Platform, avi: str, user: str) -> str:
    """Open an AVI and return the token that its interface got from the Hub."""
    platform.open_avi(avi, user)
    return environment_of(avi, user, "JUPYTERHUB_API_TOKEN")


def token_of_job(platform: Platform, avi: str, user: str) -> str:
    """Start a job that sleeps, and return the token of its attempt."""
    with platform.client(user) as client:
        job = submit(client, avi, "sleeps")
        follow(client, job, until={"EXECUTING"})
    return environment_of(avi, user, "GAVIP_TOKEN")


def environment_of(avi: str, user: str, name: str) -> str:
    """Return a variable of a program in a box of an AVI and its user, as soon as it is there."""
    found: list[str] = []

    def is_there() -> bool:
        found.extend(_values(avi, user, name))
        return bool(found)

    eventually(is_there, f"a box of {avi} and {user} has {name}")
    return found[0]


def _values(avi: str, user: str, name: str) -> Iterator[str]:
    for file in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # it has ended meanwhile, or is somebody else's
            pairs = (line.partition("=") for line in file.read_text(errors="replace").split("\0"))
            found = {key: value for key, _, value in pairs}
            if (found.get("GAVIP_AVI"), found.get("GAVIP_USER")) == (avi, user) and name in found:
                yield found[name]


def expired_token(platform: Platform, user: str) -> str:
    """Return a token of a person that was good for a second."""
    with platform.hub(user) as hub:
        token = str(hub.post(f"/users/{user}/tokens", json={"expires_in": 1}).json()["token"])

    def is_dead() -> bool:
        with platform.browserless(headers={"Authorization": f"token {token}"}) as late:
            return late.get("/hub/api/user").status_code == httpx.codes.FORBIDDEN

    eventually(is_dead, "the token is no longer good")
    return token
