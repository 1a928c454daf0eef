"""The yardstick, a notebook as an astronomer's interface would be, with numpy, matplotlib and widgets; and a dashboard."""

from pathlib import Path

import nbformat

CELLS = [
    ("markdown", "# Yardstick\n\nA parabola, $y = x^2$, and things to turn."),
    (
        "code",
        """import numpy as np
import matplotlib.pyplot as plt
import ipywidgets as widgets
from ipywidgets import interact""",
    ),
    ("code", "x = np.linspace(0, 10, 500)"),
    ("code", "@interact(power=(1, 5))\ndef show(power=2):\n    print('power is', power)"),
    ("code", "fig, ax = plt.subplots()\nax.plot(x, x**2)\nplt.show()"),
    ("code", "out = widgets.Output()\nwith out:\n    print('written into an output')\nout"),
    ("code", "widgets.VBox([widgets.IntSlider(description=f'knob {i}') for i in range(5)])"),
    ("markdown", "That is all."),
]
VIEW = """def view(title, values):
    out = widgets.Output()
    with out:
        fig, ax = plt.subplots(figsize=(5, 3))
        ax.hist2d(stars[values[0]], stars[values[1]], bins=80)
        ax.set_title(title)
        plt.show()
    return out"""
DASHBOARD = [
    ("markdown", "# Dashboard\n\nFour views of the same 20,000 stars."),
    CELLS[1],
    (
        "code",
        "rng = np.random.default_rng(1)\nstars = {name: rng.normal(size=20_000) for name in ('ra', 'dec', 'g', 'bp_rp')}",
    ),
    ("code", VIEW),
    (
        "code",
        """views = [view(*each) for each in [
    ('Sky', ('ra', 'dec')), ('Colour and magnitude', ('bp_rp', 'g')), ('G along ra', ('ra', 'g')), ('Colour along dec', ('dec', 'bp_rp')),
]]
widgets.VBox([
    widgets.IntRangeSlider(description='G', value=(3, 15), max=20),
    widgets.GridBox(views, layout=widgets.Layout(grid_template_columns='repeat(2, 50%)')),
])""",
    ),
]
"""A notebook of four plots, each in a view of its own, and a knob."""


def write_yardstick(folder: Path) -> Path:
    """Write it as `app.ipynb` and return its path."""
    return write_app(folder, CELLS)


def write_app(folder: Path, cells: list[tuple[str, str]]) -> Path:
    """Write a notebook of cells as `app.ipynb` and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )
    make = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    notebook.cells = [make[kind](source) for kind, source in cells]
    path = folder / "app.ipynb"
    nbformat.write(notebook, path)
    return path
