"""What is wrong with a manifest is said in one line: file, line, key, what is wrong, and what would be accepted.

Beside each broken `<case>.toml` lies the whole message, `<case>.txt`.
"""

import os
import time
from pathlib import Path

import pytest

from avi_kernel.protocol.folder import FolderProblem, read_release
from avi_kernel.protocol.problems import LONGEST_PROBLEM
from tests.support.avis import notebook, write_avi

MANIFESTS = Path(__file__).parent / "manifests"
IMAGES = ("avi-python", "avi-java", "avi-fortran")
PARAMETERS = "radius: float = 1.0\nsurvey = 'DR3'\norder = 6"
TASK = "class SkyMap(AviTask):\n    order = AviParameter(6)\n"
CASES = sorted(path.stem for path in MANIFESTS.glob("*.toml"))


def told(folder: Path, manifest: Path) -> str:
    """Return what is said of a folder with this manifest."""
    files = {"pipelines/count.ipynb": notebook("1", parameters=PARAMETERS), "pipelines/sky_map.py": TASK}
    write_avi(folder, {**files, "pipelines/prepare.ipynb": notebook("1")})
    (folder / "avi.toml").write_bytes(manifest.read_bytes())
    with pytest.raises(FolderProblem) as refused:
        read_release(folder, images=IMAGES)
    return str(refused.value)


@pytest.mark.parametrize("case", CASES)
def test_a_broken_manifest_is_told_what_is_wrong_where_and_what_would_be_accepted(
    tmp_path: Path, case: str
) -> None:
    assert told(tmp_path, MANIFESTS / f"{case}.toml") == (MANIFESTS / f"{case}.txt").read_text().rstrip("\n")


@pytest.mark.parametrize("case", CASES)
def test_a_message_is_one_line_that_can_be_shown(case: str) -> None:
    message = (MANIFESTS / f"{case}.txt").read_text().rstrip("\n")
    assert message.isprintable()
    assert len(message) <= LONGEST_PROBLEM
    assert message.startswith("avi.toml")


def test_there_are_at_least_forty_of_them_each_with_its_message() -> None:
    assert len(CASES) >= 40
    assert [path for path in MANIFESTS.glob("*.toml") if not path.with_suffix(".txt").is_file()] == []


def test_only_what_has_no_single_line_is_told_without_one() -> None:
    without = [case for case in CASES if ", line " not in (MANIFESTS / f"{case}.txt").read_text()]
    assert without == ["deep-list", "digits-without-end"]


def link(target: str | Path):
    return lambda path: path.symlink_to(target)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (link("avi.toml"), "is a link that leads to itself; put the file in its place"),
        (link("nowhere.toml"), "is a link to nothing; put the file in its place"),
        (link("/etc/passwd"), "is a link out of the AVI's folder; put the file in its place"),
        (Path.mkdir, "is not a file; it must be a plain file, or not be there"),
        (os.mkfifo, "is not a file; it must be a plain file, or not be there"),
        (lambda path: path.write_text("#" * 300_000), "is larger than 256 kB"),
    ],
)
def test_what_is_no_plain_file_of_a_fair_size_is_told_so(tmp_path, make, words) -> None:
    make(write_avi(tmp_path, {"app.ipynb": notebook("1")}) / "avi.toml")
    with pytest.raises(FolderProblem) as refused:
        read_release(tmp_path)
    assert str(refused.value) == f"avi.toml: {words}"


@pytest.mark.parametrize(
    "text",
    [
        ".".join("a" * 100_000) + " = 1",
        "[" + ".".join("a" * 100_000) + "]",
        "x = {" + ".".join(['"a\\""'] * 40_000) + " = 1}",
        "'a'" + " . 'a'" * 40_000 + " = 1",
        "a" * 200_000,
        '"' * 200_001,
        "a." * 100_000,
    ],
)
def test_no_key_takes_the_platforms_time_or_memory(tmp_path, text) -> None:
    """`tomllib` itself takes minutes and gigabytes for a key of some ten thousand names."""
    write_avi(tmp_path, {"app.ipynb": notebook("1")})
    (tmp_path / "avi.toml").write_text(text)
    begun = time.process_time()
    with pytest.raises(FolderProblem, match=r"avi\.toml, line 1"):
        read_release(tmp_path)
    assert time.process_time() - begun < 2


def test_the_line_of_a_mistake_behind_a_long_list_is_found_quickly(tmp_path) -> None:
    write_avi(tmp_path, {"app.ipynb": notebook("1")})
    lines = "\n".join('  "x",' for _ in range(10_000))
    (tmp_path / "avi.toml").write_text(f"keywords = [\n{lines}\n]\n")
    begun = time.process_time()
    with pytest.raises(FolderProblem, match="line 1: keywords: must have at most 50 entries; it has 10000"):
        read_release(tmp_path)
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    "value", ["1" + "+1" * 3000, "0x" + "f" * 9000 + "+x", "-" * 900 + "x", "[" + "0x" + "f" * 9000 + "]"]
)
def test_a_default_that_python_cannot_write_out_is_refused_in_words(tmp_path, value) -> None:
    write_avi(tmp_path, {"pipelines/p.ipynb": notebook("1", parameters=f"x = {value}")})
    with pytest.raises(FolderProblem, match=r"pipelines/p\.ipynb"):
        read_release(tmp_path)


def test_a_name_that_is_no_text_is_refused_in_text(tmp_path) -> None:
    write_avi(tmp_path, {"app.ipynb": notebook("1")})
    (tmp_path / "dashboard_\udcff.ipynb").write_text(notebook("1"))
    with pytest.raises(FolderProblem, match="must be text that can be shown; rename it") as refused:
        read_release(tmp_path)
    assert str(refused.value).isprintable()
