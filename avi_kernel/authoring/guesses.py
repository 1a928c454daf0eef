"""What a notebook's own text tells of its parameters: types by their values, units by their comments, limits by their names."""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from avi_kernel.protocol.base import NAME_PATTERN
from avi_kernel.protocol.declared import TAG

Plain = int | float | str | bool
UNITS = frozenset(
    [
        "deg",
        "arcmin",
        "arcsec",
        "mas",
        "uas",
        "rad",
        "hourangle",
        "pc",
        "kpc",
        "Mpc",
        "au",
        "km",
        "m",
        "cm",
        "mm",
        "um",
        "nm",
        "Angstrom",
        "mag",
        "K",
        "keV",
        "eV",
        "GHz",
        "MHz",
        "Hz",
        "Jy",
        "mJy",
        "yr",
        "Myr",
        "Gyr",
        "d",
        "day",
        "h",
        "min",
        "s",
        "ms",
        "km/s",
        "m/s",
        "mas/yr",
        "arcsec/yr",
        "solMass",
        "solRad",
        "solLum",
        "dex",
        "%",
        "px",
        "pixel",
        "pix",
    ]
)
_IN_BRACKETS = re.compile(r"[\[(]\s*([^\[\]()]{1,20}?)\s*[\])]")
_AFTER_IN = re.compile(r"\bin ([A-Za-z%/]{1,20})\b")
_ANGLES: dict[str, tuple[float, float]] = {
    "ra": (0, 360),
    "lon": (0, 360),
    "glon": (0, 360),
    "l_deg": (0, 360),
    "dec": (-90, 90),
    "lat": (-90, 90),
    "glat": (-90, 90),
    "b_deg": (-90, 90),
}
_ROOM = 10
"""Times the value that an author wrote: what a form takes at most, until the author says better."""


@dataclass(frozen=True, kw_only=True)
class Guess:
    """One parameter, as a notebook's text has it."""

    name: str
    value: Plain
    help: str = ""
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None

    @property
    def kind(self) -> str:
        """Return the word for its type in Python."""
        return type(self.value).__name__


@dataclass(frozen=True, kw_only=True)
class Guessed:
    """A cell of which a part became parameters."""

    parameters: tuple[Guess, ...]
    imports: str
    """Lines of the cell that no parameters are: they go to a cell behind it."""
    left: tuple[str, ...] = ()
    """Names that are given what no form can ask for."""


def guessed(source: str) -> Guessed | None:
    """Return what a cell gives names to; None where it computes, or gives none a plain value.

    Parameters
    ----------
    source
        Of a code cell.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None  # magic commands, above all
    comments = _comments(source)
    parameters: dict[str, Guess] = {}
    rest: list[str] = []
    left: list[str] = []
    for node in tree.body:
        name, value = _given(node)
        if name and isinstance(value, Plain) and re.match(NAME_PATTERN, name):
            parameters[name] = _guess(name, value, comments.get(node.end_lineno or node.lineno, ""))
        elif name is not None or isinstance(node, ast.Import | ast.ImportFrom) or _is_text(node):
            rest.append(ast.get_source_segment(source, node) or "")
            left += [name] if name else []
        else:
            return None
    if not parameters:
        return None
    return Guessed(parameters=tuple(parameters.values()), imports="\n".join(rest), left=tuple(left))


def _given(node: ast.stmt) -> tuple[str | None, object]:
    """Return the name that a statement gives a value, and the value where it is written out."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            pass
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            pass
        case _:
            return None, None
    try:
        return name, ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return name, None


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _comments(source: str) -> dict[int, str]:
    """Return line -> the comment at its end, where the line has no hash but that one."""
    found = {}
    for number, line in enumerate(source.splitlines(), start=1):
        code, hash_sign, comment = line.partition("#")
        if hash_sign and code.strip() and not ("'" in comment or '"' in comment):
            found[number] = comment.strip()
    return found


def _guess(name: str, value: Plain, comment: str) -> Guess:
    minimum, maximum = _limits(name, value)
    unit = _unit(comment) if isinstance(value, int | float) and not isinstance(value, bool) else ""
    told = _sentence(comment, unit)
    return Guess(name=name, value=value, help=told, unit=unit, minimum=minimum, maximum=maximum)


def _sentence(comment: str, unit: str) -> str:
    """Return a comment as a form shows it, without the unit that stands beside the field."""
    text = " ".join(comment.replace(f"[{unit}]", "").replace(f"({unit})", "").split()) if unit else comment
    text = text.replace(" ,", ",").strip(" ,;:")
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '?', '!')) else '.'}" if text else ""


def _unit(comment: str) -> str:
    """Return the unit that a comment names: in brackets, or after `in`."""
    words: Sequence[str] = [*_IN_BRACKETS.findall(comment), *_AFTER_IN.findall(comment)]
    return next((word for word in words if word in UNITS), "")


def _limits(name: str, value: Plain) -> tuple[float | None, float | None]:
    """Return between which numbers a form should let one choose, as far as anything tells."""
    if isinstance(value, bool | str):
        return None, None
    for word, (low, high) in _ANGLES.items():
        if (name.lower() == word or name.lower().startswith(f"{word}_")) and low <= value <= high:
            return low, high
    return (0, _ROOM * value) if value > 0 else (None, None)


def is_tagged(cell: dict[str, object]) -> bool:
    """Tell whether an author said that a cell holds the parameters."""
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    return isinstance(tags, list) and TAG in tags
