"""Whether two results are the same: by their digests, and where those differ by what people would call their contents."""

import filecmp
import gzip
import io
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

from avi_kernel.checking import tables
from avi_kernel.checking.masks import masked, masked_pdf
from avi_kernel.protocol.runs import ResultEntry

LARGEST = 64 * 1024 * 1024
"""Bytes of a file of which more than the digest is compared."""
MOST_PIXELS = 40_000_000
"""Of a picture: more are not unpacked."""
_ROUNDING = 1e-9
"""Relative: sums in another order, as several threads make them, differ by less."""
TOO_LARGE = "its bytes are others, and it is too large to be compared by value"
_OTHER = "its bytes are others, and nothing here knows this format"
_PICTURES = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".tif", ".tiff", ".bmp"}
_TEXTS = {".txt", ".log", ".md", ".svg", ".html", ".htm", ".yaml", ".yml", ".toml", ".reg", ".xml", ".tex"}


def differences(
    first: Path, before: list[ResultEntry], second: Path, after: list[ResultEntry]
) -> dict[str, str]:
    """Return how the results of two runs differ: file -> in words.

    Parameters
    ----------
    first, second
        Their folders.
    before, after
        What was found in these.
    """
    old, new = ({entry.name: entry for entry in entries} for entries in (before, after))
    found = dict.fromkeys(old.keys() - new.keys(), "only the first run made it")
    found |= dict.fromkeys(new.keys() - old.keys(), "only the second run made it")
    for name in sorted(old.keys() & new.keys()):
        if old[name].sha256 != new[name].sha256 and (words := difference(first / name, second / name)):
            found[name] = words
    return dict(sorted(found.items()))


def difference(first: Path, second: Path, *, within: float = _ROUNDING) -> str:
    """Return how the contents of two files differ, in words; empty where they mean the same."""
    if filecmp.cmp(first, second, shallow=False):
        return ""
    if max(first.stat().st_size, second.stat().st_size) > LARGEST:
        return TOO_LARGE
    compare = _comparer(first.suffix.lower())
    try:
        return compare(first, second, within)
    except Exception as error:  # noqa: BLE001 - strangers' files, read by many libraries
        return f"its bytes are others, and it cannot be read: {type(error).__name__}"


def rows_of(path: Path) -> int | None:
    """Return the rows of a table or the entries of a list; None where it is neither."""
    with suppress(Exception):  # as above
        if path.stat().st_size > LARGEST:
            return None
        if path.suffix.lower() == ".json":
            found = json.loads(path.read_text("utf-8"))
            return len(found) if isinstance(found, list) else None
        table = tables.read_table(path)
        return len(table) - 1 if table else None
    return None


Comparer = Callable[[Path, Path, float], str]


def _comparer(suffix: str) -> Comparer:
    known: dict[str, Comparer] = {
        ".ipynb": _notebooks,
        ".json": _json,
        ".pdf": _pdf,
        ".gz": _gzip,
        ".npy": _arrays,
        ".npz": _arrays,
        ".fits": _fits,
        ".fit": _fits,
        **dict.fromkeys(_PICTURES, _pictures),
        **dict.fromkeys(_TEXTS, _texts),
        **dict.fromkeys((".csv", ".ecsv", ".tsv", ".dat", ".vot", ".votable", ".parquet"), _tables),
    }
    return known.get(suffix, lambda *_: _OTHER)


def _tables(first: Path, second: Path, within: float) -> str:
    return tables.difference(tables.read_table(first) or [], tables.read_table(second) or [], within=within)


def _texts(first: Path, second: Path, _: float) -> str:
    return _lines(first.read_text("utf-8", "replace"), second.read_text("utf-8", "replace"))


def _lines(first: str, second: str) -> str:
    before, after = masked(first).splitlines(), masked(second).splitlines()
    if len(before) != len(after):
        return f"{len(before)} lines became {len(after)}"
    places = (number for number, (a, b) in enumerate(zip(before, after, strict=True), 1) if a != b)
    number = next(places, None)
    return f"line {number}: {before[number - 1][:60]!r} became {after[number - 1][:60]!r}" if number else ""


def _json(first: Path, second: Path, within: float) -> str:
    return _values(json.loads(first.read_text("utf-8")), json.loads(second.read_text("utf-8")), within, "")


def _values(one: Any, other: Any, within: float, place: str) -> str:
    """Compare values of JSON, part by part."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        found = (_values(one[key], other[key], within, f"{place}.{key}") for key in one)
        return next(filter(None, found), "")
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = zip(one, other, strict=True)
        found = (_values(a, b, within, f"{place}[{number}]") for number, (a, b) in enumerate(pairs))
        return next(filter(None, found), "")
    same = type(one) is type(other) or (isinstance(one, int | float) and isinstance(other, int | float))
    if same and not isinstance(one, dict | list) and tables.same_value(one, other, within=within):
        return ""
    return f"{place.lstrip('.') or 'its value'}: {str(one)[:40]} became {str(other)[:40]}"


def _pdf(first: Path, second: Path, _: float) -> str:
    same = masked_pdf(first.read_bytes()) == masked_pdf(second.read_bytes())
    return "" if same else "it differs in more than its dates"


def _gzip(first: Path, second: Path, within: float) -> str:
    """Compare what is packed, which has no moment in its head."""
    with TemporaryDirectory() as room:  # their own folder may be one that nobody writes
        unpacked = []
        for number, path in enumerate((first, second)):
            with gzip.open(path) as packed:
                content = packed.read(LARGEST + 1)
            if len(content) > LARGEST:
                return TOO_LARGE
            target = Path(room) / str(number) / path.stem
            target.parent.mkdir()
            target.write_bytes(content)
            unpacked.append(target)
        return difference(unpacked[0], unpacked[1], within=within)


def _arrays(first: Path, second: Path, within: float) -> str:
    import numpy as np  # noqa: PLC0415 - only arrays should wait for it

    def load(path: Path) -> dict[str, Any]:
        if path.suffix.lower() == ".npz":
            _require_small(path)
        loaded = np.load(path, allow_pickle=False)
        return dict(loaded) if hasattr(loaded, "files") else {"array": loaded}

    one, other = load(first), load(second)
    if one.keys() != other.keys():
        return "it holds arrays of other names"
    differing = [key for key in one if not _same_array(one[key], other[key], within)]
    return f"array {differing[0]!r} has other values" if differing else ""


def _require_small(packed: Path) -> None:
    """Refuse an archive that is far larger unpacked."""
    with ZipFile(packed) as archive:
        if sum(part.file_size for part in archive.infolist()) > 4 * LARGEST:
            raise ValueError(TOO_LARGE)


def _same_array(one: Any, other: Any, within: float) -> bool:
    import numpy as np  # noqa: PLC0415 - as above

    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if one.dtype.kind in "fc":
        return bool(np.allclose(one, other, rtol=within, atol=0, equal_nan=True))
    return bool(np.array_equal(one, other))


def _fits(first: Path, second: Path, within: float) -> str:
    from astropy.io.fits import FITSDiff  # noqa: PLC0415 - only images and tables in FITS should wait for it

    passed_over = ["DATE", "DATE-*", "CHECKSUM", "DATASUM", "HISTORY", "COMMENT", "ORIGIN", "CREATOR"]
    found = FITSDiff(str(first), str(second), ignore_keywords=passed_over, ignore_comments=["*"], rtol=within)
    if found.identical:
        return ""
    lines = [line.strip() for line in found.report().splitlines() if line.strip()]
    return f"its data or header differ: {' '.join(lines[-3:])[:200]}"


def _pictures(first: Path, second: Path, _: float) -> str:
    return pixel_difference(first.read_bytes(), second.read_bytes())


def pixel_difference(first: bytes, second: bytes) -> str:
    """Return how the pixels of two pictures differ, in words."""
    import numpy as np  # noqa: PLC0415 - as above
    from PIL import Image  # noqa: PLC0415 - as above

    with Image.open(io.BytesIO(first)) as one, Image.open(io.BytesIO(second)) as other:
        if one.width * one.height > MOST_PIXELS:
            return TOO_LARGE
        if one.size != other.size:
            return f"{one.width} x {one.height} pixels became {other.width} x {other.height}"
        pixels = [np.asarray(each.convert("RGBA"), dtype=np.int16) for each in (one, other)]
    changed = np.abs(pixels[0] - pixels[1]).max(axis=2) > 1  # one step of 255 is rounding
    return f"{changed.mean():.2%} of its pixels differ" if changed.any() else ""


def _notebooks(first: Path, second: Path, _: float) -> str:
    from avi_kernel.checking.notebooks import notebook_difference  # noqa: PLC0415 - it needs this module

    return notebook_difference(first.read_text("utf-8"), second.read_text("utf-8"))
