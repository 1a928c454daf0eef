"""The running service for tests of its web interface."""

import pytest

from tests.support.service import pages_of, running_service


@pytest.fixture
async def service(tmp_path):
    async with running_service(tmp_path / "root") as running:
        yield running


@pytest.fixture
async def ann(service):
    async with service.client("ann-token") as client:
        yield client


@pytest.fixture
async def bob(service):
    async with service.client("bob-token") as client:
        yield client


@pytest.fixture
async def portal(service):
    """Pages as the developer gets them."""
    async with pages_of(service, "dora-token") as client:
        yield client
