"""Executed notebooks compared by what their cells put out: not by when, how fast and in which order these ran."""

import base64
import json
from typing import Any

from avi_kernel.checking.masks import masked
from avi_kernel.checking.sameness import pixel_difference


def notebook_difference(first: str, second: str) -> str:
    """Return the first difference of two executed notebooks in words; empty where there is none that means anything."""
    before, after = (json.loads(text)["cells"] for text in (first, second))
    if len(before) != len(after):
        return f"{len(before)} cells became {len(after)}"
    for number, (one, other) in enumerate(zip(before, after, strict=True), 1):
        if words := _cell_difference(one, other):
            return f"cell {number}: {words}"
    return ""


def _cell_difference(one: dict[str, Any], other: dict[str, Any]) -> str:
    outputs = [[*_joined(cell.get("outputs", []))] for cell in (one, other)]
    if len(outputs[0]) != len(outputs[1]):
        return f"{len(outputs[0])} outputs became {len(outputs[1])}"
    found = (_output_difference(a, b) for a, b in zip(*outputs, strict=True))
    return next(filter(None, found), "")


def _joined(outputs: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return outputs as media type -> text: what is printed is one output, as it may be cut anywhere.

    Standard error holds progress and warnings, of which a second run may have fewer: no results.
    """
    printed = ""
    others: list[dict[str, str]] = []
    for output in outputs:
        if output.get("output_type") == "stream":
            printed += _text(output.get("text", "")) if output.get("name") == "stdout" else ""
        else:
            others.append({str(kind): _text(value) for kind, value in output.get("data", {}).items()})
    return [{"stdout": printed}, *others]


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _output_difference(one: dict[str, str], other: dict[str, str]) -> str:
    if one.keys() != other.keys():
        return f"{', '.join(one) or 'nothing'} became {', '.join(other) or 'nothing'}"
    found = (_value_difference(kind, value, other[kind]) for kind, value in one.items())
    return next(filter(None, found), "")


def _value_difference(kind: str, one: str, other: str) -> str:
    if one == other or kind.startswith("application/vnd.jupyter.widget"):
        return ""  # a widget's model has another name in each run
    if kind in {"image/png", "image/jpeg"}:
        return pixel_difference(base64.b64decode(one), base64.b64decode(other))
    return f"it put out {_short(one, other)}" if masked(one) != masked(other) else ""


def _short(one: str, other: str) -> str:
    before, after = masked(one).splitlines(), masked(other).splitlines()
    pairs = ((a, b) for a, b in zip(before, after, strict=False) if a != b)
    first, second = next(pairs, ("", ""))
    return f"{first[:60]!r} and then {second[:60]!r}" if first or second else "more lines in one run"
