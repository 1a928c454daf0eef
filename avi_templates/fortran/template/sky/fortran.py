"""Build the Fortran beside the notebooks with f2py, and call it."""

import shutil
import subprocess
import sys
import tempfile
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np

from sky.motions import NAMES, Motions

SOURCE = Path(__file__).resolve().parents[1] / "fortran" / "motions.f90"
MODULE = "built_motions"


def computed_in_fortran(values, *, bins, low, high):
    """Return the motions of rows of parallax, error and proper motions.

    Raises
    ------
    RuntimeError
        There is no Fortran here, or it refused; with the reason.
    """
    stars = np.asfortranarray(values)
    means, histogram = built().motions(stars, bins, low, high)
    found = dict(zip(NAMES, map(float, means), strict=True))
    return Motions(**found, histogram=histogram.tolist())


@cache
def built():
    """Return the module that f2py makes of the source, built once."""
    if shutil.which("gfortran") is None:
        raise RuntimeError(
            "there is no gfortran here: this pipeline runs in the image avi-fortran, "
            "or where gfortran, meson and ninja are installed"
        )
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(SOURCE, folder)
        f2py = [sys.executable, "-m", "numpy.f2py", "--backend", "meson"]
        done = subprocess.run(
            [*f2py, "-m", MODULE, "-c", SOURCE.name],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        library = next(Path(folder).glob(f"{MODULE}*.so"), None)
        if library is None:
            raise RuntimeError(f"f2py failed:\n{(done.stdout + done.stderr)[-3000:]}")
        spec = spec_from_file_location(MODULE, library)
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    return module
