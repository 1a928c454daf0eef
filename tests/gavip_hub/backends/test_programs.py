"""What an image promises and this machine lacks is said, with what helps."""

from pathlib import Path

import pytest

from gavip_hub.backends import programs
from gavip_hub.config import Gavip, load_config


@pytest.fixture
def config(tmp_path: Path) -> Gavip:
    return load_config(tmp_path)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any program."""
    monkeypatch.setattr(programs, "own_path", lambda: str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def installed(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch(mode=0o755)


def test_an_avi_in_java_is_told_what_the_machine_lacks_and_what_its_operator_does(
    config: Gavip, bare: Path
) -> None:
    assert programs.lacking(config, "avi-java") == (
        "It is made for the image avi-java, and this platform, whose boxes are processes of its machine, has no java, "
        "no javac. Ask its operator: apt-get install openjdk-17-jdk-headless; or containers: gavip up --docker"
    )


def test_what_is_there_is_not_named(config: Gavip, bare: Path) -> None:
    installed(bare, "gfortran", "ninja")
    assert "has no meson. Ask its operator" in programs.lacking(config, "avi-fortran")
    installed(bare, "meson")
    assert programs.lacking(config, "avi-fortran") == ""


@pytest.mark.parametrize("image", ["avi-python", "notebook", "a-sites-own"])
def test_an_image_that_promises_no_programs_lacks_none(config: Gavip, bare: Path, image: str) -> None:
    assert programs.lacking(config, image) == ""


def test_containers_have_what_their_image_has(config: Gavip, bare: Path) -> None:
    config.backend = "docker"
    assert programs.lacking(config, "avi-java") == ""
