"""Keeps one sibling running: started again whenever it ended or has gone silent."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from gavip_hub.exceptions import Unavailable
from gavip_hub.supervise.sibling import Sibling

START_SECONDS = 90.0
WATCH_SECONDS = 0.25
PROBE_EVERY = 15.0
SILENT_PROBES = 4
FIRST_BACK_OFF = 0.25
LONGEST_BACK_OFF = 30.0
SETTLED_SECONDS = 60.0

log = logging.getLogger("gavip.supervisor")


class Keeper:
    """Looks after a sibling that was started or adopted.

    Parameters
    ----------
    sibling
        The process.
    tell
        Called with one line for a person when something happens to it.
    once_back
        Awaited whenever it answers again after a restart.
    """

    def __init__(
        self,
        *,
        sibling: Sibling,
        tell: Callable[[str], None],
        once_back: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.sibling = sibling
        self._tell = tell
        self._once_back = once_back

    async def wait_healthy(self) -> None:
        """Wait until it answers.

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            It ended, or did not answer in time; with the end of its log.
        """
        sibling = self.sibling
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await sibling.program.probe.answers():
                    if not sibling.alive():
                        raise Unavailable(_ended(sibling))
                    await asyncio.sleep(WATCH_SECONDS)
        except TimeoutError:
            raise Unavailable(
                f"The {sibling.program.title} did not answer within {START_SECONDS:.0f} s; "
                f"see {sibling.log_file}:\n{sibling.last_words()}"
            ) from None
        self._tell(f"{sibling.program.title} answers")

    async def keep(self) -> None:
        """Restart it for ever, ever more slowly while that does not help."""
        clock = asyncio.get_running_loop().time
        back_off, since = FIRST_BACK_OFF, clock()
        while True:
            await self._until_ended_or_silent()
            if clock() - since > SETTLED_SECONDS:
                back_off = FIRST_BACK_OFF
            title, log_file = self.sibling.program.title, self.sibling.log_file
            self._tell(f"{title} ended; starting it again in {back_off:g} s (see {log_file})")
            await asyncio.sleep(back_off)
            back_off, since = min(2 * back_off, LONGEST_BACK_OFF), clock()
            if self._is_started():
                await self.settle()

    async def settle(self) -> None:
        """Wait for the answer after a start, and do what is to be done then."""
        try:
            await self.wait_healthy()
        except Unavailable:
            log.exception("%s did not come back", self.sibling.program.title)
            return
        if self._once_back is not None:
            await self._once_back()

    def _is_started(self) -> bool:
        """Start it; on a full disk that may fail, and is tried again as if it had ended."""
        try:
            self.sibling.start()
        except OSError as error:
            self._tell(f"{self.sibling.program.title} could not be started: {error}")
            return self.sibling.alive()  # where nothing but the record of it could not be written
        return True

    async def _until_ended_or_silent(self) -> None:
        clock = asyncio.get_running_loop().time
        silent, next_probe = 0, clock() + PROBE_EVERY
        while self.sibling.alive():
            await asyncio.sleep(WATCH_SECONDS)
            if clock() < next_probe:
                continue
            silent = 0 if await self.sibling.program.probe.answers() else silent + 1
            next_probe = clock() + PROBE_EVERY
            if silent >= SILENT_PROBES:
                log.error("%s does not answer any more; it is ended", self.sibling.program.title)
                break
        await self.sibling.stop()


def _ended(sibling: Sibling) -> str:
    return (
        f"The {sibling.program.title} ended at once; the end of {sibling.log_file}:\n{sibling.last_words()}"
    )
