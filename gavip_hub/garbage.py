"""How often Python looks for objects that only refer to one another."""

import gc

NEW_OBJECTS, YOUNG, OLD = 10_000, 100, 20
"""Python's own numbers (700, 10, 10) are for programs that keep little; with 50,000 new objects every page waited up to 60 ms a look."""


def look_seldom() -> None:
    """Look for garbage less often than Python by itself, and never among what is there now.

    A pass of the scheduler makes tens of thousands of objects that are soon gone by themselves, and keeps a queue of up
    to hundreds of thousands: looking through those again and again was a sixth of all that the scheduler computed.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, YOUNG, OLD)
