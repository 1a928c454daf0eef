"""Jobs of notebooks, run as a container runs them: real papermill, real kernels, a played platform."""

import json
import os
import select
import subprocess
import sys

import pytest

from tests.support.avis import notebook, write_avi
from tests.support.jobs import (
    AVIS,
    document_of,
    finish,
    job_environment,
    notebook_avi,
    played_platform,
    run_job,
    start_runner,
)


def test_a_notebook_gets_its_parameters_and_leaves_results(tmp_path):
    ran = run_job(tmp_path, document_of("works", a=40, b=1.5, label="total"))
    assert ran.exit_code == 0, ran.log
    assert ran.outcome.status == "completed"
    assert ran.result("sum.txt") == "total = 41.5\n"
    assert "total = 41.5" in ran.log
    assert ran.platform.outcomes == [ran.outcome]


def test_a_parameter_without_a_default_is_taken_without_a_word(tmp_path):
    code = write_avi(
        tmp_path / "avi", {"pipelines/main.ipynb": notebook("print(label)", parameters="label: str")}
    )
    ran = run_job(tmp_path, document_of("", folder=code, label="north"), code=code)
    assert [line for line in ran.log.splitlines() if not line.startswith("gavip: ")] == ["north"]


def test_results_are_described_by_type_size_hash_and_title(tmp_path):
    ran = run_job(tmp_path, document_of("works"))
    entries = {entry.name: entry for entry in ran.outcome.results}
    assert entries["sum.txt"].media_type == "text/plain"
    assert entries["sum.txt"].size == len("sum = 5.0\n")
    assert entries["main.ipynb"].media_type == "application/x-ipynb+json"
    assert entries["main.ipynb"].title == "Executed notebook: main"


def test_progress_moves_and_ends_at_one(tmp_path):
    # Slow enough for the reporter to see the cells one by one.
    code = notebook_avi(tmp_path / "avi", *["import time; time.sleep(0.8)"] * 3)
    ran = run_job(tmp_path, document_of("", folder=code), code=code)
    fractions = [report.fraction for report in ran.platform.progress]
    assert fractions == sorted(fractions)
    assert any(0 < fraction < 1 for fraction in fractions)
    assert {report.step for report in ran.platform.progress} >= {"main"}
    assert [report for report in ran.platform.progress if report.step][-1].cells == 3


def test_a_long_cell_still_gives_heartbeats(tmp_path):
    code = notebook_avi(tmp_path / "avi", "import time; time.sleep(3)")
    document = document_of("", folder=code).model_copy(update={"heartbeat": 0.3})
    ran = run_job(tmp_path, document, code=code)
    assert len(ran.platform.progress) >= 8


def test_code_tells_its_own_progress_and_titles(tmp_path):
    code = notebook_avi(
        tmp_path / "avi",
        "from avi_kernel.pipelines import progress, result\nimport time",
        "progress(0.5, 'half of the sky'); time.sleep(1.5)",
        "result('map.txt', title='Map of the sky').write_text('stars')",
    )
    ran = run_job(tmp_path, document_of("", folder=code), code=code)
    assert "half of the sky" in {report.message for report in ran.platform.progress}
    titles = {entry.name: entry.title for entry in ran.outcome.results}
    assert titles["map.txt"] == "Map of the sky"


@pytest.mark.parametrize(
    ("pipeline", "code", "words", "cell"),
    [
        ("raises/main", "raised", "ValueError: no star within 1.0 deg", 2),
        ("exits/main", "exited", "ended its own interpreter with status 3", 1),
        ("exits/sys_exit", "exited", "sys.exit(3)", 1),
        ("exits/interrupt", "raised", "KeyboardInterrupt", 0),
        ("syntax-error/main", "raised", "SyntaxError", 1),
    ],
)
def test_a_failure_names_its_cell_and_cause(tmp_path, pipeline, code, words, cell):
    avi, pipeline = pipeline.split("/")
    ran = run_job(tmp_path, document_of(avi, pipeline))
    error = ran.outcome.error
    assert ran.exit_code == 1
    assert error is not None
    assert (error.code, error.cell) == (code, cell)
    assert words in error.message
    notebook = json.loads((AVIS / avi / "pipelines" / f"{pipeline}.ipynb").read_text())
    assert error.source == "".join(notebook["cells"][cell]["source"])


def test_a_failing_notebook_is_kept_as_far_as_it_came(tmp_path):
    ran = run_job(tmp_path, document_of("raises"))
    executed = json.loads(ran.result("main.ipynb"))
    assert "before the failing cell" in json.dumps(executed)
    assert "no star within" in json.dumps(executed)
    assert "\x1b[" not in ran.outcome.error.traceback


def test_a_killed_kernel_is_told_from_one_that_exits(tmp_path):
    code = notebook_avi(tmp_path / "avi", "import os, signal", "os.kill(os.getpid(), signal.SIGKILL)")
    ran = run_job(tmp_path, document_of("", folder=code), code=code)
    assert ran.outcome.error.code == "killed"
    assert "memory" in ran.outcome.error.hint


def test_leaving_early_without_an_error_is_success(tmp_path):
    ran = run_job(tmp_path, document_of("exits", "sys_exit", status=0))
    assert ran.outcome.status == "completed"


def test_steps_run_in_order_and_read_one_another(tmp_path):
    ran = run_job(tmp_path, document_of("steps", "total", count=4, scale=0.5))
    assert ran.exit_code == 0, ran.log
    assert ran.result("total.txt") == "7.0"
    names = [entry.name for entry in ran.outcome.results]
    assert {"fetch.ipynb", "square.ipynb", "total.ipynb"} <= set(names)


@pytest.mark.parametrize("avi", ["no-parameters", "no-kernelspec"])
def test_an_incomplete_notebook_still_runs(tmp_path, avi):
    assert "42" in run_job(tmp_path, document_of(avi)).log


def test_a_wrong_parameter_is_refused_again_by_the_runner(tmp_path):
    document = document_of("works").model_copy(update={"parameters": {"a": 1000}})
    ran = run_job(tmp_path, document)
    assert ran.outcome.error.code == "bad_parameters"
    assert "at most 100" in ran.outcome.error.message


def test_a_parameter_name_that_is_code_never_reaches_the_notebook(tmp_path):
    mark = tmp_path / "mark"
    name = f"a=1\nopen({str(mark)!r}, 'w')\nb"
    document = document_of("works").model_copy(update={"parameters": {name: 1}})
    ran = run_job(tmp_path, document)
    assert ran.outcome.error.code == "bad_parameters"
    assert not mark.exists()


def test_braces_in_a_folder_are_no_templates(tmp_path):
    code = notebook_avi(tmp_path / "{avi}", "print(6 * 7)")
    assert run_job(tmp_path / "{job}", document_of("", folder=code), code=code).exit_code == 0


def test_what_the_author_left_open_is_flushed(tmp_path):
    code = notebook_avi(
        tmp_path / "avi",
        "import os; f = open(os.environ['GAVIP_RESULTS_DIR'] + '/open.txt', 'w')",
        "f.write('all of it');",
    )
    assert run_job(tmp_path, document_of("", folder=code), code=code).result("open.txt") == "all of it"


def test_odd_results_get_names_that_the_platform_serves(tmp_path):
    code = notebook_avi(
        tmp_path / "avi",
        "import os, pathlib; r = pathlib.Path(os.environ['GAVIP_RESULTS_DIR'])",
        "(r / 'plots').mkdir(); (r / 'plots' / 'a b.png').write_text('png')",
        "pathlib.Path('data.csv').write_text('1,2'); (r / 'link.csv').symlink_to(pathlib.Path('data.csv').resolve())",
        "(r / '.hidden').write_text('no')",
    )
    ran = run_job(tmp_path, document_of("", folder=code), code=code)
    assert {entry.name for entry in ran.outcome.results} == {"main.ipynb", "plots_a_b.png", "link.csv"}
    assert not (ran.attempt / "results" / "link.csv").is_symlink()


def test_modules_beside_the_notebook_are_found_and_shadow_nothing(tmp_path):
    code = notebook_avi(tmp_path / "avi", "import stars; print(stars.COUNT)")
    (code / "stars.py").write_text("COUNT = 109261")
    (code / "zmq.py").write_text("raise RuntimeError('shadowed')")
    ran = run_job(tmp_path, document_of("", folder=code), code=code)
    assert "109261" in ran.log


def test_the_attempts_token_is_not_handed_to_the_code(tmp_path):
    code = notebook_avi(tmp_path / "avi", "import os; print('token:', os.environ.get('GAVIP_TOKEN'))")
    assert "token: None" in run_job(tmp_path, document_of("", folder=code), code=code).log


def test_a_service_that_restarts_is_waited_for(tmp_path):
    with played_platform(document_of("works")) as platform:
        platform.refusals["/attempts/self"] = [503, 502, 503]
        platform.refusals["/attempts/self/outcome"] = [503, 503]
        ran = finish(tmp_path, platform, AVIS / "works")
    assert ran.exit_code == 0
    assert ran.platform.outcomes == [ran.outcome]


def test_a_dead_token_ends_the_runner_at_once(tmp_path):
    with played_platform(document_of("works")) as platform:
        platform.refusals["/attempts/self"] = [401]
        ran = finish(tmp_path, platform, AVIS / "works")
    assert ran.exit_code == 3
    assert not (ran.attempt / "outcome.json").exists()


def test_an_outcome_that_cannot_be_reported_lies_in_the_folder(tmp_path):
    with played_platform(document_of("works")) as platform:
        platform.refusals["/attempts/self/outcome"] = [409]
        ran = finish(tmp_path, platform, AVIS / "works")
    assert ran.exit_code == 0
    assert ran.outcome.status == "completed"
    assert "outcome was left" in ran.log


def test_no_kernel_outlives_a_runner_that_is_killed(tmp_path):
    with played_platform(document_of("sleeps")) as platform:
        runner = start_runner(job_environment(tmp_path, AVIS / "sleeps", platform.url))
        assert runner.stdout is not None
        assert any("asleep" in line for line in runner.stdout)
        children = _children(runner.pid)
        assert children
        runner.kill()
        runner.communicate(timeout=30)
        for child in children:
            _wait_gone(child)


def _children(pid: int) -> list[int]:
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=True
    )
    return [int(word) for word in found.stdout.split()]


def _wait_gone(pid: int) -> None:
    """Wait at most 10 s for the end of a process that is not our child."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended, _, _ = select.select([descriptor], [], [], 10)
    os.close(descriptor)
    assert ended


def test_the_kernels_process_imports_nothing_of_the_working_directory(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "json.py").write_text("raise RuntimeError('shadowed')")
    ran = run_job(tmp_path, document_of("works"))
    assert ran.exit_code == 0, ran.log


def test_the_runner_says_how_it_is_used():
    ran = subprocess.run([sys.executable, "-m", "avi_kernel"], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "usage" in ran.stderr


def test_the_mend_spares_the_runner_its_useless_imports():
    code = (
        "import sys; from avi_kernel import fast_imports; fast_imports.apply();"
        "import avi_kernel.pipelines.notebooks; print(bool(sys.modules.get('rfc3987_syntax')))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_the_test_avis_are_the_ones_that_are_described():
    described = (AVIS / "README.md").read_text()
    assert [path.name for path in AVIS.iterdir() if path.is_dir() and f"`{path.name}`" not in described] == []
