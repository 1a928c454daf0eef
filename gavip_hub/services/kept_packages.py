"""The packages of releases as they lie on the disk: weighed, shown to operators, and removed where nobody uses them."""

import logging

from avi_kernel.protocol.packages import EnvironmentView, PackagesView
from gavip_hub.clock import Clock
from gavip_hub.config import MB, Gavip
from gavip_hub.storage import kept
from gavip_hub.storage.database import Database
from gavip_hub.storage.environments import Environments, Wheels
from gavip_hub.storage.kept import Kept

_DAY = 86400.0
_SPARED = _DAY
"""Seconds in which what no release has is left alone: a build may just be about to give it to one."""

log = logging.getLogger(__name__)


class KeptPackages:
    """Looks after folders and files of packages; a folder is made anew of the files when somebody needs it.

    The files of a release are kept as long as there is the release, whoever may run it: it can be offered again.
    """

    def __init__(
        self, *, database: Database, wheels: Wheels, environments: Environments, config: Gavip, clock: Clock
    ) -> None:
        self._database = database
        self._wheels = wheels
        self._environments = environments
        self._config = config
        self._clock = clock

    def look(self) -> None:
        """Remove what nobody uses, and weigh the rest."""
        now = self._clock.now().timestamp()
        with self._database.transaction() as session:
            kept.forget_those_of_no_release(session)
        with self._database.reading() as session:
            known = kept.every(session)
        self._remove_folders(known, now)
        self._remove_files(known, now)
        for one in known:
            self._weigh(one)

    def view(self) -> PackagesView:
        """Return what everything takes, as it was weighed last."""
        with self._database.reading() as session:
            known = kept.every(session)
        heaviest = sorted(known, key=lambda one: (-(one.folder_bytes or 0), -one.wheel_bytes, one.id))
        return PackagesView(
            folders_mb=_mb(sum(one.folder_bytes or 0 for one in known)),
            files_mb=_mb(self._wheels.taken_bytes()),
            environments=[_view(one) for one in heaviest],
        )

    def _remove_folders(self, known: list[Kept], now: float) -> None:
        """Remove the folders of releases that nobody may run any more, or that no release has.

        Containers were looked at before this: whoever begins since then has noted that it uses the folder, which keeps it.
        """
        last = {one.id: now - self._config.environment_days * _DAY for one in known if not one.is_wanted}
        held = {one.id for one in known if one.is_wanted or one.is_open}
        for name in self._environments.names():
            if name not in held and self._environments.remove(name, before=last.get(name, now - _SPARED)):
                log.info("Removed the folder of the environment %s: nobody uses it", name)
        self._environments.remove_unfinished(before=now - _SPARED)

    def _remove_files(self, known: list[Kept], now: float) -> None:
        named = {(wheel.sha256, wheel.filename) for one in known for wheel in one.lock.wheels}
        if removed := self._wheels.remove_all_but(named, before=now - _SPARED):
            log.info("Removed %s files of packages that no release has", removed)

    def _weigh(self, one: Kept) -> None:
        is_there = self._environments.used_at(one.id) is not None
        folder = (one.folder_bytes or self._environments.taken_bytes(one.id)) if is_there else None
        files = one.wheel_bytes or self._wheels.bytes_of(one.lock)
        if (folder, files) != (one.folder_bytes, one.wheel_bytes):
            with self._database.transaction() as session:
                kept.weigh(session, one.id, folder_bytes=folder, wheel_bytes=files)


def _view(one: Kept) -> EnvironmentView:
    return EnvironmentView(
        id=one.id,
        packages=[f"{wheel.name} {wheel.version}" for wheel in one.lock.wheels],
        releases=list(one.releases),
        offered=one.is_wanted,
        in_use=one.is_open,
        folder_mb=None if one.folder_bytes is None else _mb(one.folder_bytes),
        files_mb=_mb(one.wheel_bytes),
    )


def _mb(size: int) -> float:
    return round(size / MB, 1)
