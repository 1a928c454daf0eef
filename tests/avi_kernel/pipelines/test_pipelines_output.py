"""What a notebook prints: the log has all of it in order, the executed notebook the beginning of each cell's."""

import json

from tests.support.jobs import Ran, document_of, notebook_avi, run_job

FLOOD = "for n in range(30_000): print('line', n, 'x' * 90)"


def ran(tmp_path, *cells: str) -> Ran:
    code = notebook_avi(tmp_path / "avi", *cells)
    return run_job(tmp_path, document_of("", folder=code), code=code)


def logged(job: Ran) -> list[str]:
    """The log's lines that the notebook wrote, without the runner's own."""
    return [line for line in job.log.splitlines() if not line.startswith("gavip: ")]


def printed(job: Ran) -> list[str]:
    """What the executed notebook kept of each cell."""
    cells = json.loads(job.result("main.ipynb"))["cells"]
    return ["".join("".join(each.get("text", "")) for each in cell["outputs"]) for cell in cells]


def test_what_print_libraries_and_children_write_stands_once_in_the_log(tmp_path):
    job = ran(
        tmp_path,
        "print('by print')",
        "import os; os.write(1, b'by a library\\n');",
        "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(\"by a child\")']);",
        "print('by error', file=sys.stderr)",
    )
    assert sorted(logged(job)) == ["by a child", "by a library", "by error", "by print"]
    kept = printed(job)
    assert (kept[0], kept[3]) == ("by print\n", "by error\n")


def test_a_flood_goes_to_the_log_whole_and_to_the_notebook_in_part(tmp_path):
    job = ran(tmp_path, FLOOD, "print('next')")
    lines = logged(job)
    assert [int(line.split()[1]) for line in lines[:-1]] == list(range(30_000))
    assert lines[-1] == "next"
    flood, after = printed(job)
    assert 1_000_000 < len(flood) < 1_000_200
    assert flood.endswith("all of it goes to the job's log.]\n")
    assert after == "next\n"


def test_what_is_not_text_is_refused_as_by_any_stream(tmp_path):
    job = ran(tmp_path, "import sys; sys.stdout.write(7)")
    assert job.outcome.error.ename == "TypeError"


def test_a_forked_child_prints_too(tmp_path):
    job = ran(
        tmp_path,
        "import os\nif os.fork() == 0:\n    print('child', flush=True)\n    os._exit(0)\nos.wait(); print('parent')",
    )
    assert logged(job) == ["child", "parent"]
