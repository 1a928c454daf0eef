"""Which files of an AVI's folder are its source: an environment of a developer's, or a folder of data, is none."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from avi_kernel.protocol.layout import MANIFEST_FILE, NO_PART_OF_AN_AVI

MOST_FILES = 2000
"""Source files that are looked at; those of a folder come before those of the folders in it."""
MOST_ENTRIES = 20_000
"""What is looked at to find them: folders of data have very many files."""
_NO_SOURCE = NO_PART_OF_AN_AVI | {"results", "node_modules"}
_SUFFIXES = (".ipynb", ".py")


def source_files(folder: Path) -> Iterator[Path]:
    """Yield the notebooks and modules of an AVI's folder and its manifest; links to other folders are not followed."""
    return islice(_source_files(folder), MOST_FILES)


def joined(files: Iterable[Path]) -> str:
    """Return files as one text, to look for the names of libraries in."""
    texts = []
    for path in files:
        with suppress(OSError):  # it has just gone
            texts.append(path.read_text(errors="replace"))
    return "\n".join(texts)


def _source_files(folder: Path) -> Iterator[Path]:
    waiting, left = deque([folder]), MOST_ENTRIES
    while waiting and left > 0:
        entries = _entries(waiting.popleft(), left)
        left -= len(entries)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if _may_hold_source(entry):
                    waiting.append(Path(entry))
            elif entry.name.endswith(_SUFFIXES) or entry.name == MANIFEST_FILE:
                yield Path(entry)


def _entries(place: Path, most: int) -> "list[os.DirEntry[str]]":
    try:
        with os.scandir(place) as entries:
            return sorted(islice(entries, most), key=lambda entry: entry.name)
    except OSError:  # it has just gone, or is not ours to read
        return []


def _may_hold_source(folder: "os.DirEntry[str]") -> bool:
    return folder.name not in _NO_SOURCE and not Path(folder, "pyvenv.cfg").exists()
