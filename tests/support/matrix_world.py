"""A world in which every row of the table of who may do what with a product exists."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import httpx

from tests.support.matrix import FILE, GROUP, PEOPLE, PRODUCT_OF, PRODUCTS, Who
from tests.support.platform import eventually

ENDS_SECONDS = 1.0
Clients = Callable[[str | None], AbstractContextManager[httpx.Client]]
"""Gives a client of a user, or of nobody."""


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
