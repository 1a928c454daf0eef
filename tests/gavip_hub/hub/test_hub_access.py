"""Which scopes roles and tokens carry."""

import re

import pytest

from gavip_hub.hub import access
from gavip_hub.hub_setup import USER_NAME


def custom(scopes: list[str]) -> set[str]:
    return {scope for scope in scopes if scope.startswith("custom:")}


def test_every_custom_scope_in_use_is_defined() -> None:
    used = {scope for scopes in access.ROLE_SCOPES.values() for scope in custom(scopes)}
    used |= custom(access.PORTAL_SCOPES) | custom(access.INTERFACE_SCOPES) | custom(access.NOTEBOOK_SCOPES)
    assert {scope.partition("!")[0] for scope in used} == set(access.CUSTOM_SCOPES)


@pytest.mark.parametrize("role", ["developer", "scientist", "outreach", "anonymous"])
def test_only_operators_reach_other_peoples_things(role: str) -> None:
    unfiltered = {scope for scope in access.ROLE_SCOPES[role] if "!" not in scope}
    assert unfiltered == {"custom:gavip:read:avis"}


def test_the_service_can_list_and_stop_servers_and_read_groups_and_nothing_more() -> None:
    [service] = [role for role in access.roles({}) if role.get("services") == [access.SERVICE]]
    assert service["scopes"] == ["list:users", "read:groups", "read:servers", "delete:servers"]


def test_the_token_of_an_interface_is_bound_to_its_server() -> None:
    mine = {"users:activity!user", access._SERVICE_ACCESS}  # what it says of itself
    others = {scope for scope in access.server_token_scopes("hr") if not scope.endswith("!server")}
    assert {scope for scope in others if not scope.startswith("read:")} == mine
    assert custom(access.server_token_scopes("hr")) <= {
        f"custom:gavip:{action}:jobs!server" for action in ("read", "submit", "cancel")
    }


def test_an_unknown_role_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="wizard"):
        access.roles({"ann": "wizard"})


@pytest.mark.parametrize("name", ["ann", "ann-b", "a1", "a" * 40])
def test_names_that_make_a_host(name: str) -> None:
    assert re.match(USER_NAME, name)


@pytest.mark.parametrize("name", ["hr--ann", "-ann", "ann-", "Ann", "a" * 41, "ann.b", "ann\n", "1ann", ""])
def test_names_that_could_be_taken_for_another_origin_are_refused(name: str) -> None:
    assert not re.match(USER_NAME, name)
