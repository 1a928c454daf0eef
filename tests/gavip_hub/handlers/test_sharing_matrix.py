"""Each door answers each cell of the table of who may do what with a product as it says."""

import asyncio

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
)
from tests.support.matrix_world import kept, make_world
from tests.support.service import API, pages_of, person
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

    with kept(clients(service, API)) as people:
        return await asyncio.to_thread(make_world, people, leave=leave, host=service.origin)


def asked(door, make, world):
    """Ask a door by the table; return what it answers otherwise."""
    kinds = {Door.API: ApiDoor, Door.PORTAL: PortalDoor, Door.FILES: FilesDoor, Door.LINK: LinkDoor}
    with kept(make) as people:
        return differences(door, kinds.get(door, DavDoor)(world=world, clients=people).ask)


@pytest.mark.parametrize(("door", "base"), [(Door.API, API), (Door.PORTAL, "/services/gavip")])
async def test_a_door_at_which_owners_act_answers_by_the_table(service, world, door, base):
    assert await asyncio.to_thread(asked, door, clients(service, base), world) == {}


async def test_doors_that_only_show_it_answer_by_the_table(service, world):
    def profile(token):
        found = service.hub.tokens.get(token)
        return profile_of(found) if found else None

    def by_webdav(user):
        headers = basic(f"{user}-token") if user else {}
        return httpx.Client(base_url=f"{url}/", headers=headers, timeout=30)

    with serving(service.service.core.config, service.service.core.database, profile) as url:
        ways = {
            Door.FILES: clients(service, API),
            Door.LINK: clients(service, ""),
            Door.WEBDAV: by_webdav,
        }
        found = {door: await asyncio.to_thread(asked, door, make, world) for door, make in ways.items()}
    assert found == {door: {} for door in ways}
    assert {who for who in (Who.NAMED, Who.STRANGER, Who.LEFT) if await picks(service, world, who)} == {
        Who.NAMED
    }


async def picks(service, world, who):
    """Tell whether a form offers somebody a file of the product as an input."""
    async with pages_of(service, f"{PEOPLE[who]}-token") as portal:
        form = (await portal.get(f"/avis/{AVI}/pipelines/match")).text
    return any(f'<option value="{place}/{FILE}">' in form for place in world.places(who))
