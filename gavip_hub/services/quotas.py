"""Pools: what users and the platform may hold, and whether one more container fits."""

from collections.abc import Iterable, Mapping

from sqlalchemy.orm import Session

from avi_kernel.protocol.api import PoolView
from gavip_hub.config import Gavip
from gavip_hub.domain.quota import (
    NOTHING,
    PLATFORM,
    Quota,
    Shortage,
    Usage,
    Want,
    quota_for,
    shortage,
)
from gavip_hub.exceptions import SpaceFull, TooLarge
from gavip_hub.storage import containers, jobs, spaces
from gavip_hub.storage.database import Database, lock_pools


class QuotaService:
    """Decides whether there is room; the only place where limits and the ledger meet."""

    def __init__(self, *, database: Database, config: Gavip) -> None:
        self._database = database
        self._config = config

    @property
    def platform(self) -> Quota:
        """What all containers may hold together."""
        return Quota(memory_mb=self._config.platform_memory_mb, cpu=self._config.platform_cpu)

    def of(self, groups: Iterable[str]) -> Quota:
        """What a member of these groups may hold."""
        return quota_for(groups, self._config.quota, self._config.group_quotas)

    def most_memory(self, groups: Iterable[str]) -> int:
        """Return the MB that a container of a member of these groups can have at most."""
        return min(self.of(groups).memory_mb, self.platform.memory_mb)

    def hold(self, session: Session, *owners: str) -> None:
        """Hold these pools and the platform's until the caller's transaction ends; before anything else is held."""
        # Always in this order, or two would wait for one another.
        lock_pools(session, *(f"user:{owner}" for owner in sorted(set(owners))), PLATFORM)

    def room(
        self,
        session: Session,
        *,
        owner: str,
        groups: Iterable[str],
        want: Want,
        promised: Usage = NOTHING,
        kept: Usage = NOTHING,
    ) -> Shortage | None:
        """Hold both pools until the caller's transaction ends, and return what stands in the way, or None.

        Ask it first in a transaction. The caller adds its ledger row in the same transaction: then counting and adding are one act.

        Parameters
        ----------
        promised
            Room on the platform that others wait for who came before.
        kept
            Room in the owner's pool that an interface of theirs waits for.
        """
        self.hold(session, owner)
        rooms = self.rooms(session, promised=promised, kept={owner: kept})
        return rooms.shortage(owner, groups, want)

    def rooms(
        self,
        session: Session,
        *,
        promised: Usage = NOTHING,
        kept: Mapping[str, Usage] | None = None,
    ) -> "Rooms":
        """Count all pools once, of which the caller holds the platform's and those that it asks about; see `room`."""
        return Rooms(self, used=containers.usages(session), promised=promised, kept=kept or {})

    def require_possible(self, *, owner: str, groups: Iterable[str], want: Want) -> None:
        """Refuse what could not start even if nothing else ran.

        Raises
        ------
        gavip_hub.exceptions.TooLarge
            Naming the limit and the field that breaks it.
        """
        for pool, quota in ((owner, self.of(groups)), (PLATFORM, self.platform)):
            short = shortage(pool, want, quota, Usage())
            if short:
                raise TooLarge(_too_large(short), field=short.limit)

    def require_space(self, session: Session, *, owner: str, groups: Iterable[str]) -> None:
        """Refuse what would write for somebody whose files take more than their quota already.

        Raises
        ------
        gavip_hub.exceptions.SpaceFull
            With the figures, and what to do.
        """
        allowed, found = self.of(groups).space_mb, spaces.of(session, owner)
        if allowed is None or found is None or found.used_mb <= allowed:
            return
        raise SpaceFull(
            f"Your files take {found.used_mb} MB, and your quota allows {allowed} MB (measured at "
            f"{found.measured_at:%H:%M:%S} UTC). Delete jobs that you do not need, or files in your notebook server, which "
            "opens as ever; it is measured again within half a minute."
        )

    def require_fit(self, session: Session, *, owner: str, groups: Iterable[str], coming_mb: float) -> int:
        """Refuse files that do not fit into somebody's quota; return the MB that theirs take already.

        Raises
        ------
        gavip_hub.exceptions.SpaceFull
            With the figures, and what to do.
        """
        allowed, found = self.of(groups).space_mb, spaces.of(session, owner)
        used = found.used_mb if found else 0
        if allowed is not None and used + coming_mb > allowed:
            raise SpaceFull(
                f"Your files take {used} MB and {coming_mb:.0f} MB would come; your quota allows {allowed} MB. Delete what you "
                "do not need."
            )
        return used

    def user_pool(self, *, owner: str, groups: Iterable[str]) -> PoolView:
        """Return what a user may hold, and holds."""
        with self._database.reading() as session:
            usage = containers.usage(session, owner=owner)
            space = spaces.of(session, owner)
            return _view(
                owner,
                self.of(groups),
                usage,
                jobs.count_held(session, owner=owner),
                space_used_mb=space.used_mb if space else 0,
            )

    def platform_pool(self) -> PoolView:
        """Return what everybody together may hold, and holds."""
        with self._database.reading() as session:
            return _view(PLATFORM, self.platform, containers.usage(session), jobs.count_held(session))


class Rooms:
    """What there is room for in pools that are held and were counted once; what is taken is counted along."""

    def __init__(
        self,
        quotas: QuotaService,
        *,
        used: Mapping[str, Usage],
        promised: Usage,
        kept: Mapping[str, Usage],
    ) -> None:
        self._quotas = quotas
        self._used = dict(used)
        self._used_by_all = sum(used.values(), NOTHING)
        self._promised = promised
        self._kept = kept

    def shortage(self, owner: str, groups: Iterable[str], want: Want) -> Shortage | None:
        """Return what stands in the way of one more container, or None."""
        used, kept = self._used.get(owner, NOTHING), self._kept.get(owner, NOTHING)
        return shortage(owner, want, self._quotas.of(groups), used, promised=kept) or shortage(
            PLATFORM, want, self._quotas.platform, self._used_by_all, promised=self._promised
        )

    def take(self, owner: str, want: Want) -> None:
        """Count one more container, whose ledger row the caller adds."""
        self._used[owner] = self._used.get(owner, NOTHING).with_one_more(want)
        self._used_by_all = self._used_by_all.with_one_more(want)


def _too_large(short: Shortage) -> str:
    """Say it exactly: in GB, 4097 MB and 4096 would be the same."""
    whose = "the whole platform has" if short.is_platforms else "your pool has"
    unit = {"memory_mb": "MB of memory", "cpu": "cores", "servers": "servers"}[short.limit]
    return f"asks for {short.wanted:g} {unit}; {whose} {short.allowed:g}"


def _view(owner: str, quota: Quota, usage: Usage, jobs_held: int, *, space_used_mb: int = 0) -> PoolView:
    return PoolView(
        owner=owner,
        memory_mb=quota.memory_mb,
        memory_used_mb=usage.memory_mb,
        cpu=quota.cpu,
        cpu_used=usage.cpu,
        jobs=quota.jobs,
        jobs_used=jobs_held,
        servers=quota.servers,
        servers_used=usage.servers,
        space_mb=quota.space_mb,
        space_used_mb=space_used_mb,
    )
