"""How long things have been as they are, on a clock that nobody sets."""

from collections.abc import Collection

from gavip_hub.clock import Clock


class Sightings:
    """Remembers when this process first saw what it sees.

    The times in the database are of the machine's clock, which a person, a time server or a suspend may move by hours:
    good for telling people when, and never a reason to end anything.
    """

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[str, dict[str, tuple[object, float]]] = {}

    def age(self, name: str, what: str, value: object, *, already: float = 0.0) -> float:
        """Return for how many seconds something of a container has been seen to have this value.

        Parameters
        ----------
        already
            For how long it had it when it was seen first, as far as that is known.
        """
        now = self._clock.monotonic()
        seen = self._seen.setdefault(name, {})
        known, since = seen.get(what, (value, now - already))
        if known != value:
            known, since = value, now
        seen[what] = (known, since)
        return now - since

    def forget(self, name: str) -> None:
        """Drop what is known of a container that is gone."""
        self._seen.pop(name, None)

    def keep(self, names: Collection[str]) -> None:
        """Drop what is known of all others."""
        for name in self._seen.keys() - set(names):
            self.forget(name)
