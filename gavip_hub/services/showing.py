"""What of products lies below `shared`, brought to what the rows say: after each change, and whole after a start."""

import threading
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from datetime import datetime

from gavip_hub.clock import Clock
from gavip_hub.domain.products import Kind, Place, ProductState, Reader, Shown, leaf_of, places_of
from gavip_hub.storage import products
from gavip_hub.storage.database import Database
from gavip_hub.storage.shared_trees import SharedTrees


class Showing:
    """Shows products to the containers of their readers.

    Rows are read and folders are changed under one lock: whoever comes last has read last.
    """

    def __init__(self, *, database: Database, trees: SharedTrees, clock: Clock) -> None:
        self._database = database
        self._trees = trees
        self._clock = clock
        self._lock = threading.Lock()
        self._members: dict[str, frozenset[str]] = {}
        self._unsettled: set[str] = set()
        self._seen_until = clock.now()

    def prepare(self) -> None:
        """Clear what was half put or half taken when the platform ended."""
        with self._lock:
            self._trees.prepare()

    def settle(self, product: str) -> None:
        """Put and take folders of one product until they are what its shares say; what fails is tried again by a round."""
        with self._lock:
            self._unsettled.add(product)
            self._settle(product)
            self._unsettled.discard(product)

    def look(self) -> None:
        """Take what is shown for shares that ended by themselves, and settle what could not be when it was to be.

        It is called again and again, also while a large product is copied.
        """
        until = self._clock.now()
        with self._database.reading() as session:
            ended = products.ended_between(session, self._seen_until, until)
        with self._lock:
            self._unsettled |= ended
            self._seen_until = max(self._seen_until, until)
            waiting = sorted(self._unsettled)
        with ExitStack() as all_of_them:  # what fails of one is raised when all had their turn
            for product in waiting:
                all_of_them.callback(self.settle, product)

    def settle_all(self) -> None:
        """Settle every product whose folders are not where its shares say, and take what lies there of any other."""
        with self._lock:
            wanted, present = self._all_wanted(), set(self._trees.present())
            for place in present - wanted.keys():
                if not self._is_unsure(place):
                    self._trees.take(place)
        for product in sorted({wanted[place] for place in wanted.keys() - present}):
            self.settle(product)

    def know_members(self, found: Mapping[str, Collection[str]]) -> None:
        """Note who is in which group, and show what follows from it.

        Parameters
        ----------
        found
            Group -> members, of those that the Hub told.
        """
        with self._lock:
            new = {group: frozenset(members) for group, members in found.items()}
            changed = [group for group, members in new.items() if self._members.get(group) != members]
            self._members = {**self._members, **new}
        for group in changed:
            with self._database.reading() as session:
                shared = products.shared_ids(session, now=self._clock.now(), group=group)
            for product in shared:
                self.settle(product)

    def keep_members(self, groups: Collection[str]) -> frozenset[str]:
        """Forget who is in any other group, since nobody asks after it any more; return whose members are not known."""
        with self._lock:
            self._members = {one: members for one, members in self._members.items() if one in groups}
        return frozenset(groups) - frozenset(self._members)

    def groups_of(self, reader: str, told: Collection[str]) -> frozenset[str]:
        """Return the groups that somebody is in: those that folders are shown by, so that all doors answer alike.

        Parameters
        ----------
        told
            What a sign-in says, which is older by up to a minute: it counts for groups that are not known otherwise.
        """
        known = self._members
        member = {group for group, members in known.items() if reader in members}
        return frozenset(member | {group for group in told if group not in known})

    def reader(self, name: str, told: Collection[str], now: datetime) -> Reader:
        """Return somebody as who reads products: by the groups that they are in now, whatever was told before."""
        return Reader(name, self.groups_of(name, told), now)

    def _settle(self, product: str) -> None:
        with self._database.reading() as session:
            row = products.any_one(session, product)
            shares = products.shares_of(session, [product]).get(product, [])
        if row is None:
            return
        live = self._live(shares) if row.state == ProductState.READY else []
        leaf = leaf_of(row.slug, row.id)
        wanted = self._wanted(live, owner=row.owner, leaf=leaf)
        unknown = {one.subject for one in live if one.kind == Kind.GROUP} - set(self._members)
        present = self._trees.places(owner=row.owner, leaf=leaf)
        for place in present - wanted:
            if _group_of(place) not in unknown:
                self._trees.take(place)
        if missing := sorted(wanted - present):
            with self._database.reading() as session:
                contents = products.contents(session, product)
            for place in missing:
                self._trees.put(place, contents)

    def _live(self, shares: list[Shown]) -> list[Shown]:
        now = self._clock.now()
        return [share for share in shares if share.is_live(now)]

    def _wanted(self, shares: list[Shown], *, owner: str, leaf: str) -> set[Place]:
        return {
            place
            for share in shares
            for place in places_of(
                share, owner=owner, leaf=leaf, members=self._members.get(share.subject, frozenset())
            )
        }

    def _all_wanted(self) -> dict[Place, str]:
        """Return all places where something is to be shown, and which product that is."""
        with self._database.reading() as session:
            ids = products.shared_ids(session, now=self._clock.now())
            shares, named = products.shares_of(session, ids), products.names(session, ids)
        return {
            place: product
            for product, (owner, slug) in named.items()
            for place in self._wanted(self._live(shares[product]), owner=owner, leaf=leaf_of(slug, product))
        }

    def _is_unsure(self, place: Place) -> bool:
        """Tell whether the Hub has not told yet who is in a group: what is shown there stays, if its share is live."""
        group = _group_of(place)
        if group is None or group in self._members:
            return False
        with self._database.reading() as session:
            ids = products.shared_ids(session, now=self._clock.now(), group=group)
            named = products.names(session, ids)
        return (place[-2], place[-1]) in {(owner, leaf_of(slug, one)) for one, (owner, slug) in named.items()}


def _group_of(place: Place) -> str | None:
    return place[2] if place[0] == "groups" else None
