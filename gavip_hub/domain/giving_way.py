"""Which idle interfaces give way to those who wait for memory or cores: the longest idle first, and no more than needed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from gavip_hub.domain.quota import ROUNDING

Short = Literal["memory", "cores", ""]
_ENOUGH: Short = ""


class Room(NamedTuple):
    """Memory and cores: free, asked for, or held."""

    memory_mb: float = 0
    cpu: float = 0.0

    def plus(self, other: "Room") -> "Room":
        """Return both together."""
        return Room(self.memory_mb + other.memory_mb, self.cpu + other.cpu)

    def holds(self, other: "Room") -> bool:
        """Tell whether there is room for the other one."""
        return other.memory_mb <= self.memory_mb and other.cpu <= self.cpu + ROUNDING


class Demand(NamedTuple):
    """What somebody waits for, to open an interface or to have a job started."""

    wanted: Room
    own_binds: bool = False
    """Whether their own pool is in the way: what others close would not help."""


class Idle(NamedTuple):
    """An open interface that its user may be away from."""

    id: str
    held: Room
    silence: float
    """Seconds since its user last did something in it."""
    noticed: float | None = None
    """Seconds since its user was told that it closes; None: they were not."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """When an interface has to give way."""

    after: float
    """Seconds of silence; 0: it never has to."""
    notice: float
    """Seconds for which it is told before."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What is to be done, by ids of interfaces."""

    notify: tuple[str, ...] = ()
    """Are told that they close unless they are used."""
    close: tuple[str, ...] = ()
    """Were told for long enough."""
    withdraw: tuple[str, ...] = ()
    """Were told, and need not close any more."""
    short_of: Short = ""
    """What those who wait are short of; nothing where there is room for all."""


def decide(
    demands: Iterable[Demand], interfaces: Sequence[Idle], *, free: Room, whole: Room, terms: Terms
) -> Decision:
    """Say which interfaces are told that they close, which close, and which may stay after all.

    Several close together or not at all: where one of them is used meanwhile, the others would have closed in vain.

    Parameters
    ----------
    demands
        Those who wait, in the order in which they get room; who comes later gets none before.
    free
        What is free on the platform; less than nothing where a limit was lowered.
    whole
        What there is on the platform at all.
    """
    silent = [one for one in interfaces if 0 < terms.after < one.silence]
    silent.sort(key=_first_to_go)
    asked = _sums(demands, whole)
    short_of = next((short for total in asked if (short := _short_of(total, free))), _ENOUGH)
    over = [one for one in silent if one.noticed is not None and one.noticed >= terms.notice]
    closing = next(filter(None, (_fewest(over, free, total) for total in reversed(asked))), [])
    rest = [one for one in silent if one not in closing]
    free = _freed(closing, free)
    found = next((some for total in reversed(asked) if (some := _fewest(rest, free, total)) is not None), [])
    told = {one.id for one in (*closing, *found)}
    return Decision(
        notify=tuple(one.id for one in found if one.noticed is None),
        close=tuple(one.id for one in closing),
        withdraw=tuple(one.id for one in interfaces if one.noticed is not None and one.id not in told),
        short_of=short_of,
    )


def _short_of(asked: Room, free: Room) -> Short:
    if free.holds(asked):
        return _ENOUGH
    return "memory" if asked.memory_mb > free.memory_mb else "cores"


def _first_to_go(one: Idle) -> tuple[bool, float]:
    """Order by silence, those before that were told already: nobody else is told when somebody comes to wait as well."""
    return one.noticed is None, -one.silence


def _sums(demands: Iterable[Demand], whole: Room) -> list[Room]:
    """Return what the first asks for, the first two, and so on, without those whom nothing that closes would help."""
    sums, total = [], Room()
    for one in demands:
        if not one.own_binds and whole.holds(one.wanted):
            total = total.plus(one.wanted)
            sums.append(total)
    return sums


def _fewest(order: Sequence[Idle], free: Room, asked: Room) -> list[Idle] | None:
    """Return interfaces none of which could stay if so much is to be free; None where all of them are too little."""

    def enough(some: Sequence[Idle]) -> bool:
        return _freed(some, free).holds(asked)

    if not enough(order):
        return None
    many = next(many for many in range(len(order) + 1) if enough(order[:many]))
    return _without_spare(order[:many], enough)


def _without_spare(chosen: Sequence[Idle], enough: Callable[[Sequence[Idle]], bool]) -> list[Idle]:
    """Let those stay whose closing is not needed, the last ones first."""
    kept = list(chosen)
    for one in reversed(chosen):
        fewer = [other for other in kept if other is not one]
        if enough(fewer):
            kept = fewer
    return kept


def _freed(some: Iterable[Idle], free: Room) -> Room:
    for one in some:
        free = free.plus(one.held)
    return free
