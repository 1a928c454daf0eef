"""What is told of releases, kept in memory: none ever changes, so each is read once."""

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from sqlalchemy.orm import Session

T = TypeVar("T")
MOST_KEPT = 20_000
"""Releases, a kilobyte or two each."""


class KeptReleases(Generic[T]):
    """Something of each release that stays as it is; which of them somebody may see is asked anew each time.

    Parameters
    ----------
    read
        Reads it of releases that are not known yet: yields id and what is to be kept.
    """

    def __init__(
        self,
        read: Callable[[Session, Sequence[str]], Iterable[tuple[str, T]]],
        *,
        most: int = MOST_KEPT,
    ) -> None:
        self._read = read
        self._most = most
        self._kept: dict[str, T] = {}

    def of(self, session: Session, wanted: Sequence[str]) -> list[T]:
        """Return it of these releases, in their order; of one that is not there it is left out."""
        kept = self._kept
        missing = [release for release in wanted if release not in kept]
        if missing:
            new = dict(self._read(session, missing))
            # A new table each time, since others read the old one meanwhile; of one that grew too large what is asked for is kept.
            few = len(kept) + len(new) <= self._most
            kept = {**(kept if few else {one: kept[one] for one in wanted if one in kept}), **new}
            self._kept = kept
        return [kept[release] for release in wanted if release in kept]
