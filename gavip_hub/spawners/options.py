"""The hooks between the Hub's spawners and the ledger: admit before a start, close after a stop."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

from jupyterhub.spawner import SpawnException

from gavip_hub.exceptions import GavipError
from gavip_hub.services.servers import Admission

ADMIT_SECONDS = 8.0
"""The Hub is one loop: nothing in a hook may hold it, so the database is asked in a thread and not for long."""

log = logging.getLogger("gavip.spawners")


class Ledger(Protocol):
    """What decides; `services/servers` in the platform."""

    def admit(
        self, *, owner: str, groups: list[str], server_name: str, user_options: Mapping[str, Any]
    ) -> Admission:
        """Resolve what is asked, check the rights and the pools, and add the row; or refuse."""

    def mark_ready(self, *, owner: str, name: str) -> None:
        """Note that the server answers."""

    def close(self, ledger_id: str, *, reason: str = "") -> None:
        """Close the row, with why the server ended where nobody asked it to; no harm when it is closed."""


class Admitted(Protocol):
    """The spawner as its hooks see it."""

    admission: Admission | None
    ledger_id: str
    ending: str
    name: str
    user: Any


class ServerHooks:
    """What `apply_user_options` and `post_stop_hook` do.

    Parameters
    ----------
    open_ledger
        Makes the service on the platform's database; called once, in the hooks' own thread.
    """

    def __init__(self, *, open_ledger: Callable[[], Ledger]) -> None:
        self._open_ledger = open_ledger
        self._opened: Ledger | None = None
        self._thread = ThreadPoolExecutor(max_workers=2, thread_name_prefix="gavip-ledger")

    def __deepcopy__(self, _memo: dict[int, Any]) -> "ServerHooks":
        """Stay one: traitlets copies the methods it is given as hooks, with the object behind them."""
        return self

    async def admit(self, spawner: Admitted, user_options: Mapping[str, Any]) -> None:
        """Let the ledger decide on a start; `user_options` is whatever anybody sent to the Hub.

        Raises
        ------
        jupyterhub.spawner.SpawnException
            Refused; the Hub shows our sentence and does not count it as a failure of its own.
        """
        # Spawner objects are used again: nothing of an earlier start may be left for this one.
        spawner.admission, spawner.ledger_id = None, ""
        asked = self._thread.submit(
            self._admit, spawner.user.name, _groups(spawner), spawner.name, user_options
        )
        try:
            admission = await asyncio.wait_for(asyncio.wrap_future(asked), ADMIT_SECONDS)
        except TimeoutError:
            asked.add_done_callback(self._close_late)
            raise SpawnException(
                "The platform's database does not answer; try again in a minute.",
                reason="unavailable",
                status_code=503,
            ) from None
        except GavipError as error:
            raise SpawnException(error.message, reason=error.error, status_code=error.status_code) from None
        spawner.admission, spawner.ledger_id = admission, admission.ledger_id

    async def ready(self, spawner: Admitted) -> None:
        """Note that a notebook server answers: the Hub's own page starts it, and tells us nothing.

        Not an interface: whoever waits for it goes there at this news, and the Hub has made no route yet.
        """
        if spawner.name:
            return
        noting = self._thread.submit(self._mark_ready, spawner.user.name, spawner.name)
        try:
            await asyncio.wait_for(asyncio.wrap_future(noting), ADMIT_SECONDS)
        except Exception:  # only news: the server runs, and the next look at all servers notes it
            log.exception("It could not be noted that the notebook server of %s is ready", spawner.user.name)

    async def close(self, spawner: Admitted) -> None:
        """Close the row of a server that ended; a refused start has none."""
        if not spawner.ledger_id:
            return
        closing = self._thread.submit(self._close, spawner.ledger_id, spawner.ending)
        try:
            await asyncio.wait_for(asyncio.wrap_future(closing), ADMIT_SECONDS)
        except (
            Exception
        ):  # the server has ended all the same, and the next look at all servers closes its row
            log.exception("The ledger row %s could not be closed", spawner.ledger_id)

    @property
    def _ledger(self) -> Ledger:
        if self._opened is None:
            self._opened = self._open_ledger()
        return self._opened

    def _admit(self, owner: str, groups: list[str], name: str, options: Mapping[str, Any]) -> Admission:
        return self._ledger.admit(owner=owner, groups=groups, server_name=name, user_options=options)

    def _mark_ready(self, owner: str, name: str) -> None:
        self._ledger.mark_ready(owner=owner, name=name)

    def _close(self, ledger_id: str, reason: str = "") -> None:
        self._ledger.close(ledger_id, reason=reason)

    def _close_late(self, asked: "Future[Admission]") -> None:
        """Take back an admission that came after the Hub had given up on it."""
        if not asked.cancelled() and asked.exception() is None:
            self._close(asked.result().ledger_id)


def _groups(spawner: Admitted) -> list[str]:
    return sorted(group.name for group in spawner.user.groups)
