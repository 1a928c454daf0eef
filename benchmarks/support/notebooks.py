"""The yardstick: a notebook as an astronomer's interface would be, with numpy, matplotlib and widgets."""

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


def write_yardstick(folder: Path) -> Path:
    """Write it as `app.ipynb` and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )
    make = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    notebook.cells = [make[kind](source) for kind, source in CELLS]
    path = folder / "app.ipynb"
    nbformat.write(notebook, path)
    return path
