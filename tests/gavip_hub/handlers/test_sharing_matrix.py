"""Each door answers each cell of the table of who may do what with a product as it says."""

import asyncio
from functools import partial

import httpx
import pytest

from avi_kernel.protocol.releases import ReleaseSubmit
from gavip_hub import rounds
from gavip_hub.domain.identity import profile_of
from tests.support.avis import notebook, write_avi
from tests.support.matrix import CONTENT, FILE, GROUP, MEMBERS, PEOPLE, Door, Who
from tests.support.matrix_doors import (
    AVI,
    ApiDoor,
    DavDoor,
    FilesDoor,
    LinkDoor,
    PortalDoor,
    differences,
    make_world,
)
from tests.support.service import API, person
from tests.support.webdav import basic, serving


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    for name in ("PRODUCT_SECONDS", "SHOWING_SECONDS", "MEMBERS_SECONDS"):
        monkeypatch.setattr(rounds, name, 0.05)


def clients(service, base):
    """Return what makes clients of people below a path."""

    def client(user):
        headers = {"Authorization": f"Bearer {user}-token"} if user else {}
        return httpx.Client(base_url=f"{service.url}{base}", headers=headers, timeout=60)

    return client


@pytest.fixture
async def world(service):
    """People, an AVI that reads files, and products that were shared and taken back."""
    for name in set(PEOPLE.values()):
        groups = [GROUP] if name in MEMBERS else []
        scopes = {"scopes": ("read:avis",), "role": "anonymous"} if name == PEOPLE[Who.VISITOR] else {}
        service.hub.tokens[f"{name}-token"] = person(name, groups=groups, **scopes)
    data = service.root / "users/ann/data"
    data.mkdir(parents=True)
    (data / FILE).write_text(CONTENT)
    write_avi(
        service.root / "users/dora" / AVI,
        {
            "avi.toml": 'title = "Cross-match"\n[pipelines.match]\n',
            "pipelines/match.ipynb": notebook("1", parameters="stars: Path\nseed: int = 1"),
        },
    )
    service.service.core.releases.submit(
        submitter="dora", request=ReleaseSubmit(folder=AVI, avi=AVI, version="1.0", visibility="public")
    )

    def leave():
        service.hub.tokens[f"{PEOPLE[Who.LEFT]}-token"]["groups"] = []

    return await asyncio.to_thread(make_world, clients(service, API), leave=leave, host=service.origin)


DOORS = {
    Door.API: (ApiDoor, API),
    Door.PORTAL: (PortalDoor, "/services/gavip"),
    Door.FILES: (FilesDoor, API),
    Door.LINK: (LinkDoor, ""),
}


@pytest.mark.parametrize("door", DOORS)
async def test_a_door_answers_by_the_table(service, world, door):
    kind, base = DOORS[door]
    asked = kind(world=world, clients=clients(service, base))
    assert await asyncio.to_thread(differences, door, asked.ask) == {}


async def test_webdav_answers_by_the_table(service, world):
    def ask(token):
        found = service.hub.tokens.get(token)
        return profile_of(found) if found else None

    def client(url, user):
        headers = basic(f"{user}-token") if user else {}
        return httpx.Client(base_url=f"{url}/", headers=headers, timeout=30)

    with serving(service.service.core.config, service.service.core.database, ask) as url:
        asked = DavDoor(world=world, clients=partial(client, url))
        assert await asyncio.to_thread(differences, Door.WEBDAV, asked.ask) == {}
