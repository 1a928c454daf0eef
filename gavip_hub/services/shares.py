"""Who may read a product beside its owner: given, told and taken back by the owner alone."""

import hmac
import logging
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from avi_kernel.protocol.products import ShareMake, ShareView
from gavip_hub.clock import Clock
from gavip_hub.domain.products import Kind, secret_hash
from gavip_hub.domain.userpaths import is_plain
from gavip_hub.exceptions import BadParameter, Conflict, NoRoom, NotFound
from gavip_hub.services.product_views import share_view
from gavip_hub.services.products import ProductService
from gavip_hub.services.showing import Showing
from gavip_hub.storage import events, products
from gavip_hub.storage.database import Database
from gavip_hub.storage.ids import new_id
from gavip_hub.storage.product_schema import Product, Share

log = logging.getLogger(__name__)
MOST_SHARES = 200
LONGEST = timedelta(days=3660)
_SECRET_BYTES = 32
_LONGEST_NAME = 100


@dataclass(frozen=True, kw_only=True)
class Followed:
    """Where a link leads to."""

    product: str
    ends_at: datetime | None
    """None: when its owner takes it back."""


class ShareService:
    """Shares of products.

    Parameters
    ----------
    link_of
        Address of the page of a link, by its secret.
    """

    def __init__(
        self,
        *,
        database: Database,
        owned: ProductService,
        showing: Showing,
        clock: Clock,
        link_of: Callable[[str], str],
    ) -> None:
        self._database = database
        self._owned = owned
        self._showing = showing
        self._clock = clock
        self._link_of = link_of

    def of(self, *, owner: str, product: str, groups: Collection[str] = ()) -> list[ShareView]:
        """Return who may read a product.

        Parameters
        ----------
        groups
            Whose members may read it: they are told whose it is.

        Raises
        ------
        NotFound
            There is none, or it is not for them.
        Forbidden
            It is another's.
        """
        with self._database.reading() as session:
            self._owned.own(session, owner, product, groups, hold=False)
            now = self._clock.now()
            found = products.shares(session, product)
            return [share_view(row) for row in found if products.shown(row).is_live(now)]

    def make(self, *, owner: str, groups: Collection[str], product: str, asked: ShareMake) -> ShareView:
        """Let somebody read a product; they see it as soon as it is ready.

        Raises
        ------
        NotFound
            There is none, or it is not for them.
        Forbidden
            It is another's.
        BadParameter
            It names nobody that it can be shared with, or an end that is past.
        Conflict
            They may read it already.
        NoRoom
            Too many may.
        """
        subject = _subject_of(asked, owner=owner, groups=groups)
        secret = secrets.token_urlsafe(_SECRET_BYTES) if asked.kind == Kind.LINK.value else ""
        with self._database.transaction() as session:
            row, now = self._owned.own(session, owner, product, groups), self._clock.now()
            made = Share(
                id=new_id("r", now=now),
                product=product,
                kind=asked.kind,
                subject=subject,
                secret_hash=secret_hash(secret) if secret else None,
                created_at=now,
                expires_at=_end_of(asked.expires_at, now),
            )
            self._require_new(session, made, now)
            session.add(made)
            session.flush()
            self._tell(session, row, made, "share.made", now)
        self._showing.settle(product)
        log.info("%s shares the product %s with %s %s", owner, product, asked.kind, subject)
        return share_view(made, url=self._link_of(secret) if secret else "")

    def revoke(self, *, owner: str, product: str, share: str, groups: Collection[str] = ()) -> None:
        """Let somebody read a product no more, from this moment on, in running containers too.

        Raises
        ------
        NotFound
            There is no such share, or it was revoked before.
        Forbidden
            It is another's.
        """
        with self._database.transaction() as session:
            row, now = self._owned.own(session, owner, product, groups), self._clock.now()
            found = products.share(session, product, share)
            if found is None:
                raise NotFound(f"There is no share {share[:40]!r} of this product: it was revoked before.")
            found.revoked_at = now
            session.flush()
            self._tell(session, row, found, "share.revoked", now)
        self._showing.settle(product)
        log.info("%s revoked the share %s of %s", owner, share, product)

    def linked(self, secret: str) -> Followed:
        """Return where a link leads to.

        Raises
        ------
        NotFound
            There is no such link, or it has ended.
        """
        wanted = secret_hash(secret[:_LONGEST_NAME])
        with self._database.reading() as session:
            found = products.by_secret(session, wanted)
            if (
                found is not None
                and hmac.compare_digest(found.secret_hash or "", wanted)
                and products.shown(found).is_live(self._clock.now())
            ):
                return Followed(product=found.product, ends_at=found.expires_at)
        raise NotFound("This link leads nowhere: it has ended, or was taken back. Ask who sent it to you.")

    def _require_new(self, session: Session, made: Share, now: datetime) -> None:
        found = products.shares(session, made.product)
        live = [one for one in found if products.shown(one).is_live(now)]
        if len(live) >= MOST_SHARES:
            raise NoRoom(
                f"{MOST_SHARES} may read it, and nothing is shared with more: use a group, or everyone."
            )
        if made.kind != Kind.LINK and any(
            (one.kind, one.subject) == (made.kind, made.subject) for one in live
        ):
            raise Conflict("It is shared with them already; revoke that first to change its end.")

    def _tell(self, session: Session, row: Product, share: Share, kind: str, now: datetime) -> None:
        """Note it for the owner, and for a user whom it is shared with; last in a transaction."""
        who = {row.owner, *([share.subject] if share.kind == Kind.USER else [])}
        data = {"kind": share.kind, "subject": share.subject, "owner": row.owner}
        news = [events.News(one, kind, row.id, data) for one in sorted(who)]
        events.append_all(session, news, at=now)


def _subject_of(asked: ShareMake, *, owner: str, groups: Collection[str]) -> str:
    """Return whom a share names, in its one spelling."""
    subject = asked.subject.strip()
    if asked.kind in (Kind.EVERYONE, Kind.LINK):
        return ""
    if asked.kind == Kind.GROUP.value:
        if subject not in groups or not is_plain(subject):
            named = ", ".join(sorted(groups)) or "none"
            raise BadParameter(
                f"share with a group that you are in: {named}; got {subject[:80]!r}", field="subject"
            )
        return subject
    subject = subject.lower()
    if not is_plain(subject) or len(subject) > _LONGEST_NAME:
        raise BadParameter("name the user whom you share it with", field="subject")
    if subject == owner:
        raise BadParameter("it is yours already; name somebody else", field="subject")
    return subject


def _end_of(asked: datetime | None, now: datetime) -> datetime | None:
    if asked is None:
        return None
    if asked.tzinfo is None:
        raise BadParameter("say the end with its zone, as 2030-01-31T00:00:00Z", field="expires_at")
    if not now < asked < now + LONGEST:
        raise BadParameter("the end must lie ahead, and within ten years", field="expires_at")
    return asked
