"""Containers that stand ready before anybody asks: claimed once, by one person, and never given back.

A spare runs the interface server's imports and waits. It has no folder of anybody's, no token and no network; its number is that
of no person. Who opens an interface gets one: their folders are shown to it (`shown`), its sizes become those of the
interface, and it is told what it is. Until that moment nothing that a stranger wrote has run in it, and from then on it is
that person's until it is removed.
"""

import logging
import secrets
import threading
from collections.abc import Callable
from pathlib import Path

from avi_kernel.protocol.boxes import GO_FILE, ORDER_FILE, BoxSpec
from gavip_hub.backends.docker.container_folders import SPARE, ContainerFolders
from gavip_hub.backends.docker.engine import Engine
from gavip_hub.backends.docker.options import limits_now
from gavip_hub.backends.docker.orders import give_order
from gavip_hub.backends.docker.shown import show
from gavip_hub.config import SPARE_MB
from gavip_hub.domain.container import ContainerSpec, Kind, Resources
from gavip_hub.exceptions import GavipError, Unavailable

FIRST_UID, LAST_UID = 60_000, 64_999
"""Numbers that Debian gives to nobody, above those of people."""
AFTER_A_CLAIM = 3.0
"""Seconds: a spare that starts computes for as long, and whoever has just opened an interface waits for the same cores."""
COMMAND = ("python", "-m", "avi_kernel.interface.spare")

log = logging.getLogger(__name__)


class Spares:
    """Keeps some containers ready.

    Parameters
    ----------
    wanted
        How many.
    image
        Name of the image that they run in.
    folders, engine
        Of the platform.
    start
        Makes and starts a container as any other, under the number given.
    discard
        Ends and removes one.
    tell
        Tells the doorkeeper.
    """

    def __init__(
        self,
        *,
        wanted: int,
        image: str,
        folders: ContainerFolders,
        engine: Engine,
        start: Callable[[ContainerSpec, int], object],
        discard: Callable[[str], None],
        tell: Callable[[str], None],
    ) -> None:
        self.wanted = wanted
        self._image = image
        self._folders = folders
        self._engine = engine
        self._start = start
        self._discard = discard
        self._tell = tell
        self._filling = threading.Lock()
        self._coming: list[threading.Timer] = []
        self._naming = threading.Lock()
        """Held while a folder has another name than its container."""

    def claim(self, spec: ContainerSpec, *, person: int) -> BoxSpec | None:
        """Make a spare this person's container; None where there is none, or it could not be done: then nothing is left.

        Parameters
        ----------
        person
            Whose files are shown.
        """
        if not self.wanted or spec.kind is not Kind.INTERFACE or spec.image != self._image:
            return None
        claimed = self._take(spec)
        self.fill_soon(after=AFTER_A_CLAIM)
        if claimed is None:
            return None
        try:
            return self._fit_out(claimed, spec, person)
        except (GavipError, OSError) as error:
            log.warning("the spare for %s could not be fitted out: %s", spec.name, error)
            self._discard(spec.name)
            return None

    def _take(self, spec: ContainerSpec) -> tuple[str, BoxSpec] | None:
        """Give a spare the name of a container that there is not yet: the claim itself."""
        with self._naming:
            for spare in self._ready():
                try:
                    box = self._folders.claim(spare, spec)
                except Unavailable as error:  # there is one of this name: the launch itself will say so
                    log.warning("%s", error)
                    return None
                try:
                    self._engine.rename(spare, spec.name)
                except Unavailable as error:
                    log.warning("%s", error)
                    self._discard(spec.name)
                    continue
                return spare, box
        return None

    def fill(self) -> None:
        """Start as many as are missing, and remove what is left of claims that were cut short, and what is too much."""
        with self._filling:
            with self._naming:
                strays = set(self._engine.names()) - self._folders.names()
            for stray in strays:
                if stray.startswith(SPARE):
                    self._engine.remove(stray)
            ready = self._ready()
            for broken in (self._all() - set(ready)) | set(ready[self.wanted :]):
                self._discard(broken)
            for _ in range(self.wanted - len(self._all())):
                name = f"{SPARE}{secrets.token_hex(6)}"
                try:
                    self._start(self._spec(name), self._free_number())
                except GavipError as error:
                    log.warning("no spare could be started: %s", error)
                    self._discard(name)
                    return

    def fill_soon(self, *, after: float = 0.0) -> None:
        """Do so in a thread, after a while (s): whoever claimed one does not wait for the next."""
        timer = threading.Timer(after, self.fill)
        timer.daemon = True
        self._coming = [*(earlier for earlier in self._coming if earlier.is_alive()), timer]
        timer.start()

    def empty(self) -> None:
        """Remove all, and start no more."""
        for timer in self._coming:
            timer.cancel()
        for name in self._all():
            self._discard(name)

    def _all(self) -> set[str]:
        return {name for name in self._folders.names() if name.startswith(SPARE)}

    def _ready(self) -> list[str]:
        """Return those that run and were let go: until then, one is still being started."""
        return [name for name in sorted(self._all()) if self._waits(name)]

    def _waits(self, name: str) -> bool:
        box, found = self._folders.box(name), self._engine.inspect(name)
        if box is None or found is None:
            return False
        return found["State"]["Running"] and Path(box.socket_dir, "ways", GO_FILE).exists()

    def _fit_out(self, claimed: tuple[str, BoxSpec], spec: ContainerSpec, person: int) -> BoxSpec:
        spare, box = claimed
        self._engine.update(spec.name, limits_now(box))
        self._tell(f"close {spare}")
        self._tell(f"open {spec.name}")
        found = self._engine.inspect(spec.name)
        if found is None or not found["State"]["Pid"] or box.uid is None:
            raise Unavailable("it has ended")
        show(found["State"]["Pid"], spec.mounts, person=person, box=box.uid)
        give_order(box, ORDER_FILE)
        return box

    def _spec(self, name: str) -> ContainerSpec:
        return ContainerSpec(
            name=name,
            kind=Kind.INTERFACE,
            owner="nobody",
            avi=None,
            version=None,
            command=COMMAND,
            env={"HOME": "/tmp", "LANG": "C.UTF-8"},  # noqa: S108  # in the container
            resources=Resources(memory_mb=SPARE_MB, cpu=0.05, cpu_limit=2.0),
            image=self._image,
        )

    def _free_number(self) -> int:
        taken = {box.uid for name in self._folders.names() if (box := self._folders.box(name))}
        while (number := FIRST_UID + secrets.randbelow(LAST_UID - FIRST_UID + 1)) in taken:
            pass
        return number
