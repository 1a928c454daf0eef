"""Run in the image: f2py builds a module in the scratch folder, and gfortran a program; both compute rightly."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

MODULE = """
subroutine distances(parallax, distance, n)
  implicit none
  integer, intent(in) :: n
  double precision, intent(in) :: parallax(n)
  double precision, intent(out) :: distance(n)
  distance = 1000d0 / parallax
end subroutine distances
"""
PROGRAM = """
program total
  implicit none
  integer :: i
  print '(i0)', sum([(i * i, i = 1, 100)])
end program total
"""


def check_f2py_builds_a_module() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "stars.f90").write_text(MODULE)
        command = [sys.executable, "-m", "numpy.f2py", "-c", "stars.f90", "-m", "stars", "--backend", "meson"]
        built = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
        sys.path.insert(0, folder)
        import stars  # type: ignore[import-not-found]

        assert np.allclose(stars.distances(np.array([10.0, 20.0, 50.0])), [100, 50, 20])


def check_gfortran_builds_a_program() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "total.f90").write_text(PROGRAM)
        subprocess.run(["gfortran", "-O2", "-o", "total", "total.f90"], cwd=folder, check=True)
        said = subprocess.run([f"{folder}/total"], check=True, capture_output=True, text=True, env=os.environ)
    assert said.stdout == "338350\n", said.stdout


if __name__ == "__main__":
    for name, check in list(globals().items()):
        if name.startswith("check_"):
            check()
            print(f"ok {name.removeprefix('check_')}")
