"""What lies in one open folder: names of its folders and files, each with the number that decides its place in the list."""

import os
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from signal import SIGKILL
from threading import Lock
from typing import IO

from gavip_hub.domain.userpaths import is_plain
from gavip_hub.storage.patience import end, patient

MANY = 1000
"""Entries for which it is quicker to start `find` than to ask for one after the other."""
MOST_SEEN = 50_000
"""Entries of a folder that are looked at, hidden ones among them: there may be no end of them."""
MOST_SECONDS = 10.0
Numbers = dict[str, int]
"""Name -> number; no list of pairs, since ten thousand objects at once have the interpreter look for garbage, while all else waits."""
Entries = list[os.DirEntry[str]]
"""What the system told beside names."""
_TOLD = {"size": "%s", "modified": "%T@"}
_ASKED = {"size": attrgetter("st_size"), "modified": attrgetter("st_mtime_ns")}
_FIELDS = 3
_PIECE = 64 * 1024
_ASKING = Lock()
"""Whose turn it is to ask for thousands of statuses: each lets go of the interpreter for two microseconds, and two threads that do so
wake one another at every one, which took four times as long as one after the other."""


@dataclass(frozen=True, kw_only=True)
class FolderNames:
    """Plain names in a folder; links, pipes and devices are left out."""

    folders: Numbers
    files: Numbers
    more: bool
    """Whether there is more than is looked at."""


def names_in(folder: int, by: str = "name") -> FolderNames:
    """Return what lies in a folder, by bytes or by when it was modified, in parts of a second; by name all numbers are 0.

    Of thousands of files, a program of the system tells: each status that this process asks for lets go of the interpreter for
    two microseconds, ten thousand of them keep every other page waiting, and `find` tells as many in less time while others compute.

    Parameters
    ----------
    folder
        A folder that is open; no link in it is followed.
    by
        `name`, `size` or `modified`.
    """
    if by != "name" and _are_many(folder) and (told := _told(folder, by)):
        return told
    folders, files, more = _entries(folder)
    return FolderNames(folders=_numbers(folders, by), files=_numbers(files, by), more=more)


def _are_many(folder: int) -> bool:
    with os.scandir(folder) as listed:
        return next(islice(listed, MANY, None), None) is not None


def _entries(folder: int) -> tuple[Entries, Entries, bool]:
    """Return the folders in a folder, its files, and whether there are more than are looked at; to be asked while it is open."""
    folders: Entries = []
    files: Entries = []
    with os.scandir(folder) as listed:
        for entry in islice(listed, MOST_SEEN):
            if is_plain(entry.name):
                try:
                    if entry.is_file(follow_symlinks=False):
                        files.append(entry)
                    elif entry.is_dir(follow_symlinks=False):
                        folders.append(entry)
                except OSError:  # gone since it was seen
                    continue
        return folders, files, next(listed, None) is not None


def _numbers(entries: Entries, by: str) -> Numbers:
    if by == "name":
        return dict.fromkeys([entry.name for entry in entries], 0)
    found: Numbers = {}
    with _ASKING:
        for entry in entries:
            with suppress(OSError):  # gone since it was seen
                found[entry.name] = _ASKED[by](entry.stat(follow_symlinks=False))
    return found


def _told(folder: int, by: str) -> FolderNames | None:
    """Return what `find` tells; None where the machine has none, or it took too long."""
    call = ["find", f"/proc/self/fd/{folder}/", "-mindepth", "1", "-maxdepth", "1"]
    call += ["-printf", f"{_TOLD[by]}\\0%y\\0%f\\0"]
    try:
        # It ends with an error where something went meanwhile, and tells of all else.
        finding = subprocess.Popen(
            call,
            pass_fds=(folder,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            process_group=0,
            env={"PATH": os.defpath, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        return None
    with finding:
        content, more = _read(patient(finding, seconds=MOST_SECONDS))
        if more:
            end(finding)
    return None if finding.returncode == -SIGKILL and not more else _parsed(content, more)


def _read(told: IO[bytes]) -> tuple[bytes, bool]:
    """Return what is told of no more than is looked at, and whether more was: strangers fill folders without end."""
    pieces: list[bytes] = []
    ends = 0
    while piece := told.read(_PIECE):
        pieces.append(piece)
        ends += piece.count(b"\0")
        if ends > _FIELDS * MOST_SEEN:
            return b"".join(pieces), True
    return b"".join(pieces), False


def _parsed(content: bytes, more: bool) -> FolderNames:
    fields = os.fsdecode(content).split("\0", _FIELDS * MOST_SEEN)[:-1]
    numbers, kinds, names = (fields[place::_FIELDS] for place in range(_FIELDS))
    found: dict[str, Numbers] = {"d": {}, "f": {}}
    # Times come with the parts of a second behind a point; all at once is the quickest way to be rid of it.
    whole = "\0".join(numbers).replace(".", "").split("\0") if numbers else []
    for kind, name, number in zip(kinds, names, map(int, whole), strict=False):
        if kind in found and is_plain(name):
            found[kind][name] = number
    return FolderNames(folders=found["d"], files=found["f"], more=more)
