"""What a notebook prints: the log has all of it in order, the executed notebook the beginning of each cell's."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import zmq
from ipykernel.iostream import IOPubThread, OutStream
from jupyter_client.session import Session

from avi_kernel.pipelines.kernel_streams import KEPT_OF_A_CELL, LEFT_OUT, CellStream
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


class Met(str):
    """Text whose writers meet, where nothing keeps them apart, as each has looked at how much is kept of it."""

    __slots__ = ()
    meeting = threading.Barrier(2)

    def __getitem__(self, part):
        with suppress(threading.BrokenBarrierError):
            self.meeting.wait(timeout=0.5)
        return Met(super().__getitem__(part))


@pytest.fixture
def pub_thread():
    with zmq.Context() as context, context.socket(zmq.PUB) as socket:
        thread = IOPubThread(socket)
        thread.start()
        yield thread
        thread.stop()


def test_two_threads_at_once_do_not_lift_the_limit(pub_thread, monkeypatch):
    kept = []
    monkeypatch.setattr(OutStream, "write", lambda _stream, string: kept.append(string))
    stream = CellStream(Session(), pub_thread, "stdout", watchfd=False)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(stream.write, [Met("x" * KEPT_OF_A_CELL)] * 2))
    stream.write("more")
    assert sorted(map(len, kept)) == [len(LEFT_OUT), KEPT_OF_A_CELL]


def test_what_is_not_text_is_refused_as_by_any_stream(tmp_path):
    job = ran(tmp_path, "import sys; sys.stdout.write(7)")
    assert job.outcome.error.ename == "TypeError"


def test_a_forked_child_prints_too(tmp_path):
    job = ran(
        tmp_path,
        "import os\nif os.fork() == 0:\n    print('child', flush=True)\n    os._exit(0)\nos.wait(); print('parent')",
    )
    assert logged(job) == ["child", "parent"]
