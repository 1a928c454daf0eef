"""People who use the platform that the acceptance tests share."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.platform import Platform


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
