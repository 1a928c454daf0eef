"""People who use the platform that the acceptance tests share."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.platform import Platform
from tests.support.told import Gavip, command_of


@pytest.fixture
def scientist(platform: Platform) -> Iterator[httpx.Client]:
    """A scientist's client of the REST interface."""
    with platform.client("scientist") as client:
        yield client


@pytest.fixture
def developer(platform: Platform) -> Iterator[httpx.Client]:
    """A developer's client of the REST interface."""
    with platform.client("developer") as client:
        yield client


@pytest.fixture
def gavip(platform: Platform, tmp_path: Path) -> Gavip:
    """The command, signed in as the scientist."""
    return command_of(platform, "scientist", tmp_path / "command")
