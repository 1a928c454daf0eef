"""How many files a person reads at once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from gavip_hub.exceptions import NoRoom

MOST_READS = 12
"""Of one person at once: a browser opens six connections."""


class Reads:
    """How many files each person reads at this moment; a slow reader holds a file and a connection."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()

    @contextmanager
    def one(self, owner: str) -> Iterator[None]:
        """Count one more while the block lasts.

        Raises
        ------
        NoRoom
            The person reads as many as one may.
        """
        if self._held[owner] >= MOST_READS:
            raise NoRoom(f"You read {MOST_READS} files at once already; wait until one of them has come.")
        self._held[owner] += 1
        try:
            yield
        finally:
            self._held -= Counter([owner])  # and forgets who reads nothing any more
