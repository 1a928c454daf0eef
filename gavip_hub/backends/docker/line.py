"""The line to the steward, who alone has the engine's socket: one request, one answer, and bytes where it sends some."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from gavip_hub.exceptions import Unavailable, refusal

RESTARTED_WITHIN = 10.0
_BETWEEN_TRIES = 0.1


class StewardLine:
    """Asks the steward.

    Parameters
    ----------
    path
        Its socket.
    patience
        Seconds for which a steward that does not listen is waited for: it may be starting anew.
    """

    def __init__(self, *, path: Path, patience: float = RESTARTED_WITHIN) -> None:
        self._path = path
        self._patience = patience
        self._open: set[socket.socket] = set()

    def ask(self, within: float, **request: Any) -> Any:
        """Ask once; a steward that died before it answered may have acted, which every act allows for.

        Raises
        ------
        gavip_hub.exceptions.GavipError
            What the steward refused; `Unavailable` where it does not answer within these seconds.
        """
        with self.opened(within, **request) as (answer, _):
            return answer

    @contextmanager
    def opened(self, within: float, **request: Any) -> Iterator[tuple[Any, BinaryIO]]:
        """Ask, and give the answer and what follows it; an error of the line while it is read is the steward's silence."""
        try:
            with self._connected(within) as connection:
                self._open.add(connection)
                try:
                    connection.sendall(json.dumps(request).encode() + b"\n")
                    with connection.makefile("rb") as stream:
                        yield _answer_in(stream.readline()), stream
                finally:
                    self._open.discard(connection)
        except OSError as error:
            raise Unavailable(f"The steward of containers does not answer: {error}") from error

    def hang_up(self) -> None:
        """End what is asked at this moment, as if the steward had ended."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _connected(self, within: float) -> socket.socket:
        deadline = time.monotonic() + self._patience
        while True:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(within)
            try:
                connection.connect(str(self._path))
            except OSError:
                connection.close()
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_BETWEEN_TRIES)
            else:
                return connection


def _answer_in(line: bytes) -> Any:
    if not line:
        raise Unavailable("The steward of containers ended before it answered; it is started again.")
    answer = json.loads(line)
    if "error" in answer:
        raise refusal(answer["error"], answer["message"])
    return answer["answer"]
