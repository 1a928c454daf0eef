"""What long tests tell at the end of a session: how far they went, from which seed, in what time."""

import os
import random
from collections.abc import Callable

import pytest

LINES = pytest.StashKey[list[str]]()


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes a line for the end of the session."""
    return request.config.stash.setdefault(LINES, []).append


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """Of all that is random; `GAVIP_SEED` repeats an earlier one. It is told also where the test fails."""
    drawn = int(os.environ.get("GAVIP_SEED", random.SystemRandom().randrange(10**9)))
    request.config.stash.setdefault(LINES, []).append(f"seed: {drawn} (GAVIP_SEED={drawn} repeats it)")
    return drawn


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """Print the lines."""
    for line in config.stash.get(LINES, []):
        terminalreporter.write_line(line)
