"""One cause gets one mark."""

import pytest

from avi_kernel.checking.findings import Findings
from avi_kernel.checking.marks import judged
from avi_kernel.checking.trials import Trial
from avi_kernel.checking.unit_tests import Suite
from avi_kernel.protocol.runs import JobError
from avi_kernel.protocol.scorecard import HostCall, Mark


def seen(**changes):
    """Return what was seen of an AVI in which all is well, but for the changes."""
    fields = {
        "installs": Mark(key="installs", state="passed", sentence="."),
        "parameters": Mark(key="parameters", state="passed", sentence="."),
        "pages": [trial("app.ipynb")],
        "trials": [trial()],
        "repeated": [trial()],
        "tested": Suite(state="passed", sentence="3 passed"),
        "held": {"counts": [50.0] * 5},
    }
    return Findings(**{**fields, **changes})


def trial(name="counts", **changes):
    return Trial(
        **{"name": name, "test": "", "seconds": 1.0, "memory_mb": 90.0, "asked_mb": 400.0, **changes}
    )


def error(code="raised", **fields):
    return JobError(**{"code": code, "message": "counts, cell 1: NameError", "ename": "NameError", **fields})


def not_passed(findings):
    return {mark.key: mark.state for mark in judged(findings) if mark.state != "passed"}


STRANGE = [HostCall(host="catalogue.example", port=443, declared=False)]
STEADY = [50.0 + 2 * number for number in range(20)]


def test_a_good_avi_passes_everything():
    assert not_passed(seen()) == {}


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({"pages": [trial("app.ipynb", error=error())]}, "interface"),
        ({"trials": [trial(error=error())], "repeated": [trial()]}, "tests"),
        ({"complaints": {"counts": ["there is no result a.csv"]}}, "tests"),
        ({"tested": Suite(state="failed", sentence="1 failed")}, "tests"),
        ({"differences": {"counts": {"a.csv": "row 1"}}}, "repeatable"),
        ({"repeated": [trial(error=error())]}, "repeatable"),
        ({"calls": STRANGE}, "hosts"),
        ({"held": {"counts": STEADY}}, "memory"),
        ({"trials": [trial(memory_mb=500.0)]}, "memory"),
        ({"out_of_time": True}, "time"),
    ],
)
def test_one_fault_fails_one_mark(changes, failed):
    assert not_passed(seen(**changes)) == {failed: "failed"}


@pytest.mark.parametrize(
    ("why", "calls", "failed"),
    [
        ({"error": error("time_limit")}, [], "time"),
        ({"error": error(), "undeclared": True}, STRANGE, "hosts"),
        ({"error": error("killed", message="it was killed (signal 9)", ename="")}, [], "memory"),
        ({"error": error(ename="numpy._ArrayMemoryError")}, [], "memory"),
    ],
)
def test_what_ends_for_another_cause_is_not_judged_twice(why, calls, failed):
    pages = not_passed(seen(pages=[trial("app.ipynb", **why)], calls=calls))
    assert pages == {"interface": "skipped", failed: "failed"}
    runs = not_passed(seen(trials=[trial(**why)], repeated=[trial()], calls=calls))
    assert runs == {"tests": "skipped", failed: "failed"}


def test_an_undeclared_host_is_shown_with_the_line_to_write():
    mark = next(mark for mark in judged(seen(calls=STRANGE)) if mark.key == "hosts")
    assert 'hosts = ["catalogue.example"]' in mark.change


def test_a_pipeline_without_a_test_is_a_warning_with_the_lines_of_one():
    findings = seen(untested=["counts"], trials=[trial()])
    mark = next(mark for mark in judged(findings) if mark.key == "tests")
    assert mark.state == "warning"
    assert "[[pipelines.counts.tests]]" in mark.change


def test_memory_that_is_nearly_all_is_a_warning_with_the_line_to_write():
    mark = next(mark for mark in judged(seen(trials=[trial(memory_mb=390.0)])) if mark.key == "memory")
    assert mark.state == "warning"
    assert "[pipelines.counts]\nmemory = 550" in mark.change


def test_the_traceback_of_the_failing_cell_is_among_the_details():
    failure = error(source="print(catalog)", traceback="NameError: name 'catalog' is not defined")
    mark = next(
        mark for mark in judged(seen(pages=[trial("app.ipynb", error=failure)])) if mark.key == "interface"
    )
    assert mark.details == ["NameError: name 'catalog' is not defined"]
