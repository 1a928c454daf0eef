"""Servers: admit a start that the Hub asks about, close it, and tell people which they have."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from avi_kernel.protocol.api import ServerView
from avi_kernel.protocol.releases import ReleaseView
from gavip_hub.clock import Clock
from gavip_hub.config import NOTEBOOK_IMAGE, Gavip
from gavip_hub.domain.addresses import interface_url, notebook_url
from gavip_hub.domain.container import ContainerSpec, Kind, Places, Resources, container_spec
from gavip_hub.domain.quota import NOTHING, Usage
from gavip_hub.exceptions import NoRoom, NotFound
from gavip_hub.services.environments import EnvironmentService
from gavip_hub.services.promises import promised_before
from gavip_hub.services.quotas import QuotaService
from gavip_hub.services.releases import ReleaseService
from gavip_hub.services.server_rows import (
    NOTEBOOK,
    STOPPING,
    WHY,
    add_row,
    closing_words,
    holds,
    hub_name,
    row_of,
    state_of,
    tell,
    tell_all,
    why_closed,
)
from gavip_hub.services.surroundings import archive_environment, reachable_hosts
from gavip_hub.services.wishes import Wish, Wishes
from gavip_hub.storage import catalogue, containers, events, grants, servers
from gavip_hub.storage.database import Database
from gavip_hub.storage.disk import DiskSpace
from gavip_hub.storage.lasting import CLOSES_AT
from gavip_hub.storage.schema import Container
from gavip_hub.storage.userspace import UserSpaces

AHEAD = 4.0
"""For how many cores a server counts at least where containers compete: a person waits for it, and all jobs of another
user hold no more by default."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Admission:
    """A server that may start: what it is, and its row in the ledger."""

    ledger_id: str
    spec: ContainerSpec


class ServerService:
    """The ledger of servers; each method is one transaction."""

    def __init__(
        self,
        *,
        database: Database,
        quotas: QuotaService,
        releases: ReleaseService,
        environments: EnvironmentService,
        spaces: UserSpaces,
        disk: DiskSpace,
        config: Gavip,
        clock: Clock,
    ) -> None:
        self._database = database
        self._disk = disk
        self._quotas = quotas
        self._releases = releases
        self._environments = environments
        self._wishes = Wishes(releases=releases, config=config)
        self._spaces = spaces
        self._config = config
        self._clock = clock

    def admit(
        self, *, owner: str, groups: list[str], server_name: str, user_options: Mapping[str, Any]
    ) -> Admission:
        """Decide on a start that the Hub is about to make; anyone may have asked the Hub for anything.

        Parameters
        ----------
        user_options
            `{"release": "<avi>/<version>"}` for a named server, `{}` or `{"notebook": "default"}` for the notebook
            server. All else is refused: an image or a size is the platform's to choose.

        Raises
        ------
        BadRequest
            The options say something else.
        NotFound
            There is no such release that is open to the owner.
        NoRoom
            It does not fit now.
        DiskFull
            The platform's disk has too little room.
        SpaceFull
            The owner's files take more than the quota allows.
        """
        self._disk.require_room()
        wish = self._wishes.of_options(
            owner=owner, groups=groups, server_name=server_name, options=user_options
        )
        self._require_space(wish)
        # Before the row is added: what fails here must not leave one.
        places = self._spaces.places(
            owner=owner,
            avi=server_name or None,
            checkout=self._checkout(wish.release),
            environment=self._packages(wish.release),
            granted=self._granted(owner, server_name),
        )
        self._close_leftovers(wish)  # apart from the next: who holds the pools waits for no row
        ledger_id = self._admit(wish)
        return Admission(ledger_id=ledger_id, spec=self._spec(wish, ledger_id, places))

    def wish_for(self, *, owner: str, groups: list[str], avi: str, version: str | None = None) -> Wish:
        """Resolve an interface that somebody asks the platform itself to open."""
        wish = self._wishes.interface(owner=owner, groups=groups, avi=avi, version=version)
        self._require_space(wish)
        return wish

    def close(self, ledger_id: str, *, reason: str = "") -> None:
        """Close the row of a server that ended, with why where nobody asked it to; no harm when it is closed."""
        now = self._clock.now()
        with self._database.transaction() as session:
            row = session.get(Container, ledger_id)
            if row is not None and containers.close(session, ledger_id, at=now):
                why = why_closed(row)
                row.reason = why or reason  # however it ended: the platform wanted it
                tell(session, row, "failed" if reason and not why else "stopped", at=now)

    def mark_ready(self, *, owner: str, name: str) -> None:
        """Note that a server answers."""
        now = self._clock.now()
        with self._database.transaction() as session:
            for row in servers.open_rows(session, owner=owner, ref=hub_name(name)):
                if containers.mark_live(session, row.id, at=now):
                    tell(session, row, "ready", at=now)

    def note_failure(self, *, owner: str, name: str, message: str) -> None:
        """Tell that a server did not start; its row was closed by the Hub's hook."""
        data = {"state": "failed", "avi": name, "version": None, "reason": message}
        with self._database.transaction() as session:
            events.append(
                session, owner=owner, kind="server.state", subject=name, data=data, at=self._clock.now()
            )

    def open_ids(self) -> set[str]:
        """Return the ledger ids of all servers that hold something."""
        with self._database.reading() as session:
            return {row.id for row in servers.open_rows(session)}

    def reconcile(
        self, known: Mapping[tuple[str, str], bool], *, since: datetime, missed: Collection[str] = ()
    ) -> set[str]:
        """Bring the ledger in line with the Hub: close rows without a server, note which answer.

        The Hub's list comes in pages by number: a server may slip between two of them when another one ends
        meanwhile. Only what two lists miss is closed, since its box would be taken for nobody's.

        Parameters
        ----------
        known
            Owner and the Hub's name of every server that the Hub knows -> whether it answers.
        since
            Rows made after this are left alone: the Hub may not have listed their servers yet.
        missed
            Ids of the rows that the list before this one missed.

        Returns
        -------
        set[str]
            Ids of the rows that this list misses and that are still open.
        """
        now = self._clock.now()
        doubted = set()
        news: list[tuple[Container, str]] = []
        lost: list[str] = []
        with self._database.transaction() as session:
            for row in servers.open_rows(session, lock=True):
                ready = known.get((row.owner, row.ref))
                if ready and containers.mark_live(session, row.id, at=now):
                    news.append((row, "ready"))
                elif ready is None and row.id in missed:
                    log.warning("The Hub has no server for the ledger row %s; closing it", row.id)
                    lost.append(row.id)
                    row.reason = why_closed(row)
                    news.append((row, "stopped"))
                elif ready is None and row.created_at < since:
                    doubted.add(row.id)
            containers.close_all(session, lost, at=now)  # at once: it holds what users have used in its order
            tell_all(session, news, at=now)
        return doubted

    def mark_stopping(self, *, owner: str, name: str) -> ServerView:
        """Note that its owner wants a server to end; a reservation ends at once.

        Raises
        ------
        NotFound
            The owner has no such server.
        """
        now = self._clock.now()
        with self._database.transaction() as session:
            rows = servers.open_rows(session, owner=owner, ref=hub_name(name))
            waiting = servers.reservations(session, owner=owner, ref=name)
            if not rows and not waiting:
                raise NotFound(f"You have no server {name!r}.")
            for row in waiting:
                containers.close(session, row.id, at=now)
            for row in rows:
                row.backend_state = {**row.backend_state, STOPPING: True}
            found = (rows or waiting)[-1]
            session.flush()
            tell(session, found, STOPPING if rows else "stopped", at=now)
            return self.view(found)

    def settle_stop(self, *, owner: str, name: str, gone: bool) -> None:
        """Note what became of a stop: the server is gone, whatever its hook did, or it goes on."""
        now = self._clock.now()
        with self._database.transaction() as session:
            rows = servers.open_rows(session, owner=owner, ref=hub_name(name))
            rows = [row for row in rows if row.backend_state.get(STOPPING)]
            for row in rows:
                if gone:
                    row.reason = why_closed(row)
                    containers.close(session, row.id, at=now)
                else:
                    row.backend_state = {**row.backend_state, STOPPING: False, WHY: ""}
            session.flush()
            tell_all(session, [(row, "stopped" if gone else state_of(row)) for row in rows], at=now)

    def of(self, *, owner: str) -> list[ServerView]:
        """Return a user's servers, and the interfaces that they wait for."""
        with self._database.reading() as session:
            rows = servers.open_rows(session, owner=owner, kinds=(*servers.SERVERS, Kind.RESERVATION))
            return [self.view(row) for row in sorted(rows, key=lambda row: row.id)]

    def get(self, *, owner: str, name: str) -> ServerView:
        """Return one server of a user.

        Raises
        ------
        NotFound
            There is none of this name.
        """
        found = [view for view in self.of(owner=owner) if view.name == name]
        if not found:
            raise NotFound(f"You have no server {name!r}.")
        return found[-1]

    def view_of_wish(self, wish: Wish) -> ServerView:
        """Return a server that was just asked for; the Hub may not have admitted it yet."""
        with self._database.reading() as session:
            rows = servers.open_rows(session, owner=wish.owner, ref=wish.ref)
        return self.view(rows[-1] if rows else row_of(wish, at=self._clock.now()))

    def view(self, row: Container) -> ServerView:
        """Return a ledger row as its owner sees it."""
        notebook = row.kind is Kind.NOTEBOOK
        asked = row.backend_state
        return ServerView.model_validate(
            {
                "name": row.ref or NOTEBOOK,
                "kind": "notebook" if notebook else "interface",
                "avi": row.avi,
                "version": row.version,
                "state": state_of(row),
                "url": notebook_url(self._config, user=row.owner)
                if notebook
                else interface_url(self._config, user=row.owner, avi=row.ref),
                "memory_mb": row.memory_mb or asked.get("memory_mb", 0),
                "cpu": row.cpu or asked.get("cpu", 0),
                "started_at": row.ready_at,
                "reason": closing_words(row) or row.reason,
                "closes_at": asked.get(CLOSES_AT),
            }
        )

    def _spec(self, wish: Wish, ledger_id: str, places: Places) -> ContainerSpec:
        return container_spec(
            name=f"gavip-server-{ledger_id}",
            kind=wish.kind,
            owner=wish.owner,
            places=places,
            resources=Resources(
                memory_mb=wish.memory_mb,
                cpu=wish.cpu,
                cpu_limit=self._config.cpu_limit(wish.cpu),
                weight=max(wish.cpu, AHEAD),
            ),
            avi=wish.release.avi if wish.release else None,
            version=wish.release.version if wish.release else None,
            env=archive_environment(self._config),
            allowed_hosts=reachable_hosts(self._config, wish.ref or None),
            image=wish.release.spec.manifest.image if wish.release else NOTEBOOK_IMAGE,
        )

    def _checkout(self, release: ReleaseView | None) -> Path | None:
        return self._releases.checkout_of(release.avi, release.commit) if release else None

    def _packages(self, release: ReleaseView | None) -> Path | None:
        return self._environments.folder_of(release.avi, release.version) if release else None

    def _require_space(self, wish: Wish) -> None:
        """Refuse an interface to those with too many files; the notebook server is where they are deleted."""
        if wish.kind is not Kind.NOTEBOOK:
            with self._database.reading() as session:
                self._quotas.require_space(session, owner=wish.owner, groups=wish.groups)

    def _granted(self, owner: str, avi: str) -> list[str]:
        with self._database.reading() as session:
            return grants.of(session, owner=owner, avi=avi)

    def _close_leftovers(self, wish: Wish) -> None:
        """Close rows that a crash left: the Hub starts a server only when it has none of that name."""
        with self._database.transaction() as session:
            for row in servers.open_rows(session, owner=wish.owner, ref=wish.ref):
                log.warning("Closing the ledger row %s of a server that the Hub does not know", row.id)
                containers.close(session, row.id, at=self._clock.now())

    def _admit(self, wish: Wish) -> str:
        """Add the row in the transaction that checks the pools; what was held for it is given up first."""
        now = self._clock.now()
        with self._database.transaction() as session:
            self._quotas.hold(session, wish.owner)
            ahead = self._ahead(session, wish, now)
            for row in servers.reservations(session, owner=wish.owner, ref=wish.ref):
                containers.close(session, row.id, at=now)
            short = self._quotas.room(
                session, owner=wish.owner, groups=wish.groups, want=wish.want, promised=ahead
            )
            if short is not None:
                raise NoRoom(f"It {short.words}.")
            row = add_row(session, wish, at=now)
            tell(session, row, "starting", at=now)
            if wish.kind is Kind.INTERFACE:
                catalogue.note_use(session, user=wish.owner, avi=wish.ref, at=now)
            return row.id

    def _ahead(self, session: Session, wish: Wish, at: datetime) -> Usage:
        """Return what those wait for who came before; nobody came before one for whom so much room is held."""
        place = next(iter(servers.reservations(session, owner=wish.owner, ref=wish.ref)), None)
        if place is None or not place.memory_mb:
            return promised_before(session, self._quotas, place, at=at)
        return NOTHING if holds(place, wish) else promised_before(session, self._quotas, None, at=at)
