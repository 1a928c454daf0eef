"""What an AVI's tasks may import or read makes their outputs stale when it changes; what they cannot does not."""

from pathlib import Path

import pytest

from avi_kernel.pipelines.fingerprint import fingerprint
from tests.support.avis import write_avi

COUNTED = {
    "pipelines/main.py": "a task",
    "helpers/deep/constants.py": "a helper module",
    "plugins/late.py": "a module imported by its name at run time",
    "fast.pyc": "a module without source",
    "native.so": "a compiled module",
    "data/zero_points.csv": "a table beside the code",
    "pipelines/report.ipynb": "a notebook that a task executes",
    ".settings.json": "a hidden file",
    "requirements.txt": "packages",
}
NOT_COUNTED = (
    "README.md",
    "LICENSE",
    "avi.toml",
    "app.ipynb",
    "app_outreach.ipynb",
    "dashboard_stars.ipynb",
    "pipelines/__pycache__/main.cpython-311.pyc",
    ".git/HEAD",
    ".gavip/work/x.py",
)


@pytest.fixture
def avi(tmp_path) -> Path:
    """An AVI's folder with one file of each kind."""
    return write_avi(tmp_path / "avi", dict.fromkeys((*COUNTED, *NOT_COUNTED), "before"))


def of(folder: Path, **places) -> str:
    """Return the fingerprint as a new process finds it."""
    fingerprint.cache_clear()
    return fingerprint(folder, **places)


@pytest.mark.parametrize("name", COUNTED, ids=COUNTED.values())
def test_a_change_counts(avi, name):
    before = of(avi)
    (avi / name).write_text("after!")
    assert of(avi) != before


@pytest.mark.parametrize("name", COUNTED, ids=COUNTED.values())
def test_a_removed_or_renamed_file_counts(avi, name):
    before = of(avi)
    (avi / name).rename(avi / "elsewhere")
    assert of(avi) != before


@pytest.mark.parametrize("name", NOT_COUNTED)
def test_what_no_task_reads_does_not_count(avi, name):
    before = of(avi)
    (avi / name).write_text("after!")
    assert of(avi) == before


def test_two_files_are_not_one_that_looks_like_both(tmp_path):
    one = write_avi(tmp_path / "one", {"a.py": "1", "b.py": "2"})
    other = write_avi(tmp_path / "other", {"a.py": "1\nb.py2"})
    assert of(one) != of(other)


def test_outputs_kept_inside_the_folder_do_not_count(avi):
    kept = avi / "cache" / "tasks"
    before = of(avi, outputs=kept)
    write_avi(kept, {"Task-1/numbers.json": "[]"})
    assert of(avi, outputs=kept) == before


def test_another_version_of_a_package_counts(avi, tmp_path, monkeypatch):
    packages = tmp_path / "site-packages"
    (packages / "stars-1.0.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(packages)
    before = of(avi)
    (packages / "stars-1.0.dist-info").rename(packages / "stars-1.1.dist-info")
    assert of(avi) != before


def test_a_folder_that_is_copied_elsewhere_is_the_same(avi):
    before = of(avi)
    assert of(avi.rename(avi.with_name("moved"))) == before
