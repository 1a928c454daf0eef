"""Names that no honest person gives, and things that a box's code puts among its user's files."""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TAKEN = {
    "<img src=x onerror=alert(1)>.csv": "is a page where a name is put into one unescaped",
    '"onmouseover="alert(1)" x=".txt': "ends an attribute",
    "'-alert(1)-'.txt": "ends a word of a script",
    "{{ 7*7 }}${7*7}<%= 7 %>.txt": "is a template",
    "&lt;script&gt;&#60;b&#62;.txt": "is escaped already",
    "javascript:alert(1)": "is an address that runs",
    "data:text,<b>": "is an address",
    'a";filename=b.html;x=".txt': "is a part of a header",
    "a?b=c&path=d#e+f%20;g.txt": "is a part of an address",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd": "steps up where it is decoded twice",
    "%00.html": "is cut where it is decoded twice",
    "a\\..\\..\\up.txt": "steps up where a backslash separates folders",
    "C:up.txt": "is another drive's",
    "-rf.txt": "is an option",
    "--help": "is an option",
    "=1+1.csv": "is a formula",
    "CON.csv": "is a device elsewhere",
    "ends with a dot.": "is another name elsewhere",
    "ends with a blank ": "is another name elsewhere",
    "a..": "looks like a step up",
    "e" + "\u0301" * 100 + ".txt": "is higher than a line",
    "w" * 251 + ".txt": "is as long as a name can be",
    "\u00fc" * 125 + ".fits": "is as long as a name can be, in bytes",
    "\u05d0\u05d1\u05d2 abc \u05d3.txt": "is read from the right",
    "\U0001f52d \u65e5\u672c\u8a9e \ufe0f.txt": "is beyond what many fonts have",
}
"""Names that are kept and shown, and why each is hostile."""
REFUSED = {
    "exe.\u202egnp": "is read in another order",
    "iso\u2066late.txt": "is read in another order",
    "mark\u200f.txt": "turns the order",
    "zero\u200bwidth.txt": "looks like another name",
    "\ufeffbom.txt": "looks like another name",
    "soft\u00adhyphen.txt": "looks like another name",
    "no\u00a0break.txt": "looks like another name",
    "line\u2028end.txt": "ends a line of a script",
    "new\nline.txt": "ends a line",
    "carriage\rreturn.txt": "ends a line of a header",
    "tab\there.txt": "is two cells of a table",
    "\x1b]0;owned\x07.txt": "is what terminals obey",
    "bell\x7f.txt": "is what terminals obey",
    "..\\..\\up.txt": "is hidden, and steps up where a backslash separates folders",
    ".hidden": "is hidden, and a notebook server may run it",
    "tag\U000e0041.txt": "has letters that nobody sees",
    "private\ue000.txt": "is a sign of nobody's",
    "w" * 256: "is longer than a name can be",
}
"""Names that are neither taken nor shown where a box made them, and why."""
NOWHERE = (
    "",
    "/",
    "..",
    "../developer/secret.txt",
    "hostile/../../developer/secret.txt",
    "/etc/passwd",
    "./../../../../../../etc/passwd",
    "nul\0l.txt",
    "hostile/page.html\0.txt",
    "..\\..\\secret.txt",
    "~/secret.txt",
    "file:///etc/passwd",
    "jobs/none/x.txt",
    "shared/x.txt",
    "shared/../../developer/secret.txt",
    "/".join("a" * 40),
    "x" * 5000,
)
"""Paths that lead to no file of theirs."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """A thing that no upload brings: a box's code makes it, as its user."""

    name: str
    why: str
    make: Callable[[Path], object]


def _socket(path: Path) -> None:
    here = os.open(path.parent, os.O_PATH)
    try:  # a socket's address is short, and its folder may not be
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(f"/proc/self/fd/{here}/{path.name}")
    finally:
        os.close(here)


def _device(path: Path) -> None:
    with suppress(PermissionError):
        os.mknod(path, 0o20666, os.makedev(1, 5))


def _deep(path: Path) -> None:
    path.joinpath(*"d" * 60).mkdir(parents=True)


def made(secret: Path) -> tuple[Made, ...]:
    """Return such things.

    Parameters
    ----------
    secret
        A file of somebody else's.
    """

    def link(to: str | Path) -> Callable[[Path], object]:
        return lambda path: path.symlink_to(to)

    return (
        Made(name="loop", why="is a link to itself", make=link("loop")),
        Made(name="round", why="is a link to the folder in which it lies", make=link(".")),
        Made(name="passwd.txt", why="is a link to a file of the machine", make=link("/etc/passwd")),
        Made(name="secret.txt", why="is a link to a file of somebody else's", make=link(secret)),
        Made(
            name="up.csv",
            why="is such a link by steps up",
            make=link(Path("../..") / secret.parent.name / secret.name),
        ),
        Made(name="dangling", why="is a link to nothing", make=link("nothing")),
        Made(name="root", why="is a link to the folder of all", make=link("/")),
        Made(name="others", why="is a link to somebody else's folder", make=link(secret.parent)),
        Made(name="chain.png", why="is a link to a link", make=link("secret.txt")),
        Made(name="own.fits", why="is a link to what runs", make=link("/proc/self/environ")),
        Made(name="pipe.csv", why="is a pipe that nobody writes: who opens it waits", make=os.mkfifo),
        Made(name="socket.txt", why="is a socket", make=_socket),
        Made(name="zeros.csv", why="is a device without end, where the box may make one", make=_device),
        Made(name="deep", why="lies 60 folders deep", make=_deep),
    )


FAR = (2**40, -(2**40))
"""Times of files, in seconds, that are no dates."""
