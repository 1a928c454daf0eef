import pytest

from gavip_hub.domain.identity import is_operator, profile_of
from gavip_hub.exceptions import Forbidden

READ = "custom:gavip:read:jobs"


def of(*scopes, **more):
    return profile_of({"kind": "user", "name": "ann", "scopes": list(scopes), **more})


def test_a_scope_counts_plain_or_with_its_owners_filter():
    assert of(READ).scopes == of(f"{READ}!user=ann").scopes == [READ]


@pytest.mark.parametrize("scope", [f"{READ}!user=bob", f"{READ}!server=bob/stars", "read:users", f"{READ}:x"])
def test_scopes_for_somebody_elses_things_and_of_the_hub_do_not_count(scope):
    assert of(scope).scopes == []


def test_scopes_of_one_server_bind_a_token_to_its_avi():
    found = of(f"{READ}!server=ann/stars", "access:servers!server=ann/stars")
    assert (found.avi, found.scopes) == ("stars", [READ])


def test_scopes_of_two_servers_open_neither():
    found = of(f"{READ}!server=ann/stars", f"{READ}!server=ann/galaxies")
    assert (found.avi, found.scopes) == (None, [])


def test_a_notebook_servers_token_is_bound_to_no_avi():
    assert of(f"{READ}!server=ann/").avi is None


def test_a_broad_scope_is_not_narrowed_nor_widened_by_a_servers():
    found = of(READ, "custom:gavip:submit:jobs!server=ann/stars")
    assert (found.avi, found.scopes) == (None, [READ])


def test_a_service_is_nobody():
    with pytest.raises(Forbidden):
        profile_of({"kind": "service", "name": "robot", "scopes": [READ]})


def test_roles_are_told_by_the_scopes_where_the_token_may_not_read_them():
    assert of("custom:gavip:publish:releases!user=ann").roles == ["developer"]
    assert of(READ, roles=["user", "scientist"]).roles == ["scientist"]


def test_an_operators_interface_is_no_operator():
    assert is_operator(of("custom:gavip:admin:platform"))
    assert not is_operator(of("custom:gavip:admin:platform!server=ann/stars"))
