"""Whether the service can do its work, looked at now and then rather than at every page."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from avi_kernel.protocol.api import Health

Sandbox = Literal["enforced", "partial", "none"]
BELIEVED_SECONDS = {"ok": 5.0, "degraded": 0.5}
LOOK_SECONDS = 3.0
"""What does not answer within this time does not answer."""
PARTS = ("database", "scheduler", "hub", "disk", "webdav")
Look = Callable[[], Awaitable[str]]
"""Returns what is wrong with a part, in a sentence; nothing where it is well."""


class HealthProbe:
    """Looks at database, scheduler, Hub, disk and WebDAV.

    Parameters
    ----------
    looks
        How each of `PARTS` is looked at.
    sandbox, notices
        What was found at the start; it does not change while the machine runs.
    """

    def __init__(self, *, looks: dict[str, Look], sandbox: Sandbox, notices: Sequence[str]) -> None:
        self._looks = looks
        self._sandbox = sandbox
        self._notices = list(notices)
        self._one_at_a_time = asyncio.Lock()
        self._seen: Health | None = None
        self._seen_at = 0.0

    async def __call__(self) -> Health:
        """Return what was seen a few seconds ago at most."""
        async with self._one_at_a_time:
            seen = self._seen
            if seen is None or time.monotonic() - self._seen_at > BELIEVED_SECONDS[seen.status]:
                seen = self._seen = await self._look()
                self._seen_at = time.monotonic()
        return seen

    async def _look(self) -> Health:
        told = await asyncio.gather(*(_problem(part, self._looks[part]) for part in PARTS))
        problems = dict(zip(PARTS, told, strict=True))
        return Health.model_validate(
            {
                "status": "degraded" if any(told) else "ok",
                **{part: not problem for part, problem in problems.items()},
                "problems": [problem for problem in told if problem],
                "sandbox": self._sandbox,
                "notices": self._notices,
            }
        )


async def _problem(part: str, look: Look) -> str:
    try:
        return await asyncio.wait_for(look(), LOOK_SECONDS)
    except TimeoutError:
        return f"The {part} did not answer within {LOOK_SECONDS:g} s."
    except Exception as error:  # noqa: BLE001 - whatever it is, the part is not well
        return f"The {part} cannot be looked at: {error}"
