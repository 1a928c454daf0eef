"""Containers of an engine whose socket another process holds: each act is a line to the steward, and its answer."""

import json
import socket
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from typing_extensions import override

from avi_kernel.protocol.boxes import ExitRecord
from gavip_hub.backends.base import Liveness, Observation, State
from gavip_hub.backends.launched import Launcher
from gavip_hub.domain.container import ContainerSpec
from gavip_hub.exceptions import Unavailable, refusal

ANSWER_WITHIN = 120.0
LOOK_WITHIN, LOOK_ALL_WITHIN = 10.0, 30.0
"""A look costs milliseconds and is taken again soon: for an engine that hangs nobody waits as long as for an act."""
RESTARTED_WITHIN = 10.0
_BETWEEN_TRIES = 0.1


class RemoteLauncher(Launcher):
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

    @override
    def launch(self, spec: ContainerSpec) -> State:
        state: State = self._ask(act="launch", spec=asdict(spec))
        return state

    @override
    def look(self, name: str) -> Observation:
        return _seen(self._ask(LOOK_WITHIN, act="look", name=name))

    @override
    def look_all(self, names: Sequence[str]) -> list[Observation]:
        if not names:
            return []
        return [_seen(one) for one in self._ask(LOOK_ALL_WITHIN, act="look_all", names=list(names))]

    @override
    def stop(self, name: str) -> None:
        self._ask(act="stop", name=name)

    @override
    def remove(self, name: str) -> None:
        self._ask(act="remove", name=name)

    @override
    def clear_unfinished(self) -> None:
        self._ask(act="clear_unfinished")

    @override
    def names(self) -> list[str]:
        names: list[str] = self._ask(act="names")
        return names

    @override
    def log_file(self, name: str) -> Path | None:
        file = self._ask(act="log_file", name=name)
        return Path(file) if file else None

    def _ask(self, within: float = ANSWER_WITHIN, **request: Any) -> Any:
        """Ask once; a steward that died before it answered may have acted, which every act allows for."""
        try:
            with self._connected(within) as connection:
                connection.sendall(json.dumps(request).encode() + b"\n")
                with connection.makefile("rb") as stream:
                    line = stream.readline()
        except OSError as error:
            raise Unavailable(f"The steward of containers does not answer: {error}") from error
        if not line:
            raise Unavailable("The steward of containers ended before it answered; it is started again.")
        answer = json.loads(line)
        if "error" in answer:
            raise refusal(answer["error"], answer["message"])
        return answer["answer"]

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


def _seen(told: dict[str, Any]) -> Observation:
    ended = told["exit"]
    return Observation(
        liveness=Liveness(told["liveness"]), exit=ExitRecord.model_validate(ended) if ended else None
    )
