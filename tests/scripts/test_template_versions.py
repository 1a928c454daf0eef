"""A version of a template is kept once and for all; a change asks for the next."""

import shutil
from pathlib import Path

import pytest

from scripts import template_versions


@pytest.fixture
def readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of the template `python`, of which one version is kept."""
    for name in ("SOURCES", "PACKAGED"):
        folder = shutil.copytree(getattr(template_versions, name), tmp_path / name)
        monkeypatch.setattr(template_versions, name, folder)
    return tmp_path / "SOURCES/python/template/README.md.jinja"


def test_a_change_without_a_version_is_told(readme):
    readme.write_text("other\n")
    told = template_versions.problem("python", write=True)
    assert told is not None
    assert "raise `version` in avi_templates/python/template.toml" in told


def test_a_new_version_is_added_and_the_old_one_stays(readme, tmp_path):
    readme.write_text("other\n")
    described = tmp_path / "SOURCES/python/template.toml"
    before = template_versions.version_of("python")
    described.write_text(described.read_text().replace(before, "99.0.0"))
    assert "is not kept yet" in (template_versions.problem("python", write=False) or "")
    assert template_versions.problem("python", write=True) is None
    assert template_versions.problem("python", write=False) is None
    (tmp_path / "unpacked").mkdir()
    kept = template_versions.Repository(tmp_path / "unpacked", "python")
    assert {before, "99.0.0"} <= set(kept.versions())
    assert kept.git("show", "v99.0.0:template/README.md.jinja") == "other"
    assert kept.git("show", f"v{before}:template/README.md.jinja") != "other"
