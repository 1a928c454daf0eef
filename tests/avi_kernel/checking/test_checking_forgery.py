"""An AVI that wants other marks than it has does not get them: what it can write to is not where they come from."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from avi_kernel import runner
from avi_kernel.protocol.scorecard import Mark, Scorecard, unjudged
from gavip_hub.testing import EPOCH
from tests.support.avis import notebook, write_avi
from tests.support.jobs import document_of, job_environment, played_platform

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the check stands apart on Linux alone")
FORGED = Scorecard(
    marks=unjudged([Mark(key="interface", state="passed", sentence="Forged.")], reason="Forged."),
    checked_at=EPOCH,
)
FORGE = """
import os, pathlib, sys, time
card = pathlib.Path({card!r})
print("gavip: all marks passed")
card.write_text({forged!r})
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        pathlib.Path({note!r}).write_text(str(os.getpid()))
        while True:
            card.write_text({forged!r})
            time.sleep(0.01)
    os._exit(0)
raise ValueError("its true end")
"""
KILL = """
import os, pathlib, signal, psutil
pathlib.Path({card!r}).write_text({forged!r})
for parent in psutil.Process().parents():
    if "avi_kernel.checking" in parent.cmdline() and "--report" in parent.cmdline():
        parent.kill()
"""

TRAP = """
import os, pathlib
scratch = pathlib.Path(os.environ["TMPDIR"]).parents[1]
following = scratch / "run-3-rounds"  # of which the check counts how many there are
following.mkdir()
(following / "log.txt").symlink_to({note!r})
"""


def checked(tmp_path: Path, code: str) -> str:
    """Check an AVI with this interface as a job does; return the scorecard that is left."""
    results, note = tmp_path / "results", tmp_path / "note"
    results.mkdir()
    given = {"card": str(results / "scorecard.json"), "forged": FORGED.model_dump_json(), "note": str(note)}
    folder = write_avi(tmp_path / "avi", {"app.ipynb": notebook(code.format(**given))})
    shadow = tmp_path / "cwd/avi_kernel/__init__.py"
    shadow.parent.mkdir(parents=True)
    shadow.write_text("raise SystemExit('loaded from the working directory')")
    call = "import sys, os, pathlib; from avi_kernel.checking.job import leave_scorecard as leave; "
    call += (
        "leave(code=pathlib.Path(sys.argv[1]), results=pathlib.Path(sys.argv[2]), report=lambda *_: None, "
    )
    call += "seconds=150.0, environ=os.environ)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", call, str(folder), str(results)],
        cwd=tmp_path / "cwd",
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr


def test_an_avi_that_writes_the_scorecard_gets_its_true_marks(tmp_path):
    checked(tmp_path, FORGE)
    file = tmp_path / "results/scorecard.json"
    card = Scorecard.model_validate_json(file.read_bytes())
    mark = card.mark("interface")
    assert (mark.state, "its true end" in mark.sentence) == ("failed", True)
    assert not psutil.pid_exists(int((tmp_path / "note").read_text()))


def test_an_avi_that_ends_its_check_gets_no_scorecard(tmp_path):
    told = checked(tmp_path, KILL)
    assert "left no scorecard" in told


def test_what_an_avi_lays_in_the_way_of_the_next_run_is_not_written_to(tmp_path):
    (tmp_path / "note").write_text("as it was")
    assert "left no scorecard" in checked(tmp_path, TRAP)
    assert (tmp_path / "note").read_text() == "as it was"


def test_a_check_that_breaks_down_does_not_end_like_one_that_found_something(tmp_path):
    call = [
        sys.executable,
        "-m",
        "avi_kernel.checking",
        str(tmp_path),
        "--report",
        str(tmp_path / "card.json"),
    ]
    ended = subprocess.run([*call, "--scratch", str(tmp_path / "gone")], capture_output=True, check=False)
    assert (ended.returncode, (tmp_path / "card.json").exists()) == (3, False)


def test_before_a_job_of_the_platforms_own_no_code_of_a_release_runs(tmp_path, monkeypatch):
    def start(**_):
        raise AssertionError

    pytest.importorskip("pyarrow")  # a runner keeps others from loading it, in its process and so in this one
    monkeypatch.setattr(runner.KernelProcess, "start", start)
    with played_platform(document_of("works")) as platform:
        platform.refusals["/attempts/self"] = [403]
        given = job_environment(tmp_path, tmp_path, platform.url)
        assert runner.main({**given, "GAVIP_NO_KERNEL": "1"}) == runner.NOT_STARTED


def test_the_checks_memory_and_descriptors_are_closed_to_what_it_runs():
    code = "from avi_kernel.checking.apart import stand_apart; stand_apart(); import ctypes; "
    code += "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "0"


def test_whoever_left_its_parent_is_ended_too():
    code = """
import os, subprocess, sys, time
from avi_kernel.checking.apart import end_all, stand_apart
stand_apart()
subprocess.run([sys.executable, "-c", "import os, time\\nif os.fork() == 0:\\n os.setsid()\\n time.sleep(600)"])
end_all()
import psutil
print(len(psutil.Process().children(recursive=True)))
"""
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "0"


def test_whoever_goes_on_as_ever_new_processes_is_not_taken_for_gone():
    code = """
import os, time
from avi_kernel.checking.apart import StillThere, end_all, stand_apart
stand_apart()
if os.fork() == 0:
    until = time.monotonic() + 2
    while time.monotonic() < until:
        if os.fork():
            os._exit(0)
    os._exit(0)
try:
    end_all(within=0.5)
except StillThere:
    raise SystemExit
try:
    os.waitpid(-1, os.WNOHANG)
    print("one is left")
except ChildProcessError:
    pass
"""
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == ""
