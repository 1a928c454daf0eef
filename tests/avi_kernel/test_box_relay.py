"""Loopback ports of a container lead to the platform's sockets, whatever either side does."""

import selectors
import socket
import threading
from contextlib import contextmanager

import pytest

from avi_kernel.box.relay import MOST_LINKS, PATIENCE, Relay
from tests.support.lines import BOUND, free_port

LARGE = bytes(range(256)) * 20_000


class Clock:
    """Stands still, or jumps each time that somebody looks at it."""

    def __init__(self):
        self.now, self.jump = 0.0, 0.0

    def __call__(self):
        self.now += self.jump
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def relayed(tmp_path, clock):
    """A relay at work in a thread: `port` leads to the socket `path`."""
    selector = selectors.DefaultSelector()
    relay = Relay(selector, clock=clock)
    relay.port, relay.path = free_port(), tmp_path / "s"
    relay.listen(("127.0.0.1", relay.port), str(relay.path))
    ended = threading.Event()

    def work():
        while not ended.is_set():
            for key, mask in selector.select(0.02):
                key.data(mask)
            relay.try_again()

    thread = threading.Thread(target=work)
    thread.start()
    yield relay
    ended.set()
    thread.join()
    for link in list(relay._links):
        link.close()
    for near, *_ in relay._waiting:
        near.close()
    for key in list(selector.get_map().values()):
        key.fileobj.close()
    selector.close()


@contextmanager
def platform_side(path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen(8)
        listening.settimeout(BOUND)
        yield listening


def dial(port):
    return socket.create_connection(("127.0.0.1", port), timeout=BOUND)


def accepted(listening):
    line, _ = listening.accept()
    line.settimeout(BOUND)
    return line


def all_of(line):
    return b"".join(iter(lambda: line.recv(65536), b""))


def test_bytes_go_both_ways_and_so_do_ends(relayed):
    with platform_side(relayed.path) as far, dial(relayed.port) as near, accepted(far) as there:
        near.sendall(b"question")
        near.shutdown(socket.SHUT_WR)
        assert all_of(there) == b"question"
        there.sendall(b"answer")
        there.shutdown(socket.SHUT_WR)
        assert all_of(near) == b"answer"


def test_more_than_fits_into_a_pipe_arrives_whole(relayed):
    with platform_side(relayed.path) as far, dial(relayed.port) as near, accepted(far) as there:
        sending = threading.Thread(target=lambda: (near.sendall(LARGE), near.shutdown(socket.SHUT_WR)))
        sending.start()
        assert all_of(there) == LARGE
        sending.join()


def test_a_platform_that_is_away_for_a_moment_is_waited_for(relayed):
    with dial(relayed.port) as near:
        near.sendall(b"early")
        with platform_side(relayed.path) as far, accepted(far) as there:
            assert there.recv(100) == b"early"


def test_one_that_stays_away_is_not_waited_for_for_ever(relayed, clock):
    with dial(relayed.port) as near:
        clock.jump = PATIENCE + 1
        assert all_of(near) == b""


def test_a_side_that_breaks_off_ends_the_other(relayed):
    with platform_side(relayed.path) as far, dial(relayed.port) as near:
        accepted(far).close()
        assert all_of(near) == b""


def test_connections_are_bounded(relayed):
    held = [dial(relayed.port) for _ in range(MOST_LINKS + 1)]
    for line in held:
        line.settimeout(BOUND)
    assert held[-1].recv(1) == b""
    for line in held:
        line.close()
