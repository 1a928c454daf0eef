"""What a container prints arrives whole, in order, and waits while nobody writes it down."""

import os
import selectors
import socket
from contextlib import contextmanager, suppress

import pytest

from avi_kernel.box.printing import Printing
from tests.support.lines import BOUND


@contextmanager
def writer_down(path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen(8)
        yield listening
    path.unlink()


class Printer:
    """A pipe with its loop, driven by hand."""

    def __init__(self, path):
        self.words = []
        self.selector = selectors.DefaultSelector()
        self.printing = Printing(self.selector, path=str(path), on_word=self.words.append)
        self.into = os.dup(self.printing.into)
        self.printing.start()

    def step(self):
        for key, mask in self.selector.select(0.05):
            key.data(mask)

    def until(self, condition):
        for _ in range(int(BOUND / 0.05)):
            if condition():
                return
            self.step()
        raise AssertionError("it never came")

    def received(self, line, size):
        data = b""
        line.setblocking(False)

        def enough():
            nonlocal data
            with suppress(BlockingIOError):
                data += line.recv(1 << 20)
            return len(data) >= size

        self.until(enough)
        return data

    def close(self):
        os.close(self.into)
        self.until(lambda: not self.printing.left)
        for key in list(self.selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self.selector.close()


@pytest.fixture
def printer(tmp_path):
    made = Printer(tmp_path / "log")
    made.path = tmp_path / "log"
    return made


def test_what_is_printed_before_anybody_listens_waits(printer):
    os.write(printer.into, b"first ")
    printer.step()
    with writer_down(printer.path) as listening:
        printer.printing.connect()
        line, _ = listening.accept()
        os.write(printer.into, b"second")
        assert printer.received(line, 12) == b"first second"
        printer.close()
        line.close()


def test_a_writer_down_that_is_started_again_gets_the_rest(printer):
    with writer_down(printer.path) as listening:
        printer.printing.connect()
        line, _ = listening.accept()
        os.write(printer.into, b"one")
        assert printer.received(line, 3) == b"one"
        line.close()
    printer.until(lambda: not printer.printing.connected)
    os.write(printer.into, b"two")
    printer.step()
    with writer_down(printer.path) as listening:
        printer.printing.connect()
        line, _ = listening.accept()
        assert printer.received(line, 3) == b"two"
        printer.close()
        line.close()


def test_more_than_a_pipe_holds_arrives_in_order(printer):
    with writer_down(printer.path) as listening:
        printer.printing.connect()
        line, _ = listening.accept()
        text = b"".join(b"%06d" % number for number in range(10_000))
        os.set_blocking(printer.into, False)
        assert os.write(printer.into, text[:60_000]) == 60_000
        assert printer.received(line, 60_000) == text
        printer.close()
        line.close()


def test_the_platforms_word_is_heard(printer):
    with writer_down(printer.path) as listening:
        printer.printing.connect()
        line, _ = listening.accept()
        line.sendall(b"too_much_written 8 MB\n")
        printer.until(lambda: printer.words)
        assert printer.words == ["too_much_written 8 MB"]
        printer.close()
        line.close()
