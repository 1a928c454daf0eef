"""What requirements.txt asks for and this machine has not is told, with the command that installs it."""

import sys

from avi_kernel.standalone.own_packages import missing, notice


def test_what_is_there_is_not_spoken_of(tmp_path):
    assert notice(tmp_path, ["click", "pydantic>=2"]) == ""


def test_what_is_not_installed_is_named_with_the_command(tmp_path):
    said = notice(tmp_path, ["no-such-package-of-ours>=1 --hash=sha256:" + "0" * 64])
    assert "no-such-package-of-ours>=1" in said
    assert "not installed" in said
    assert f"{sys.executable} -m pip install -r {tmp_path}/requirements.txt" in said


def test_another_version_is_told_with_the_one_that_is_there():
    assert "is installed" in missing(["click<1"])[0]


def test_what_is_for_other_systems_is_not_missing():
    assert missing(["no-such-package-of-ours; sys_platform == 'nowhere'"]) == []
