"""What the platform says of what it can enforce."""

import os
from pathlib import Path

import pytest

from gavip_hub.backends import sandbox
from gavip_hub.backends.sandbox import MEASURES, SandboxReport, detect
from gavip_hub.exceptions import Unavailable
from tests.support.boxes import needed_report


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """A machine whose bubblewrap may not make namespaces."""
    program = tmp_path / "bin" / "bwrap"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(sandbox, "_programs", lambda: iter([program]))
    return program


def test_a_report_with_everything_says_nothing():
    assert SandboxReport(bwrap=Path("/bwrap"), enforced=frozenset(MEASURES)).notice == ""


@pytest.mark.parametrize("measure", MEASURES)
def test_what_is_missing_is_said_with_its_meaning(measure):
    report = SandboxReport(bwrap=None, enforced=frozenset(MEASURES) - {measure, "sandbox"})
    assert "NOT ENFORCED" in report.notice
    assert f"{measure}: {MEASURES[measure]}" in report.notice


def test_an_ordinary_user_has_no_number_to_give(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert SandboxReport(bwrap=Path("/bwrap"), enforced=frozenset(MEASURES) - {"uid"}).notice == ""


@pytest.mark.sandbox
def test_a_sandbox_that_works_is_found():
    report = needed_report("sandbox")
    assert report.bwrap is not None
    assert {"sandbox", "network"} <= report.enforced


def test_switched_off_is_said():
    report = detect("off")
    assert report.bwrap is None
    assert {"sandbox", "network", "uid"} <= set(report.missing)
    assert "switched off by the setting `sandbox`" in report.notice


def test_a_sandbox_that_fails_is_done_without_and_said_in_the_systems_words(broken):
    report = detect("auto")
    assert report.bwrap is None
    assert "sandbox" in report.missing
    assert "setting up uid map: Permission denied" in report.notice


def test_a_required_sandbox_that_fails_is_an_error(broken):
    with pytest.raises(Unavailable, match="Permission denied"):
        detect("require")
