"""What is done again and again, each at its own pace, so that a slow one keeps no other waiting."""

import logging
from collections.abc import Awaitable, Callable

from gavip_hub.clock import Clock
from gavip_hub.logs import Trouble

log = logging.getLogger(__name__)


class Rounds:
    """Acts in rounds until cancelled; what fails is tried again in the next.

    Parameters
    ----------
    task
        What is done, for the log.
    every
        Seconds from the end of a round to the next.
    """

    def __init__(
        self, *, task: str, act: Callable[[], Awaitable[object]], every: float, clock: Clock
    ) -> None:
        self._trouble = Trouble(log=log, what=task)
        self._act = act
        self._every = every
        self._clock = clock

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            try:
                await self._act()
                self._trouble.over()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next round tries again
                self._trouble.met(error)
            await self._clock.sleep(self._every)
