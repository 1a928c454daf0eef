"""Tests of pipelines that `avi.toml` declares: small values of the parameters, and what is expected of the results."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, JsonValue

from avi_kernel.protocol.base import MEDIA_TYPE, STORABLE, Count, Line, ResultName, Wire
from avi_kernel.protocol.parameters import (
    MOST_PARAMETERS,
    ParameterName,
    ParameterProblem,
    ParameterSpec,
    check_parameters,
)
from avi_kernel.protocol.problems import FolderProblem

MOST_TESTS = 20
"""Of one pipeline."""
LARGEST_EXPECTED = 5 * 1024 * 1024
RelativePath = Annotated[str, Field(max_length=200), STORABLE]


class ExpectedResult(Wire):
    """What is expected of one result of a test."""

    media_type: str = Field("", pattern=rf"{MEDIA_TYPE}|^$", max_length=150)
    """Such as `text/csv`; default: whatever its name says."""
    rows: Count | None = None
    """Rows of a table (CSV, ECSV, VOTable, FITS, Parquet), or entries of a list in JSON."""
    same_as: RelativePath = ""
    """A file of the AVI, such as `tests/counts.csv`, that has the same contents."""
    within: float = Field(1e-6, ge=0, le=1)
    """How far numbers may be from those of `same_as`, relative to them."""


class PipelineTest(Wire):
    """A run on a small input, made when the AVI is checked."""

    title: Line = ""
    """What it tries, in a few words."""
    parameters: dict[ParameterName, JsonValue] = Field({}, max_length=MOST_PARAMETERS)
    """Values that make it quick; parameters that are left out have their defaults."""
    results: dict[ResultName, ExpectedResult] = Field({}, max_length=100)
    """Files that it must leave, by name."""


def check_tests(
    folder: Path, file: str, pipeline: str, tests: list[PipelineTest], specs: list[ParameterSpec]
) -> None:
    """Check what cannot be seen in a test alone.

    Raises
    ------
    FolderProblem
        Its values do not fit the pipeline's parameters, or there is no file to compare with.
    """
    for number, test in enumerate(tests):
        place = ("pipelines", pipeline, "tests", number)
        try:
            check_parameters(specs, test.parameters)
        except ParameterProblem as problem:
            raise _problem(file, (*place, "parameters", problem.field), str(problem)) from None
        for name, expected in test.results.items():
            if expected.same_as and (complaint := _complaint_about(folder, expected.same_as)):
                raise _problem(file, (*place, "results", name, "same_as"), complaint)


def _problem(file: str, place: tuple[str | int, ...], message: str) -> FolderProblem:
    return FolderProblem(file, message, key=".".join(map(str, place)), place=place)


def _complaint_about(folder: Path, name: str) -> str:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        return f"{name!r} lies outside the AVI's folder; give a path in it, such as tests/expected.csv"
    if not path.is_file():
        return f"there is no file {name!r} in the AVI's folder"
    if path.stat().st_size > LARGEST_EXPECTED:
        return f"{name!r} is larger than {LARGEST_EXPECTED // 1024**2} MB; compare with a smaller result"
    return ""
