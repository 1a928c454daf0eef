"""Small AVI folders, written where a test needs one."""

import json
from pathlib import Path
from textwrap import dedent


def notebook(*cells: str, parameters: str | None = None) -> str:
    """Return a notebook of code cells as JSON; the first holds the parameters where there are any."""
    sources = [(parameters, ["parameters"])] if parameters is not None else []
    sources += [(cell, []) for cell in cells]
    return json.dumps(
        {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "cells": [
                {
                    "cell_type": "code",
                    "id": f"cell-{index}",
                    "metadata": {"tags": tags},
                    "source": dedent(source),
                    "outputs": [],
                    "execution_count": None,
                }
                for index, (source, tags) in enumerate(sources)
            ],
        }
    )


def write_avi(folder: Path, files: dict[str, str]) -> Path:
    """Write an AVI's files and return its folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if name.endswith(".ipynb") else dedent(text))
    return folder


def star_counter(folder: Path, *, title: str = "Star counter") -> Path:
    """Write an AVI with an interface and one pipeline that has a typed, limited parameter."""
    return write_avi(
        folder,
        {
            "avi.toml": f"""
                title = "{title}"
                summary = "Counts stars in a cone."
                keywords = ["stars"]
                [[authors]]
                name = "A. Astronomer"
                [pipelines.count]
                memory = "200 + 40 * radius"
                [pipelines.count.parameters.radius]
                unit = "deg"
                minimum = 0.1
                maximum = 10
                """,
            "app.ipynb": notebook("print('hello')"),
            "pipelines/count.ipynb": notebook("print(radius)", parameters="radius: float = 1.0  # of it"),
            "README.md": "# Star counter\n",
        },
    )
