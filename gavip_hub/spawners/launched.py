"""Servers as containers of whatever a launcher starts: boxes of this machine, or an engine's."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jupyterhub.spawner import Spawner, SpawnException
from traitlets import Callable as CallableTrait
from traitlets import Unicode
from typing_extensions import override

from gavip_hub.backends.base import Liveness
from gavip_hub.domain.ending import why_ended
from gavip_hub.exceptions import GavipError, Unavailable
from gavip_hub.services.servers import Admission
from gavip_hub.spawners.origin import own_route, own_url, proxy_of, set_redirect_uri

TRY_SECONDS = 0.02
TRIES_A_LOOK = 25
"""To try a socket costs nothing, a look at a container milliseconds of its engine."""
LONGEST_REST = 0.5
STOP_SECONDS = 12.0
LOG_LINES = 8


class LaunchedSpawner(Spawner):  # type: ignore[misc]  # JupyterHub has no types
    """Starts what the ledger admitted; every trait of a start comes from there, none from `user_options`."""

    launcher = CallableTrait(help="Returns what starts boxes, one for all servers: an `AsyncLauncher`.").tag(
        config=True
    )
    ledger_id = Unicode(help="Row of the running server in the ledger.")
    box = Unicode(help="Name of the running box.")
    ready_hook = CallableTrait(help="Called with the spawner once its server answers.").tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        shared_route: str = kwargs.pop("proxy_spec", "")
        super().__init__(**kwargs)
        self.proxy_spec = own_route(self.name, shared_route)
        self.env_keep: list[str] = []  # nothing of the Hub's own environment goes into a box
        self.admission: Admission | None = None
        self.ending = ""
        self._exit_code = 0
        self._routed = False
        self._step = asyncio.Event()
        self._steps: list[str] = []

    @override
    def get_env(self) -> dict[str, str]:
        """Return what the Hub tells a server, with the addresses of its own origin."""
        env: dict[str, str] = super().get_env()
        url = own_url(self)
        env["JUPYTERHUB_OAUTH_CALLBACK_URL"] = f"{url}oauth_callback"
        env["JUPYTERHUB_PUBLIC_URL"] = url
        env["JUPYTERHUB_PUBLIC_HUB_URL"] = f"{self.hub.public_host}{self.hub.base_url}"
        return env

    @override
    async def start(self) -> str:
        """Start the admitted box; return its socket's address once something listens there."""
        if self.admission is None:
            raise SpawnException("This server was not admitted.", reason="not_admitted", status_code=409)
        spec = self.admission.spec
        set_redirect_uri(self, f"{own_url(self)}oauth_callback")
        self.box, self.ending, self._exit_code = spec.name, "", 0
        self._tell("Preparing a box for it")
        try:
            state = await self.launcher().launch(replace(spec, env={**self.get_env(), **spec.env}))
        except GavipError as error:
            raise SpawnException(error.message, reason=error.error, status_code=error.status_code) from None
        self._tell("Starting its server")
        await self._until_listening(Path(state["socket"]))
        self._tell("It answers")
        self._routed = True  # by the Hub, once it has this address
        await self.ready_hook(self)
        return f"http+unix://{quote(state['socket'], safe='')}"

    @override
    async def poll(self) -> int | None:
        """Return None while the box lives, else its exit status."""
        if not self.box:
            return self._exit_code
        try:
            seen = await self.launcher().look(self.box)
        except Unavailable:
            # Who runs boxes is away: what ran is taken to run, or a Hub that starts in this moment would forget it.
            self.log.warning("It cannot be seen how the server %s is", self.box)
            return None
        if seen.liveness in (Liveness.STARTING, Liveness.RUNNING):
            return None
        self.ending, self._exit_code = why_ended(seen.exit), seen.exit.exit_code if seen.exit else 1
        # The Hub does not call `stop` for a server that ended by itself.
        await self._forget_box()
        return self._exit_code

    @override
    async def stop(self, now: bool = False) -> None:
        """Take the server from the proxy, end its box, and return once that is gone."""
        await self._delete_route()
        if not self.box:
            return
        await self.launcher().stop(self.box)
        try:
            async with asyncio.timeout(0 if now else STOP_SECONDS):
                rest = TRY_SECONDS
                while await self.poll() is None:
                    await asyncio.sleep(rest)
                    rest = min(1.5 * rest, LONGEST_REST)
        except TimeoutError:
            await self._forget_box()  # kills what is still alive

    @override
    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Yield each step of the start as it is reached."""
        shown = 0
        while True:
            for text in self._steps[shown:]:
                shown += 1
                yield {"progress": min(90, 30 * shown), "message": text}
            self._step.clear()
            await self._step.wait()

    @override
    def get_state(self) -> dict[str, Any]:
        """Return what finds the running server again after a restart of the Hub."""
        return {**super().get_state(), "box": self.box, "ledger_id": self.ledger_id}

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        """Take up a server that an earlier Hub started."""
        super().load_state(state)
        self.box = state.get("box", "")
        self.ledger_id = state.get("ledger_id", "")
        self._routed = bool(self.box)

    @override
    def clear_state(self) -> None:
        """Forget the server that ran."""
        super().clear_state()
        self.box, self.ledger_id, self.admission = "", "", None
        self._steps.clear()

    def _tell(self, text: str) -> None:
        self._steps.append(text)
        self._step.set()

    async def _until_listening(self, socket: Path) -> None:
        """Wait for the server's own socket: the Hub would look for it at random and ever longer intervals."""
        for tries in count(1):
            try:
                _, writer = await asyncio.open_unix_connection(str(socket))
            except OSError:
                if tries % TRIES_A_LOOK == 0:
                    await self._refuse_ended()
                await asyncio.sleep(TRY_SECONDS)
            else:
                writer.close()
                return

    async def _refuse_ended(self) -> None:
        try:
            seen = await self.launcher().look(self.box)
        except Unavailable:
            return  # who runs boxes is away: the server may answer all the same
        if seen.liveness in (Liveness.STARTING, Liveness.RUNNING):
            return
        told = f" ({seen.exit.message})" if seen.exit and seen.exit.message else ""
        words = await self.launcher().last_words(self.box, lines=LOG_LINES)
        raise SpawnException(
            f"The server ended while it was starting{told}.\n{words}".strip(),
            reason="ended",
            status_code=500,
        )

    async def _delete_route(self) -> None:
        """Delete the true route: the Hub deletes the one below the user's own host, which is not there."""
        if self.name and self._routed:
            await proxy_of(self).delete_route(self.proxy_spec)
        self._routed = False

    async def _forget_box(self) -> None:
        name, self.box = self.box, ""
        if name:
            await self._delete_route()
            await self.launcher().remove(name)
