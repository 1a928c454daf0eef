"""What a test of a pipeline expects of its results, compared with what the run made."""

from collections.abc import Iterator
from pathlib import Path

from avi_kernel.checking.sameness import difference, rows_of
from avi_kernel.protocol.pipeline_tests import ExpectedResult, PipelineTest
from avi_kernel.protocol.runs import ResultEntry


def complaints(folder: Path, test: PipelineTest, made: list[ResultEntry], results: Path) -> Iterator[str]:
    """Yield what is not as it was expected.

    Parameters
    ----------
    folder
        The AVI's, in which files to compare with lie.
    made, results
        What the run made, and where it lies.
    """
    entries = {entry.name: entry for entry in made}
    for name, expected in test.results.items():
        if name not in entries:
            yield f"there is no result {name}; there are: {', '.join(entries) or 'none'}"
        else:
            yield from _about(folder, expected, entries[name], results / name)


def _about(folder: Path, expected: ExpectedResult, entry: ResultEntry, path: Path) -> Iterator[str]:
    if expected.media_type and entry.media_type != expected.media_type:
        yield f"{entry.name} is of type {entry.media_type}, not {expected.media_type}"
    if expected.rows is not None and (rows := rows_of(path)) != expected.rows:
        had = "is no table that can be read" if rows is None else f"has {rows} rows"
        yield f"{entry.name} {had}; {expected.rows} rows are expected"
    if expected.same_as and (words := difference(folder / expected.same_as, path, within=expected.within)):
        yield f"{entry.name} is not as {expected.same_as}: {words}"
