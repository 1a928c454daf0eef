"""Read the file on standard input, as the argument asks, and write a line of JSON and perhaps a PNG behind it."""

import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from avi_kernel.previewing.limits import bound, shut
from avi_kernel.previewing.source import opened
from avi_kernel.previewing.words import Answer, Question, Unreadable

READERS = {
    "fits": ("fits", "read"),
    "votable": ("votable", "read"),
    "csv": ("lines", "read_table"),
    "tsv": ("lines", "read_table"),
    "text": ("lines", "read_text"),
    "parquet": ("parquet", "read"),
    "hdf5": ("hdf5", "read"),
    "image": ("raster", "read"),
}
TOO_MUCH = "Showing this file takes more memory or time than is given to a preview: download it to see it."


def main() -> None:
    """Answer one question, whatever the file is."""
    bound()
    given = json.loads(sys.argv[1])
    try:
        answer = _answer(given)
    except Unreadable as unfit:
        answer = Answer({"problem": str(unfit)})
    except (MemoryError, RecursionError):
        answer = Answer({"problem": TOO_MUCH})
    except Exception as error:  # whatever a stranger's file brings about  # noqa: BLE001
        answer = Answer(
            {"problem": f"This file cannot be shown ({type(error).__name__}): download it to see it."}
        )
    view = {"kind": given["kind"]} | answer.view
    sys.stdout.buffer.write(json.dumps(view).encode() + b"\n" + answer.png)
    sys.stdout.buffer.flush()
    os._exit(0)  # what a parser left behind is the system's to clear


def _answer(given: dict[str, Any]) -> Answer:
    try:
        reader = _reader(given["kind"])
    except ImportError as lacking:
        return Answer({"problem": _lacking(lacking)})
    shut()
    return reader(Question(file=opened(0), size=os.fstat(0).st_size, **given))


def _reader(kind: str) -> Callable[[Question], Answer]:
    """Import what reads a kind of file, and all that this needs in turn."""
    module, function = READERS[kind]
    found = import_module(f"avi_kernel.previewing.{module}")
    if load := getattr(found, "load", None):
        load()
    reader: Callable[[Question], Answer] = getattr(found, function)
    return reader


def _lacking(error: ImportError) -> str:
    name = (error.name or "a library").partition(".")[0]
    return f"This platform cannot show files of this kind: its Python has no {name}. Ask its operator to install it."


if __name__ == "__main__":
    main()
