"""Run the pipeline of the HR diagram AVI by papermill, as a job would, and read what it left."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io.votable import parse
from astropy.table import Table
from numpy.typing import NDArray
from PIL import Image

AVI = Path(__file__).resolve().parents[2] / "voila_apps" / "hr_diagram"
PLEIADES = {"field": "pleiades", "radius": 5.0}


@dataclass(frozen=True)
class Run:
    """An execution of the pipeline and its results."""

    folder: Path
    exit_code: int
    log: str

    @property
    def stars(self) -> Table:
        """The table."""
        return Table.read(self.folder / "stars.vot")

    @property
    def told(self) -> dict[str, str]:
        """What the table says of its source."""
        return {info.name: info.value for info in parse(self.folder / "stars.vot").resources[0].infos}

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The diagram: rows, columns, red-green-blue."""
        with Image.open(self.folder / "hr_diagram.png") as image:
            return np.asarray(image.convert("RGB"))

    @property
    def printed(self) -> str:
        """What the notebook printed."""
        cells = json.loads((self.folder / "hr_diagram.ipynb").read_text())["cells"]
        outputs = (output for cell in cells for output in cell.get("outputs", []))
        return "".join("".join(output.get("text", "")) for output in outputs)


def run_pipeline(folder: Path, environ: Mapping[str, str], parameters: Mapping[str, object]) -> Run:
    """Run it with these variables of the platform and these parameters."""
    given = [word for name, value in parameters.items() for word in ("-p", name, str(value))]
    folder.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GAVIP_")}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "papermill",
            "pipelines/hr_diagram.ipynb",
            folder / "hr_diagram.ipynb",
            *given,
        ],
        cwd=AVI,
        env={**kept, "PYTHONPATH": str(AVI), "GAVIP_RESULTS_DIR": str(folder), **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return Run(folder=folder, exit_code=done.returncode, log=done.stdout + done.stderr)


def coloured(pixels: NDArray[np.uint8], colour: str, *, within: int = 12) -> int:
    """Count the pixels of about this colour, given as `#rrggbb`."""
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    return int((np.abs(pixels.astype(int) - wanted).max(axis=2) <= within).sum())
