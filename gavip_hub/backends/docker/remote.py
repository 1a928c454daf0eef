"""Containers of an engine whose socket another process holds: each act is a line to the steward, and its answer."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from typing_extensions import override

from avi_kernel.protocol.boxes import ExitRecord
from gavip_hub.backends.base import Liveness, Observation, State
from gavip_hub.backends.docker.line import RESTARTED_WITHIN, StewardLine
from gavip_hub.backends.launched import Launcher
from gavip_hub.domain.container import ContainerSpec

ANSWER_WITHIN = 120.0
LOOK_WITHIN, LOOK_ALL_WITHIN = 10.0, 30.0
"""A look costs milliseconds and is taken again soon: for an engine that hangs nobody waits as long as for an act."""


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
        self._line = StewardLine(path=path, patience=patience)

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
        return self._line.ask(within, **request)


def _seen(told: dict[str, Any]) -> Observation:
    ended = told["exit"]
    return Observation(
        liveness=Liveness(told["liveness"]), exit=ExitRecord.model_validate(ended) if ended else None
    )
