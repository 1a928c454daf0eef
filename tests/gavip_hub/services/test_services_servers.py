"""Servers: what is admitted, how they end, and what the Hub lost."""

import asyncio
from datetime import timedelta

import pytest

from gavip_hub.config import Gavip
from gavip_hub.domain.container import Kind
from gavip_hub.exceptions import BadRequest, NoRoom, NotFound, Unavailable
from gavip_hub.hub.client import HubServer
from gavip_hub.services.opening import OpeningService
from tests.support.desk import STARS
from tests.support.statements import statements


def test_an_admission_describes_the_whole_container(desk, tmp_path):
    spec = desk.admit().spec
    assert (spec.kind, spec.owner, spec.avi, spec.version) == (Kind.INTERFACE, "ann", "stars", "1.0")
    assert spec.resources.memory_mb == 512
    assert spec.allowed_hosts == ("archive.test:443",)
    assert spec.env["GAVIP_ARCHIVE_URL"] == "https://archive.test/tap"
    writable = [mount.source for mount in spec.mounts if mount.writable]
    assert writable == [str(tmp_path / "users/ann/avis/stars")]


def test_a_server_writes_what_its_user_granted_its_avi(desk, tmp_path):
    desk.grants.give(owner="ann", avi="stars", folder="data/maps")
    spec = desk.admit().spec
    writable = [(mount.source, mount.target) for mount in spec.mounts if mount.writable]
    granted = (str(tmp_path / "users/ann/data/maps"), "/home/ann/data/maps")
    assert writable == [granted, (str(tmp_path / "users/ann/avis/stars"), "/home/ann/avis/stars")]


def test_what_a_person_waits_for_weighs_as_much_as_all_jobs_of_another(desk):
    resources = desk.admit().spec.resources
    assert (resources.cpu, resources.weight) == (0.25, Gavip().quota["cpu"])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"release": "stars/1.0", "image": "evil"},
        {"release": "stars/1.0", "memory_mb": 1},
        {"release": ["stars", "1.0"]},
        {"release": {"avi": "stars"}},
        {"release": "stars"},
        {"release": "stars/1.0/x"},
        {"release": None},
        {"notebook": "default"},
        {"release": "secret/1.0"},
        {"release": "stars/../../etc"},
    ],
)
def test_options_that_name_anything_but_this_servers_release_are_refused(desk, options):
    with pytest.raises(BadRequest):
        desk.admit(options=options)
    assert desk.used() == 0


@pytest.mark.parametrize("release", ["stars/9", "stars/", "stars/1.0\n", "stars/' OR 1=1 --"])
def test_a_release_that_is_not_there_is_refused(desk, release):
    with pytest.raises(NotFound):
        desk.admit(options={"release": release})


def test_a_server_of_another_avis_name_is_refused(desk):
    with pytest.raises(BadRequest, match="is named stars"):
        desk.admit(name="galaxies")


def test_somebody_elses_private_release_is_refused(desk):
    with pytest.raises(NotFound):
        desk.admit(name="secret", options={"release": "secret/1.0"})
    assert desk.admit(owner="dora", name="secret", options={"release": "secret/1.0"})


@pytest.mark.parametrize("options", [{"notebook": "huge"}, {"image": "x"}, STARS, {"notebook": ["default"]}])
def test_a_notebook_server_is_one_of_the_operators_templates(desk, options):
    with pytest.raises(BadRequest):
        desk.admit(name="", options=options)


@pytest.mark.parametrize("options", [{}, {"notebook": "default"}])
def test_a_notebook_server_writes_in_its_users_space(desk, options, tmp_path):
    spec = desk.admit(name="", options=options).spec
    assert spec.kind is Kind.NOTEBOOK
    assert [mount.source for mount in spec.mounts if mount.writable] == [str(tmp_path / "users/ann")]


def test_a_refusal_for_a_users_own_folders_leaves_no_row(desk, tmp_path):
    desk.servers.close(desk.admit().ledger_id)
    (tmp_path / "users/ann/avis/stars").rmdir()
    (tmp_path / "users/ann/avis/stars").symlink_to("/etc")
    with pytest.raises(Unavailable):
        desk.admit()
    assert desk.used() == 0


def test_what_does_not_fit_is_refused_with_the_numbers(desk):
    desk.admit(owner="ann")
    desk.admit(owner="bob")
    with pytest.raises(NoRoom, match=r"2 open servers hold 1 of the platform's 1\.2 GB"):
        desk.admit(owner="carl")
    assert desk.used() == 1024


def test_a_server_that_ended_by_itself_says_why(desk):
    desk.servers.close(desk.admit(owner="ann").ledger_id, reason="It ran out of memory.")
    last = desk.events.events_since(owner="ann", after=0)[-1]
    assert (last.data["state"], last.data["reason"]) == ("failed", "It ran out of memory.")


def test_closing_is_by_id_and_may_be_repeated(desk):
    first, second = desk.admit(owner="ann"), desk.admit(owner="bob")
    desk.servers.close(first.ledger_id)
    desk.servers.close(first.ledger_id)
    desk.servers.close("none")
    assert [view.name for view in desk.servers.of(owner="bob")] == ["stars"]
    assert desk.used() == 512
    assert second.ledger_id in desk.servers.open_ids()


def test_a_row_that_a_crash_left_is_closed_by_the_next_start(desk):
    desk.admit()
    desk.admit()
    assert desk.used() == 512


def test_reconciling_closes_what_two_lists_miss_and_leaves_what_is_new(desk):
    old = desk.admit(owner="ann")
    desk.clock.advance(600)
    desk.admit(owner="bob")
    since = desk.clock.now() - timedelta(seconds=120)
    missed = desk.servers.reconcile({}, since=since)
    assert missed == {old.ledger_id} <= desk.servers.open_ids()
    assert desk.servers.reconcile({}, since=since, missed=missed) == set()
    assert old.ledger_id not in desk.servers.open_ids()
    assert [view.state for view in desk.servers.of(owner="bob")] == ["starting"]
    desk.servers.reconcile({("bob", "stars"): True}, since=desk.clock.now())
    assert [view.state for view in desk.servers.of(owner="bob")] == ["ready"]


def test_reconciling_closes_what_is_lost_in_one_act(desk):
    for owner in ("bob", "ann"):
        desk.admit(owner=owner)
        desk.clock.advance(600)
    missed = desk.servers.reconcile({}, since=desk.clock.now())
    with statements(desk.database) as made:
        desk.servers.reconcile({}, since=desk.clock.now(), missed=missed)
    assert desk.used() == 0
    assert sum(statement.startswith("UPDATE spending") for statement in made) == 1


async def test_a_server_that_slips_between_two_pages_of_the_hubs_list_stays(desk):
    row = desk.admit(owner="ann").ledger_id
    desk.clock.advance(600)
    opening = OpeningService(
        servers=desk.servers, reservations=desk.reservations, hub=None, in_thread=asyncio.to_thread
    )
    for known in ([], [listed("ann")], [], [listed("ann")]):
        await opening.reconcile(known, since=desk.clock.now())
    assert row in desk.servers.open_ids()
    for known in ([], []):
        await opening.reconcile(known, since=desk.clock.now())
    assert row not in desk.servers.open_ids()


def listed(owner):
    return HubServer(owner=owner, name="stars", ready=True, pending=None, started=None, last_activity=None)
