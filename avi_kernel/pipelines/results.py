"""The files that a job leaves: their names made safe, described by type, size, hash and title."""

import hashlib
import json
import mimetypes
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from avi_kernel.protocol.runs import ResultEntry

MOST_RESULTS = 1000
_LONGEST_NAME = 100
_LONGEST_TITLE = 300
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_MEDIA_TYPES = {
    ".vot": "application/x-votable+xml",
    ".votable": "application/x-votable+xml",
    ".fits": "application/fits",
    ".fit": "application/fits",
    ".parquet": "application/vnd.apache.parquet",
    ".ecsv": "text/x-ecsv",
    ".ipynb": "application/x-ipynb+json",
    ".npy": "application/x-npy",
    ".npz": "application/x-npz",
    ".hdf5": "application/x-hdf5",
    ".h5": "application/x-hdf5",
    ".log": "text/plain",
    ".md": "text/markdown",
    ".csv": "text/csv",
    ".json": "application/json",
}


def media_type(name: str) -> str:
    """Return the media type that a file's extension stands for."""
    known = _MEDIA_TYPES.get(Path(name).suffix.lower())
    return known or mimetypes.guess_type(name)[0] or "application/octet-stream"


def read_titles(file: Path) -> dict[str, str]:
    """Return name -> title, as `avi_kernel.pipelines.result` noted them; a broken line is passed over."""
    titles: dict[str, str] = {}
    for line in file.read_text("utf-8", "replace").splitlines() if file.is_file() else ():
        try:
            name, title = json.loads(line)
        except (ValueError, TypeError):
            continue
        titles[str(name)] = str(title)[:_LONGEST_TITLE]
    return titles


def describe_results(folder: Path, titles: dict[str, str]) -> list[ResultEntry]:
    """List a results folder, after bringing every file in it to a name of its own at the top.

    The platform serves plain files with plain names and follows no link, so links become copies, and
    `plots/a b.png` becomes `plots_a_b.png`.
    """
    if not folder.is_dir():
        return []
    _flatten(folder)
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return [_entry(path, titles.get(path.name, "")) for path in files[:MOST_RESULTS]]


def _entry(path: Path, title: str) -> ResultEntry:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ResultEntry(
        name=path.name, title=title, media_type=media_type(path.name), size=path.stat().st_size, sha256=digest
    )


def _flatten(folder: Path) -> None:
    for path in list(_odd_files(folder)):
        if path.is_symlink():
            copy = path.with_name(f".{path.name}.copy")
            shutil.copyfile(path, copy)
            copy.replace(path)
        if path.parent != folder or path.name != safe_name(path.name):
            path.rename(folder / free_name(folder, "_".join(path.relative_to(folder).parts)))


def _odd_files(folder: Path) -> Iterator[Path]:
    """Yield files that the platform would not serve as they are; what is hidden stays hidden."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        plain = len(parts) == 1 and not path.is_symlink() and path.name == safe_name(path.name)
        if path.is_file() and not plain and not any(part.startswith(".") for part in parts):
            yield path


def safe_name(name: str) -> str:
    """Return a name that the platform accepts for a result, as near to this one as can be."""
    plain = _UNSAFE.sub("_", name).lstrip("._-") or "result"
    if len(plain) <= _LONGEST_NAME:
        return plain
    suffix = Path(plain).suffix[:20]
    return plain[: _LONGEST_NAME - len(suffix)] + suffix


def free_name(folder: Path, name: str) -> str:
    """Return a safe name that no file of this folder has."""
    plain = safe_name(name)
    stem, suffix = Path(plain).stem[:80], Path(plain).suffix[:15]
    candidates = (plain, *(f"{stem}-{number}{suffix}" for number in range(2, MOST_RESULTS)))
    return next(candidate for candidate in candidates if not (folder / candidate).exists())
