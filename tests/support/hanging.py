"""What starts containers on an engine that hangs."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from gavip_hub.backends.base import Liveness, Observation


class Hanging:
    """Sees nothing until it is let go; takes every request to end."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.stopped: list[str] = []

    def look(self, _name: str) -> Observation:
        self.let_go.wait()
        return Observation(liveness=Liveness.RUNNING)

    def look_all(self, names: Sequence[str]) -> list[Observation]:
        return [self.look(name) for name in names]

    def stop(self, name: str) -> None:
        self.stopped.append(name)


@contextmanager
def hanging() -> Iterator[Hanging]:
    """Give one that is let go at the end."""
    launcher = Hanging()
    try:
        yield launcher
    finally:
        launcher.let_go.set()
