"""What `gavip dev` is told that runs in a container, by the one that started it."""

import os
import signal
import threading
from collections.abc import Mapping
from typing import Self

from avi_kernel.protocol.base import Wire

VARIABLE = "GAVIP_DEV_INSIDE"


class Inside(Wire):
    """How the machine outside sees this container."""

    avi: str
    """Name of the AVI: that of its folder outside."""
    port: int
    """Of the interface; the same inside and outside."""
    page_port: int
    """Of the page of pipelines and jobs."""

    @classmethod
    def of_environment(cls, environ: Mapping[str, str] = os.environ) -> Self | None:
        """Return what was told; None on the machine itself."""
        return cls.model_validate_json(environ[VARIABLE]) if VARIABLE in environ else None

    @property
    def environment(self) -> dict[str, str]:
        """The variable that tells it."""
        return {VARIABLE: self.model_dump_json()}


def end_with_input() -> None:
    """End as by Ctrl-C when the standard input ends: then who started this container is gone, however that ended."""
    threading.Thread(target=_wait_for_the_end, daemon=True).start()


def _wait_for_the_end() -> None:
    # Not by `sys.stdin`, whose lock would be held when the interpreter ends.
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGINT)
