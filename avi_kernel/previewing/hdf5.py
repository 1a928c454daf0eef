"""HDF5: what groups and datasets a file has, and the first values of the chosen one.

Links into other files are named and never followed; nothing could be opened from here anyway.
"""

import math
import os
from collections.abc import Iterator
from typing import Any

from avi_kernel.previewing.words import (
    MB,
    MOST_CARDS,
    MOST_COLUMNS,
    ROWS,
    Answer,
    Json,
    Question,
    Unreadable,
    cell,
    first_row,
    pages_by_row,
    reason,
    table,
)

MOST_PARTS = 500
DEEPEST = 30
MOST_CHUNK = 64 * MB
"""Bytes of one chunk, which the library unpacks as a whole."""
MOST_READ = 16 * MB


def load() -> None:
    """Import what reading takes, before nothing can be opened any more."""
    os.environ["HDF5_PLUGIN_PATH"] = "/nonexistent"  # filters are programs
    import h5py  # noqa: F401, PLC0415


def read(question: Question) -> Answer:
    """Return what lies in the file, and a page of what is chosen."""
    import h5py  # noqa: PLC0415  # for this kind alone

    try:
        with h5py.File(question.file, "r") as file:
            parts = list(_parts(file))
            view: Json = {"kind": "hdf5", "parts": parts[:MOST_PARTS]}
            if len(parts) > MOST_PARTS:
                view["problem"] = (
                    f"This file has more than {MOST_PARTS} groups and datasets; the first are shown."
                )
            return Answer(view | _chosen(question, file, parts))
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise Unreadable(f"This file cannot be read as HDF5: {reason(error)}.") from None


def _parts(file: Any) -> Iterator[Json]:
    """Yield what can be reached by hard links; a loop of them ends where its beginning is seen again."""
    import h5py  # noqa: PLC0415  # as above

    seen = {h5py.h5o.get_info(file.id).addr}
    waiting = [("/", file, 0)]
    count = 0
    while waiting and count <= MOST_PARTS:
        path, group, depth = waiting.pop()
        for name in _names(group):
            count += 1
            if count > MOST_PARTS + 1:
                return
            inner = f"{path.rstrip('/')}/{name}"
            part, found = _part(group, name, inner)
            yield part
            if isinstance(found, h5py.Group) and depth < DEEPEST:
                address = h5py.h5o.get_info(found.id).addr
                if address not in seen:
                    seen.add(address)
                    waiting.append((inner, found, depth + 1))


def _names(group: Any) -> Iterator[str]:
    for number, name in enumerate(group):
        if number > MOST_PARTS:
            return
        yield name


def _part(group: Any, name: str, path: str) -> tuple[Json, Any]:
    import h5py  # noqa: PLC0415  # as above

    told = {"id": path, "name": cell(path, 200), "kind": "link", "about": "leads elsewhere: not followed"}
    try:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            return told, None
        found = group[name]
    except (KeyError, OSError, RuntimeError, TypeError, ValueError):
        return told | {"kind": "damaged", "about": "cannot be read"}, None
    if isinstance(found, h5py.Dataset):
        return told | {"kind": "dataset", "about": _about(found)}, found
    if isinstance(found, h5py.Group):
        return told | {"kind": "group", "about": f"{len(found)} inside"}, found
    return told | {"kind": "type", "about": "a named type"}, None


def _about(dataset: Any) -> str:
    shape = dataset.shape
    if shape is None:
        return "empty"
    return cell(f"{' x '.join(map(str, shape)) or 'one value'}, {dataset.dtype}")


def _chosen(question: Question, file: Any, parts: list[Json]) -> Json:
    import h5py  # noqa: PLC0415  # as above

    first = next((one["id"] for one in parts if one["kind"] == "dataset"), "/")
    part = question.part or first
    if part != "/" and part not in {one["id"] for one in parts if one["kind"] in {"dataset", "group"}}:
        raise Unreadable("There is no such group or dataset among those that are listed; choose one of them.")
    found = file[part]
    cards, left_out = _attributes(found, question.find.lower())
    view: Json = {"part": part, "cards": cards, "cards_left_out": left_out}
    if not isinstance(found, h5py.Dataset):
        return view
    try:
        return view | _values(question, found)
    except Unreadable as unfit:
        return view | {"problem": str(unfit)}
    except Exception as error:  # whatever a stranger's dataset brings about  # noqa: BLE001
        return view | {"problem": f"Its values cannot be read: {reason(error)}."}


def _attributes(found: Any, find: str) -> tuple[list[Json], int]:
    cards: list[Json] = []
    left_out = 0
    for number, name in enumerate(found.attrs):
        if number > 10 * MOST_CARDS or len(cards) >= MOST_CARDS:
            return cards, len(found.attrs) - len(cards)
        try:
            value = cell(found.attrs[name], 400)
        except Exception:  # as of its values  # noqa: BLE001
            value = "(cannot be read)"
        if not find or find in name.lower() or find in value.lower():
            cards.append({"key": cell(name), "value": value, "comment": ""})
    return cards, left_out


def _values(question: Question, dataset: Any) -> Json:
    """Return a page of what lies along the first axis: of further axes but two, what comes first."""
    shape = dataset.shape
    if shape is None or 0 in shape:
        return {}
    _require_small(dataset)
    if not shape:
        return {"table": table([{"name": "value"}], [[_shown(dataset[()])]], first=1, total=1)}
    total = int(shape[0])
    first = first_row(question, total)
    count = min(ROWS, total - first)
    across = min(int(shape[1]), MOST_COLUMNS) if len(shape) > 1 else 1
    if count * across * dataset.dtype.itemsize > MOST_READ:
        raise Unreadable("One value of this dataset is larger than what is shown here.")
    where = (slice(first, first + count), slice(0, across))[: len(shape)] + (0,) * (len(shape) - 2)
    values = dataset[where]
    columns, rows = _compound(values) if values.dtype.names else _plain(values, shape)
    shown = table(columns, rows, first=first + 1, total=total)
    left_out = int(shape[1]) - across if len(shape) > 1 else 0
    shown["columns_left_out"] = max(shown["columns_left_out"], left_out)
    return {"table": shown} | pages_by_row(first, total)


def _require_small(dataset: Any) -> None:
    chunk = math.prod(dataset.chunks or (1,)) * dataset.dtype.itemsize
    if chunk > MOST_CHUNK:
        raise Unreadable(
            f"This dataset is packed in pieces of {chunk // MB} MB; at most {MOST_CHUNK // MB} MB are unpacked here."
        )
    if dataset.is_virtual or dataset.external:
        raise Unreadable("The values of this dataset lie in other files, which are not opened here.")


def _compound(values: Any) -> tuple[list[Json], list[list[str]]]:
    names = values.dtype.names
    columns = [{"name": cell(name), "type": cell(values.dtype[name])} for name in names]
    flat = values if values.ndim == 1 else values[:, 0]
    return columns, [[_shown(row[name]) for name in names[:MOST_COLUMNS]] for row in flat]


def _plain(values: Any, shape: tuple[int, ...]) -> tuple[list[Json], list[list[str]]]:
    if len(shape) == 1:
        return [{"name": "value", "type": cell(values.dtype)}], [[_shown(value)] for value in values]
    columns = [{"name": str(number), "type": cell(values.dtype)} for number in range(values.shape[1])]
    return columns, [[_shown(value) for value in row] for row in values]


def _shown(value: Any) -> str:
    if getattr(value, "shape", ()):
        return cell(" ".join(cell(one) for one in value.reshape(-1)[:20]))
    return cell(value.item() if hasattr(value, "item") else value)
