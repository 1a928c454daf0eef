"""An AVI out of a plain notebook: it becomes the pipeline, with an interface before it; what cannot be told is said."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from avi_kernel.authoring import first_interface
from avi_kernel.authoring.guesses import Guess, Guessed, guessed, is_tagged
from avi_kernel.protocol.declared import TAG, cell_parameters, notebook_cells

MEMORY_MB = 1024
"""Until past runs tell better."""
_WIDGETS = re.compile(r"^\s*(?:import|from)\s+ipywidgets\b|^\s*@?interact\b", re.MULTILINE)
_HEADING = re.compile(r"^#\s+(.+)$", re.MULTILINE)
_NO_WORD = re.compile(r"[^a-z0-9]+")
_PYTHON = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_IGNORED = ".gavip/\n.ipynb_checkpoints/\n__pycache__/\n"


@dataclass(frozen=True, kw_only=True)
class Wrapped:
    """The files of an AVI, and what its author should know of them."""

    files: dict[str, str]
    """Path -> text."""
    found: list[str] = field(default_factory=list)
    """What was taken from the notebook."""
    open: list[str] = field(default_factory=list)
    """What it does not tell, and the author has to."""


def wrapped(text: str, *, file: str, name: str) -> Wrapped:
    """Make an AVI of a notebook.

    Parameters
    ----------
    text
        The notebook, as JSON.
    file
        Its name, for messages and for the pipeline's name.
    name
        Of the AVI, as its title where the notebook has none.

    Raises
    ------
    avi_kernel.protocol.problems.FolderProblem
        It is no notebook in Python, or its cell of parameters holds more than plain values.
    """
    cells = notebook_cells(text, file)
    title = _title(cells) or name.replace("-", " ").capitalize()
    if _uses_widgets(cells):
        return _as_interface(cells, title)
    return _as_pipeline(text, cells, file, title)


def _as_interface(cells: Sequence[dict[str, Any]], title: str) -> Wrapped:
    """Keep a notebook of widgets as the interface that it is."""
    files = {"app.ipynb": _notebook(cells), "avi.toml": _manifest(title, ""), **_others(title)}
    return Wrapped(
        files=files,
        found=["It uses widgets: it is the interface, app.ipynb, as it was."],
        open=["What takes longer than a moment should be a pipeline: see avi_kernel.client.submit."],
    )


def _as_pipeline(text: str, cells: Sequence[dict[str, Any]], file: str, title: str) -> Wrapped:
    pipeline = _pipeline_name(file)
    place, taken = _parameters(text, cells, file)
    parameters = taken.parameters if taken else ()
    code = _with_parameters(cells, place, taken) if place is not None and taken else list(cells)
    interface = first_interface.cells(title, pipeline, parameters)
    shown = [_cell("markdown", interface[0]), *(_cell("code", source) for source in interface[1:])]
    files = {
        f"pipelines/{pipeline}.ipynb": _notebook(code),
        "app.ipynb": _notebook(shown),
        "avi.toml": _manifest(title, _details(pipeline, parameters)),
        **_others(title),
    }
    return Wrapped(
        files=files,
        found=[
            f"The notebook is the pipeline {pipeline!r}, pipelines/{pipeline}.ipynb; its outputs are left out.",
            *(_said(one) for one in parameters),
            "app.ipynb asks for these, runs it, and shows the pictures among its results.",
        ],
        open=list(_undecided(taken, parameters)),
    )


def _parameters(text: str, cells: Sequence[dict[str, Any]], file: str) -> tuple[int | None, Guessed | None]:
    """Return which cell holds the parameters, and what they are: the tagged one, or else the first of plain values."""
    for place, cell in enumerate(cells):
        if cell.get("cell_type") == "code" and is_tagged(cell):
            cell_parameters(text, file)  # what an author tagged is to be right, and says where it is not
            return place, guessed(_source(cell))
    for place, cell in enumerate(cells):
        if cell.get("cell_type") == "code" and (taken := guessed(_source(cell))):
            return place, taken
    return None, None


def _with_parameters(cells: Sequence[dict[str, Any]], place: int, taken: Guessed) -> list[dict[str, Any]]:
    """Return the cells with the parameters in a tagged one of their own, and what stood beside them behind it."""
    lines = [
        f"{one.name}: {one.kind} = {one.value!r}{f'  # {one.help}' if one.help else ''}"
        for one in taken.parameters
    ]
    tagged = _cell("code", "\n".join(lines), tags=[TAG])
    beside = [_cell("code", taken.imports)] if taken.imports else []
    return [*cells[:place], tagged, *beside, *cells[place + 1 :]]


def _undecided(taken: Guessed | None, parameters: Sequence[Guess]) -> Iterator[str]:
    if taken is None:
        yield (
            f"No cell of plain values was found: put what a user should choose into a cell of its own, as `radius = 2.0  # [deg]`, "
            f"and tag it {TAG!r}."
        )
    elif taken.left:
        yield f"No form can ask for {', '.join(taken.left)}: they stay in a cell behind the parameters."
    unclear = [one.name for one in parameters if one.kind in {"int", "float"} and not one.unit]
    if unclear:
        yield f"Units of {', '.join(unclear)}: set `unit` in avi.toml where they have one."
    bounded = [one.name for one in parameters if one.maximum is not None]
    if bounded:
        yield f"Limits of {', '.join(bounded)} in avi.toml are proposals: set those that make sense."
    yield f"Memory is set to {MEMORY_MB} MB; after five runs what they needed is proposed instead."
    yield 'Files become results by `from avi_kernel.pipelines import result` and `result("name.png", title="...")`.'
    yield "Author and licence in avi.toml."


def _said(one: Guess) -> str:
    limits = (
        f", {one.minimum:g} to {one.maximum:g}" if one.minimum is not None and one.maximum is not None else ""
    )
    return f"Parameter {one.name}: {one.kind}, {one.value!r}{' ' + one.unit if one.unit else ''} by default{limits}."


def _details(pipeline: str, parameters: Sequence[Guess]) -> str:
    """Return the manifest's tables of a pipeline."""
    lines = [f"\n[pipelines.{pipeline}]", f"memory = {MEMORY_MB}", "time_limit = 3600"]
    for one in parameters:
        known = {"unit": one.unit or None, "minimum": one.minimum, "maximum": one.maximum}
        told = [f"{key} = {json.dumps(value)}" for key, value in known.items() if value is not None]
        if told:
            lines += [f"\n[pipelines.{pipeline}.parameters.{one.name}]", *told]
    return "\n".join(lines) + "\n"


def _manifest(title: str, details: str) -> str:
    head = [f"title = {json.dumps(title, ensure_ascii=False)}", 'summary = ""', 'licence = "BSD-3-Clause"']
    return "\n".join([*head, "\n# [[authors]]", '# name = "Your Name"\n']) + details


def _others(title: str) -> dict[str, str]:
    return {
        "README.md": f"# {title}\n\nAn AVI made of a notebook. `gavip dev .` runs it on your own machine.\n",
        ".gitignore": _IGNORED,
    }


def _title(cells: Sequence[dict[str, Any]]) -> str:
    texts = (_source(cell) for cell in cells if cell.get("cell_type") == "markdown")
    found = next((match for text in texts if (match := _HEADING.search(text))), None)
    return found.group(1).strip()[:200] if found else ""


def _uses_widgets(cells: Sequence[dict[str, Any]]) -> bool:
    return any(cell.get("cell_type") == "code" and _WIDGETS.search(_source(cell)) for cell in cells)


def _pipeline_name(file: str) -> str:
    stem = _NO_WORD.sub("-", file.rpartition("/")[2].removesuffix(".ipynb").lower()).strip("-")
    return stem[:40].strip("-") if stem[:1].isalpha() else f"run-{stem}"[:40].strip("-")


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def _cell(kind: str, source: str, *, tags: Sequence[str] = ()) -> dict[str, Any]:
    metadata = {"tags": list(tags)} if tags else {}
    return {"cell_type": kind, "metadata": metadata, "source": source}


def _notebook(cells: Sequence[dict[str, Any]]) -> str:
    """Return a notebook of these cells, with no outputs: what ran on somebody's own machine is no part of an AVI."""
    made = [_clean(cell, place) for place, cell in enumerate(cells)]
    document = {"cells": made, "metadata": _PYTHON, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _clean(cell: dict[str, Any], place: int) -> dict[str, Any]:
    kind, source = str(cell.get("cell_type", "code")), _source(cell)
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    clean = {
        "cell_type": kind,
        "id": uuid5(NAMESPACE_URL, f"{place} {source}").hex[:8],
        "metadata": {"tags": tags} if tags else {},
        "source": source.splitlines(keepends=True),
    }
    return clean | ({"execution_count": None, "outputs": []} if kind == "code" else {})
