"""Images keep what the backends rely on: seen in the Dockerfiles where it can be, tried in the images for the rest."""

import re
from pathlib import Path

import pytest

from scripts import image_smoke
from tests.support.needs import missing, need_program

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDERS = sorted(path.parent for path in CHECKOUT.glob("images/*/Dockerfile"))
LOCKS = sorted(CHECKOUT.glob("locks/images/*.txt"))
BOX = '["/opt/gavip/bin/python", "-I", "-S", "/opt/gavip/box/init.py"]'
NOBODY = "65534:65534"


def steps(folder: Path) -> list[str]:
    """Return the steps that make the image itself: those of the last stage."""
    text = re.sub(r"\\\n\s*(#.*\n\s*)*", "", (folder / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    begins = max(i for i, line in enumerate(lines) if line.startswith("FROM"))
    return lines[begins:]


def locked(file: Path) -> dict[str, set[str]]:
    """Return the versions that a lock names of each package."""
    versions: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9.-]+)==(\S+)", file.read_text(), re.MULTILINE):
        versions.setdefault(name, set()).add(version)
    return versions


def needed(name: str) -> None:
    need_program("docker", "scripts/engine")
    if not image_smoke.present(name):
        missing(f"the image {image_smoke.tag(name)}", f"scripts/images {name}")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_an_image_says_what_it_is_and_runs_as_nobody(folder: Path) -> None:
    image = steps(folder)
    assert image[0] == "FROM ${BASE}"
    assert [line for line in image if line.startswith("USER")][-1:] in (
        [],
        [f"USER {NOBODY}"],
    ) or folder.name == "tools"
    assert f'org.opencontainers.image.title="gavip/{folder.name}"' in image[-1]
    for label in ("version", "revision", "source"):
        assert f'image.{label}="${{{label.upper()}}}"' in image[-1]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_step_that_installs_leaves_nothing_behind(folder: Path) -> None:
    for step in steps(folder):
        if "apt-get install" in step and folder.name != "tools":
            assert "rm -rf /var/lib/apt/lists/*" in step
            assert "-perm /6000 -exec chmod a-s" in step
    for command in re.findall(r"pip install(?:[^&]|\n)+", (folder / "Dockerfile").read_text()):
        assert "--require-hashes" in command or "/build/wheels/" in command


def test_boxes_begin_with_the_platforms_own_program() -> None:
    starts = {
        folder.name: [line for line in steps(folder) if line.startswith("ENTRYPOINT")] for folder in FOLDERS
    }
    assert starts["avi-python"] == [f"ENTRYPOINT {BOX}"]
    assert not any(starts[name] for name in ("avi-java", "avi-fortran", "notebook")), "they inherit it"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_an_image_has_the_platforms_own_versions(lock: Path) -> None:
    platform = locked(CHECKOUT / "locks" / "runtime.txt")
    differing = {
        name: found for name, found in locked(lock).items() if not found <= platform.get(name, found)
    }
    assert not differing
    assert "rfc3987-syntax" not in locked(lock)


@pytest.mark.docker
@pytest.mark.timeout(900)
def test_the_image_of_avis_does_what_it_promises() -> None:
    needed("avi-python")
    image_smoke.smoke("avi-python")


@pytest.mark.docker
@pytest.mark.acceptance
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", [name for name in image_smoke.NAMES if name != "avi-python"])
def test_each_image_does_what_it_promises(name: str) -> None:
    needed(name)
    image_smoke.smoke(name)
