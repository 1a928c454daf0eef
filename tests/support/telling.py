"""What long tests tell at the end of a session: how far they went, from which seed, in what time."""

import os
import random
from collections.abc import Callable
from typing import Any

import pytest

LINES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes a line for the end of the session."""
    return request.config.stash.setdefault(LINES, []).append


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """Of all that is random; `GAVIP_SEED` repeats an earlier one. It is told also where the test fails."""
    drawn = int(os.environ.get("GAVIP_SEED", random.SystemRandom().randrange(10**9)))
    request.config.stash.setdefault(LINES, []).append(f"seed: {drawn} (GAVIP_SEED={drawn} repeats it)")
    return drawn


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the lines over, where this is one of several processes that test."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["told"] = session.config.stash.get(LINES, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what such a process had to tell."""
    told = getattr(node, "workeroutput", {}).get("told", [])
    node.config.stash.setdefault(LINES, []).extend(told)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """Print the lines."""
    for line in config.stash.get(LINES, []):
        terminalreporter.write_line(line)
