"""Packages that an AVI asks for are there, or named."""

import pytest

from avi_kernel.checking.installs import installs
from avi_kernel.protocol.requirements import read_requirements


def mark(text, **environ):
    return installs(read_requirements(text), environ)


def test_none_need_be_asked_for():
    assert mark("").state == "passed"


def test_what_is_installed_is_enough():
    assert mark("# ours\npydantic>=2 # models\n\nclick ; python_version > '3'\n").state == "passed"


@pytest.mark.parametrize("wanted", ["no-such-package-here", "pydantic>=99"])
def test_what_is_missing_is_named(wanted):
    found = mark(f"click\n{wanted}\n")
    assert found.state == "failed"
    assert wanted in found.sentence


def test_what_another_system_needs_is_not_wanted_here():
    assert mark("no-such-package-here; sys_platform == 'plan9'").state == "passed"


def test_what_the_release_brought_is_enough(tmp_path):
    own = tmp_path / "lib" / "far_stars-2.1.dist-info"
    own.mkdir(parents=True)
    (own / "METADATA").write_text("Metadata-Version: 2.1\nName: far-stars\nVersion: 2.1\n")
    assert mark("far_stars>=2").state == "failed"
    assert mark("far_stars>=2", GAVIP_PACKAGES=str(tmp_path / "lib")).state == "passed"
