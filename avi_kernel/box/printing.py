"""What a container prints, on its way to the platform, which writes it down."""

import os
import selectors
import socket
from collections.abc import Callable
from contextlib import suppress

from avi_kernel.box.relay import reach

PIECE = 64 * 1024
LONGEST_WORD = 200
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Printing:
    """A pipe whose content goes to a socket of the platform, and waits while nobody listens there.

    Parameters
    ----------
    selector
        What calls back once a descriptor is ready.
    path
        The socket; that it is connected also shows the platform that the container lives.
    on_word
        Called with what the platform says: why the container is to end.
    """

    def __init__(
        self, selector: selectors.BaseSelector, *, path: str, on_word: Callable[[str], None]
    ) -> None:
        self._selector = selector
        self._path = path
        self._on_word = on_word
        self._log: socket.socket | None = None
        self._held = b""
        self._open = True
        self._pipe, self.into = os.pipe()
        """`into` is where the command prints to."""
        os.set_blocking(self._pipe, False)

    @property
    def connected(self) -> bool:
        """Whether somebody writes it down."""
        return self._log is not None

    @property
    def left(self) -> bool:
        """Whether something was printed, or may be, that did not arrive yet."""
        return self._open or bool(self._held)

    def start(self) -> None:
        """Give the command's end of the pipe up, once the command has it."""
        os.close(self.into)
        self._watch()

    def connect(self) -> None:
        """Try to reach who writes it down."""
        with suppress(OSError):
            self._log = reach(self._path)
            self._watch()

    def _watch(self) -> None:
        """Read nothing before what came before it was sent: who prints too fast waits."""
        self._set(self._pipe, _READ if self._open and not self._held else 0, self._take)
        if self._log is not None:
            self._set(self._log, _READ | (_WRITE if self._held else 0), self._talk)

    def _set(self, file: int | socket.socket, wanted: int, act: Callable[[int], None]) -> None:
        with suppress(KeyError):
            self._selector.unregister(file)
        if wanted:
            self._selector.register(file, wanted, act)

    def _take(self, _mask: int) -> None:
        with suppress(BlockingIOError):
            self._held = os.read(self._pipe, PIECE)
            self._open = bool(self._held)
        self._send()
        self._watch()

    def _talk(self, mask: int) -> None:
        if mask & _READ:
            self._listen()
        if mask & _WRITE:
            self._send()
        self._watch()

    def _send(self) -> None:
        if self._log is None or not self._held:
            return
        try:
            self._held = self._held[self._log.send(self._held) :]
        except BlockingIOError:
            pass
        except OSError:
            self._lose()

    def _listen(self) -> None:
        word = b""
        with suppress(OSError):
            word = self._log.recv(LONGEST_WORD) if self._log else b""
        if word:
            self._on_word(word.decode(errors="replace").strip())
        else:
            self._lose()

    def _lose(self) -> None:
        if self._log is not None:
            self._set(self._log, 0, self._talk)
            self._log.close()
        self._log = None
