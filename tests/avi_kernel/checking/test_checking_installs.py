"""Packages that an AVI asks for are there, or named."""

import pytest

from avi_kernel.checking.installs import installs


def mark(tmp_path, text):
    (tmp_path / "requirements.txt").write_text(text)
    return installs(tmp_path)


def test_none_need_be_asked_for(tmp_path):
    assert installs(tmp_path).state == "passed"


def test_what_is_installed_is_enough(tmp_path):
    assert mark(tmp_path, "# ours\npydantic>=2 # models\n\nclick ; python_version > '3'\n").state == "passed"


@pytest.mark.parametrize("wanted", ["no-such-package-here", "pydantic>=99"])
def test_what_is_missing_is_named(tmp_path, wanted):
    found = mark(tmp_path, f"click\n{wanted}\n")
    assert found.state == "failed"
    assert wanted in found.sentence


def test_what_another_system_needs_is_not_wanted_here(tmp_path):
    assert mark(tmp_path, "no-such-package-here; sys_platform == 'plan9'").state == "passed"


def test_what_nobody_can_read_is_refused_with_what_would_be_accepted(tmp_path):
    found = mark(tmp_path, "what is this?")
    assert found.state == "failed"
    assert "line 1" in found.sentence
    assert "one package a line" in found.sentence


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "requirements.txt").symlink_to("/etc/passwd")
    assert installs(tmp_path).state == "failed"


def test_what_the_release_brought_is_enough(tmp_path):
    own = tmp_path / "lib" / "far_stars-2.1.dist-info"
    own.mkdir(parents=True)
    (own / "METADATA").write_text("Metadata-Version: 2.1\nName: far-stars\nVersion: 2.1\n")
    (tmp_path / "requirements.txt").write_text("far_stars>=2")
    assert installs(tmp_path).state == "failed"
    assert installs(tmp_path, {"GAVIP_PACKAGES": str(tmp_path / "lib")}).state == "passed"
