"""Compile the Java beside the notebooks, and run it."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from sky.motions import Motions

SOURCE = Path(__file__).resolve().parents[1] / "java" / "Motions.java"
SMALL = ["-Xmx128m", "-XX:+UseSerialGC"]
"""What a job's memory is counted with: Java would take a quarter of the machine's."""


def computed_in_java(values, *, bins, low, high):
    """Return the motions of rows of parallax, error and proper motions.

    Raises
    ------
    RuntimeError
        There is no Java here, or it refused; with the reason.
    """
    rows = "".join(" ".join(map(repr, row)) + "\n" for row in values.tolist())
    with tempfile.TemporaryDirectory() as folder:
        small = [f"-J{option}" for option in SMALL]
        _run("javac", *small, "-Xlint:all", "-d", folder, str(SOURCE))
        histogram = [str(bins), repr(low), repr(high)]
        said = _run("java", *SMALL, "-cp", folder, "Motions", *histogram, given=rows)
    found = dict(line.split(" ", 1) for line in said.splitlines())
    counts = [int(word) for word in found.pop("histogram").split()]
    means = {name: float(word) for name, word in found.items()}
    return Motions(**means, histogram=counts)


def _run(program, *arguments, given=""):
    if shutil.which(program) is None:
        raise RuntimeError(
            f"there is no {program} here: this pipeline runs in the image avi-java, "
            "or where a JDK 17 is installed"
        )
    done = subprocess.run(
        [program, *arguments], input=given, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{program} failed:\n{done.stderr[-3000:]}")
    return done.stdout
