"""Policies are found by their entry points; an operator's choice outlives a restart."""

import pytest

from gavip_hub.domain.policies import FairShare, Fifo
from gavip_hub.exceptions import BadRequest
from gavip_hub.services.policies import SETTING, PolicyService, load_policy
from gavip_hub.storage import settings
from gavip_hub.testing import EPOCH, ManualClock


@pytest.fixture
def policies(database):
    return PolicyService(database=database, clock=ManualClock(), default="fair-share")


def test_the_settings_policy_is_in_force_until_another_is_chosen(policies):
    assert isinstance(policies.current(), FairShare)
    policies.choose("fifo", by="otto")
    assert isinstance(policies.current(), Fifo)


def test_a_choice_outlives_a_restart(policies, database):
    policies.choose("fifo", by="otto")
    again = PolicyService(database=database, clock=ManualClock(), default="fair-share")
    assert again.view().policy == "fifo"


def test_an_unknown_policy_is_refused_with_those_there_are(policies):
    with pytest.raises(BadRequest, match="installed: fair-share, fifo, smallest-first"):
        policies.choose("lottery", by="otto")
    assert policies.view().policy == "fair-share"


def test_a_choice_that_is_not_installed_any_more_stops_nothing(policies, database):
    with database.transaction() as session:
        settings.put(session, SETTING, "lottery", by="otto", at=EPOCH)
    assert isinstance(policies.current(), FairShare)


def test_a_plug_in_that_broke_stops_nothing(policies, monkeypatch):
    policies.choose("fifo", by="otto")

    def broken(name):
        if name == "fifo":
            raise ImportError("its module is gone")
        return load_policy(name)

    monkeypatch.setattr("gavip_hub.services.policies.load_policy", broken)
    assert isinstance(policies.current(), FairShare)


def test_wrong_settings_end_the_start(database):
    with pytest.raises(BadRequest, match="no policy 'lottery'"):
        PolicyService(database=database, clock=ManualClock(), default="lottery")


def test_a_policy_is_loaded_once():
    assert load_policy("fifo") is load_policy("fifo")
