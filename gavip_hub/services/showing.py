"""What of products lies below `shared`, brought to what the rows say: after each change, and whole after a start."""

import threading
from collections.abc import Collection, Mapping

from gavip_hub.clock import Clock
from gavip_hub.domain.products import Kind, Place, ProductState, Shown, leaf_of, places_of
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

    def settle_the_rest(self) -> None:
        """Settle what could not be when it was to be, for want of the database or the disk."""
        for product in sorted(self._unsettled):
            self.settle(product)

    def settle_all(self) -> None:
        """Settle every product that is shared, and take what lies there of any other."""
        with self._database.reading() as session:
            shared = products.shared_ids(session, now=self._clock.now())
        for product in shared:
            self.settle(product)
        with self._lock:
            wanted = self._all_wanted()
            for place in [one for one in self._trees.present() if one not in wanted]:
                if not self._is_unsure(place):
                    self._trees.take(place)

    def know_members(self, found: Mapping[str, Collection[str]]) -> None:
        """Note who is in which group, and show what follows from it.

        Parameters
        ----------
        found
            Group -> members, of those that the Hub told.
        """
        changed = []
        with self._lock:
            for group, members in found.items():
                if self._members.get(group) != frozenset(members):
                    self._members[group] = frozenset(members)
                    changed.append(group)
        for group in changed:
            with self._database.reading() as session:
                shared = products.shared_ids(session, now=self._clock.now(), group=group)
            for product in shared:
                self.settle(product)

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

    def _all_wanted(self) -> set[Place]:
        with self._database.reading() as session:
            ids = products.shared_ids(session, now=self._clock.now())
            shares, named = products.shares_of(session, ids), products.names(session, ids)
        return {
            place
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
