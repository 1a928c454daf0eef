"""How the doorkeeper is told which doors to open and close."""

import socket
import time
from pathlib import Path

from gavip_hub.backends.runtime import doorkeeper_socket
from gavip_hub.exceptions import Unavailable

ANSWER_WITHIN = 15.0
_BETWEEN_TRIES = 0.1


class Doorbell:
    """Tells the doorkeeper of one data root.

    Parameters
    ----------
    root
        The data root.
    """

    def __init__(self, *, root: Path) -> None:
        self._root = root

    def tell(self, line: str, *, within: float = ANSWER_WITHIN) -> None:
        """Have it open or close doors, waiting out its restart.

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            It does not answer, or refuses.
        """
        path = doorkeeper_socket(self._root)
        deadline = time.monotonic() + within
        while True:
            try:
                answer = _ask(path, line)
                break
            except OSError as error:
                if time.monotonic() >= deadline:
                    raise Unavailable(f"The doorkeeper does not answer at {path}: {error}") from error
            time.sleep(_BETWEEN_TRIES)
        if answer != "ok":
            raise Unavailable(f"The doorkeeper refused `{line}`: {answer}")


def _ask(path: Path, line: str) -> str:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_WITHIN)
        connection.connect(str(path))
        connection.sendall(f"{line}\n".encode())
        with connection.makefile() as answer:
            return answer.readline().strip()
