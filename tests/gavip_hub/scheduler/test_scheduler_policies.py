"""Policies are found by their entry points."""

import pytest

from gavip_hub.domain.policy import Fifo
from gavip_hub.exceptions import BadRequest
from gavip_hub.scheduler.policies import load_policy


def test_the_default_policy_is_installed():
    assert isinstance(load_policy("fifo"), Fifo)


def test_an_unknown_policy_is_refused_with_those_there_are():
    with pytest.raises(BadRequest, match="installed: fifo"):
        load_policy("lottery")
