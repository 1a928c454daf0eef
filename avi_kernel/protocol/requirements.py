"""The file `requirements.txt`: what packages an AVI needs beside those of its image."""

import re
from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement

REQUIREMENTS_FILE = "requirements.txt"
LARGEST_REQUIREMENTS = 256 * 1024
MOST_REQUIREMENTS = 500
ACCEPTED = (
    "one package a line, as `astroquery` or `healpy>=1.17`, with `--hash=sha256:…` behind it where you like"
)
_COMMENT = re.compile(r"(^|\s)#.*$")
_HASH = re.compile(r"\s--hash[=\s]\s*(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})(?=\s|$)")


class RequirementProblem(ValueError):
    """A line that is no requirement."""

    def __init__(self, message: str, *, line: int) -> None:
        super().__init__(message)
        self.line = line


def read_requirements(text: str) -> list[str]:
    """Return the requirements of a file, one a string, as `name>=1 --hash=sha256:…`.

    Options, addresses and paths are refused: where packages come from is the platform's to choose, and what is in the
    AVI's own folder can be imported as it is.

    Raises
    ------
    RequirementProblem
        Naming the line, and what would be accepted.
    """
    found = [_requirement(line, number) for number, line in _lines(text)]
    if len(found) > MOST_REQUIREMENTS:
        raise RequirementProblem(f"at most {MOST_REQUIREMENTS} packages are accepted", line=1)
    return found


def package_of(requirement: str) -> Requirement:
    """Return the package that one of these strings names, without its hashes."""
    return Requirement(requirement.partition(" --hash=")[0])


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each logical line with its number: a backslash at the end goes on in the next one."""
    begun, start = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        start = start or number
        plain = _COMMENT.sub("", line).rstrip()
        begun += plain.removesuffix("\\")
        if plain.endswith("\\"):
            continue
        if begun.strip():
            yield start, begun.strip()
        begun, start = "", 0
    if begun.strip():
        yield start, begun.strip()


def _requirement(line: str, number: int) -> str:
    hashes = _HASH.findall(line)
    words = _HASH.sub("", line).strip()
    if words.startswith("-"):
        raise RequirementProblem(
            f"options such as {words.split()[0][:40]!r} are not read; accepted is {ACCEPTED}", line=number
        )
    try:
        requirement = Requirement(words)
    except (InvalidRequirement, RecursionError):
        raise RequirementProblem(
            f"{words[:80]!r} is no requirement; accepted is {ACCEPTED}", line=number
        ) from None
    if requirement.url:
        raise RequirementProblem(
            f"{requirement.name[:40]} is asked for by its address; accepted is {ACCEPTED}", line=number
        )
    return " ".join([str(requirement), *(f"--hash={one}" for one in hashes)])
