"""What tests of the interface server share."""

import socket
from collections.abc import Callable

import pytest


@pytest.fixture
def free_address() -> Callable[[], int]:
    """Give ports of loopback that are free now."""

    def port() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return port
