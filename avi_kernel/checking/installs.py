"""The mark on installing: whether the folder is an AVI, and this environment has the packages that it asks for."""

from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from avi_kernel.protocol.scorecard import Mark

REQUIREMENTS = "requirements.txt"
_LARGEST = 256 * 1024


def installs(folder: Path) -> Mark:
    """Return the mark for a folder that was read as an AVI."""
    file = folder / REQUIREMENTS
    if not file.exists():
        return Mark(
            key="installs", state="passed", sentence="The folder is an AVI; it asks for no further packages."
        )
    if file.is_symlink() or not file.is_file() or file.stat().st_size > _LARGEST:
        return _bad(f"{REQUIREMENTS} is no plain file of at most {_LARGEST // 1024} kB.", "Make it one.")
    try:
        wanted = _wanted(file.read_text("utf-8"))
    except (InvalidRequirement, UnicodeDecodeError) as error:
        return _bad(
            f"{REQUIREMENTS} cannot be read: {error}", "Write one package a line, such as astropy>=6."
        )
    missing = [str(each) for each in wanted if not _is_there(each)]
    if missing:
        return _bad(
            f"{REQUIREMENTS} asks for what is not installed here: {', '.join(missing[:8])}.",
            f"Install them before the check: pip install -r {REQUIREMENTS}",
        )
    return Mark(
        key="installs",
        state="passed",
        sentence=f"The folder is an AVI, and all of its {len(wanted)} packages are installed.",
    )


def _wanted(text: str) -> list[Requirement]:
    """Return the packages that are named, with this system's markers heeded; options of pip are passed over."""
    lines = [line.split(" #")[0].split(" --")[0].strip().rstrip("\\").strip() for line in text.splitlines()]
    named = [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]
    return [each for each in named if each.marker is None or each.marker.evaluate()]


def _is_there(wanted: Requirement) -> bool:
    try:
        return wanted.specifier.contains(metadata.version(wanted.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return False


def _bad(sentence: str, change: str) -> Mark:
    return Mark(key="installs", state="failed", sentence=sentence, change=change)
