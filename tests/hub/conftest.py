"""AVIs for the tests of the Hub."""

from pathlib import Path

import pytest

from tests.support.avis import notebook
from tests.support.platform import Platform


@pytest.fixture(scope="session")
def hello(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A public AVI with a small interface."""
    return _publish(platform, tmp_path_factory.mktemp("hello"), "hello")


@pytest.fixture(scope="session")
def other(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A second one."""
    return _publish(platform, tmp_path_factory.mktemp("other"), "other")


@pytest.fixture(scope="session")
def private(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> str:
    """One that only the operator may run."""
    return _publish(platform, tmp_path_factory.mktemp("private"), "private", visibility="private")


def _publish(platform: Platform, folder: Path, avi: str, *, visibility: str = "public") -> str:
    (folder / "app.ipynb").write_text(notebook("print('hello', 6 * 7)"))
    platform.publish(folder, avi, visibility=visibility)
    return avi
