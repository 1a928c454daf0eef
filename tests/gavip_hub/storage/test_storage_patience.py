"""A program is read for so long, and no longer."""

import subprocess
import time
from contextlib import contextmanager
from signal import SIGKILL

from gavip_hub.storage.patience import end, patient


@contextmanager
def running(*command):
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0, process_group=0) as program:
        try:
            yield program
        finally:
            end(program)


def test_all_that_it_prints_is_read():
    with running("sh", "-c", "printf one; printf two") as program:
        assert patient(program, seconds=60).read() == b"onetwo"
        assert program.wait() == 0


def test_a_line_comes_as_it_is_printed():
    with running("sh", "-c", "echo one; exec sleep 600") as program:
        assert patient(program, seconds=60).readline() == b"one\n"
        assert program.poll() is None


def test_one_that_says_nothing_is_ended():
    begun = time.monotonic()
    with running("sleep", "600") as program:
        assert patient(program, seconds=0.05).read() == b""
        assert program.wait() == -SIGKILL
    assert time.monotonic() - begun < 60


def test_one_that_talks_without_end_is_ended_too():
    with running("yes") as program:
        output = patient(program, seconds=0.2)
        while output.read(65_536):
            pass
        assert program.wait() == -SIGKILL


def test_what_it_said_before_is_read():
    with running("sh", "-c", "echo one; exec sleep 600") as program:
        assert patient(program, seconds=1.0).read() == b"one\n"


def test_what_it_started_ends_with_it():
    begun = time.monotonic()
    with running("sh", "-c", "echo one; sleep 600; echo two") as program:
        assert patient(program, seconds=0.5).read() == b"one\n"
        assert program.wait() == -SIGKILL
    assert time.monotonic() - begun < 60
