"""The command in a home of its own, run in the tests' own process."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from avi_kernel.cli import main

Types = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of the person's who runs the tests is read or written."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    for name in ("GAVIP_URL", "GAVIP_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def types(home: Path) -> Types:
    """What somebody types after `gavip`."""

    def typed(*arguments: str, **options: object) -> Result:
        return CliRunner().invoke(main.gavip, arguments, prog_name="gavip", **options)

    return typed
