"""What the code of a pipeline may say to the platform while it runs: this is a result, I am so far."""

import json
import os
import shutil
from pathlib import Path

from avi_kernel.pipelines.places import NOTES_VARIABLE, RESULTS_VARIABLE, TITLES_VARIABLE


def result(path: str | os.PathLike[str], *, title: str = "", name: str | None = None) -> Path:
    """Make a file a result of this job.

    Parameters
    ----------
    path
        A file that exists, or the bare name of one that will be written to the path that this returns.
    title
        What people read instead of the file's name.
    name
        File name of the result; default: the file's own.

    Returns
    -------
    Path
        Of the result. Outside a job (in a notebook that is being written) that is a file in the folder `results`.

    Examples
    --------
    >>> figure.savefig(result("diagram.png", title="Hertzsprung-Russell diagram"))  # doctest: +SKIP
    """
    source = Path(path)
    folder = Path(os.environ.get(RESULTS_VARIABLE, "results"))
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / (name or source.name)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif source.is_file() and source.resolve() != target.resolve():
        shutil.copyfile(source, target)
    if title:
        _note_title(target.name, title)
    return target


def _note_title(name: str, title: str) -> None:
    file = os.environ.get(TITLES_VARIABLE)
    if file:
        with Path(file).open("a", encoding="utf-8") as titles:
            titles.write(json.dumps([name, title]) + "\n")


def progress(fraction: float, message: str = "") -> None:
    """Tell how much of the present step is done.

    Parameters
    ----------
    fraction
        0 to 1, of this notebook or task.
    message
        One line on what is being done.
    """
    file = os.environ.get(NOTES_VARIABLE)
    if not file:
        return
    note = {"fraction": min(1.0, max(0.0, float(fraction))), "message": str(message)[:500]}
    partial = Path(f"{file}.{os.getpid()}")
    partial.write_text(json.dumps(note), encoding="utf-8")
    partial.replace(file)
