"""Carries bytes between the loopback ports of a container and the platform's sockets beside it.

One thread and no asyncio: what runs this is the first process of every container, and the container pays for it.
"""

import selectors
import socket
import time
from collections.abc import Callable
from contextlib import suppress

PIECE = 64 * 1024
PATIENCE = 15.0
"""Seconds for which the platform's side is tried again: it may be starting anew."""
BETWEEN_TRIES = 0.1
MOST_LINKS = 200
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


def reach(path: str) -> socket.socket:
    """Connect to a socket of the platform, which answers at once or not at all.

    Raises
    ------
    OSError
        Nobody listens there, or too many files are open.
    """
    far = socket.socket(socket.AF_UNIX)
    far.setblocking(False)
    try:
        far.connect(path)
    except OSError:
        far.close()
        raise
    return far


class Link:
    """Two connected sockets, each of which gets what the other one sends.

    Parameters
    ----------
    selector
        What calls back once a socket is ready.
    near, far
        The sockets, which do not block.
    ended
        Called once both sides are closed.
    """

    def __init__(
        self,
        selector: selectors.BaseSelector,
        *,
        near: socket.socket,
        far: socket.socket,
        ended: Callable[["Link"], None],
    ) -> None:
        self._selector = selector
        self._sides = (near, far)
        self._ended = ended
        self._held = {near: b"", far: b""}
        """Socket -> what it is still to be sent."""
        self._silent: set[socket.socket] = set()
        """Sides that have sent their last byte."""
        self._watch()

    def close(self) -> None:
        """Close both sides."""
        for side in self._sides:
            with suppress(KeyError, ValueError):
                self._selector.unregister(side)
            side.close()
        self._ended(self)

    def _other(self, side: socket.socket) -> socket.socket:
        return self._sides[side is self._sides[0]]

    def _watch(self) -> None:
        """Look for what can go on: nothing is read before what came before it was sent."""
        for side in self._sides:
            other = self._other(side)
            wanted = 0 if side in self._silent or self._held[other] else _READ
            wanted |= _WRITE if self._held[side] else 0
            with suppress(KeyError):
                self._selector.unregister(side)
            if wanted:
                self._selector.register(side, wanted, lambda mask, side=side: self._go_on(side, mask))

    def _go_on(self, side: socket.socket, mask: int) -> None:
        try:
            if mask & _WRITE:
                self._send(side)
            if mask & _READ:
                self._receive(side)
        except BlockingIOError:
            pass
        except OSError:
            return self.close()
        if len(self._silent) == len(self._sides) and not any(self._held.values()):
            return self.close()
        self._watch()
        return None

    def _receive(self, side: socket.socket) -> None:
        other = self._other(side)
        if data := side.recv(PIECE):
            self._held[other] = data
            self._send(other)
        else:
            self._silent.add(side)
            self._end_if_sent(other)

    def _send(self, side: socket.socket) -> None:
        if data := self._held[side]:
            with suppress(BlockingIOError):
                self._held[side] = data[side.send(data) :]
        self._end_if_sent(side)

    def _end_if_sent(self, side: socket.socket) -> None:
        """Pass the end on, once everything before it was sent."""
        if self._other(side) in self._silent and not self._held[side]:
            with suppress(OSError):
                side.shutdown(socket.SHUT_WR)


class Relay:
    """All loopback ports of one container.

    Parameters
    ----------
    selector
        What calls back once a socket is ready.
    clock
        Seconds, never set back.
    """

    def __init__(
        self, selector: selectors.BaseSelector, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._selector = selector
        self._clock = clock
        self._waiting: list[tuple[socket.socket, str, float]] = []
        self._links: set[Link] = set()

    def listen(self, address: tuple[str, int], path: str) -> None:
        """Join each connection to a loopback address to the UNIX socket at `path`."""
        listening = socket.create_server(address, backlog=64)
        listening.setblocking(False)
        self._selector.register(listening, _READ, lambda _mask: self._accept(listening, path))

    @property
    def waits(self) -> bool:
        """Whether somebody's other side did not answer yet: call `try_again` soon."""
        return bool(self._waiting)

    def try_again(self) -> None:
        """Connect those whose other side did not answer."""
        waiting, self._waiting = self._waiting, []
        for near, path, since in waiting:
            self._connect(near, path, since)

    def _accept(self, listening: socket.socket, path: str) -> None:
        try:
            near, _ = listening.accept()
        except OSError:  # it went away, or too many files are open
            return
        if len(self._links) + len(self._waiting) >= MOST_LINKS:
            near.close()
            return
        near.setblocking(False)
        self._connect(near, path, self._clock())

    def _connect(self, near: socket.socket, path: str, since: float) -> None:
        try:
            far = reach(path)
        except OSError:
            if self._clock() - since > PATIENCE:
                near.close()
            else:
                self._waiting.append((near, path, since))
            return
        self._links.add(Link(self._selector, near=near, far=far, ended=self._links.discard))
