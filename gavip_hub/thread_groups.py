"""The threads of the service's process: what blocks does so beside its event loop, and nobody waits in another's line."""

from typing import NamedTuple

from gavip_hub.config import Gavip
from gavip_hub.scheduler.outside import MOST_AT_ONCE
from gavip_hub.threads import Threads

FILE_THREADS = 4
COPYING_THREADS = 2
PUBLISHING_THREADS = 2
ROUND_THREADS = 2
PROVENANCE_THREADS = 2
"""One keeps what jobs read; the other compares, which strangers' files can draw out."""


def connections(config: Gavip) -> int:
    """Return how many of these may ask the database at once."""
    return config.database_threads + COPYING_THREADS + ROUND_THREADS + MOST_AT_ONCE + PROVENANCE_THREADS + 2


class ThreadGroups(NamedTuple):
    """Threads for what blocks; none of these waits for another."""

    database_threads: Threads
    file_threads: Threads
    copying_threads: Threads
    """Apart from those: a copy of a large folder takes minutes."""
    bin_threads: Threads
    """Apart from all: a million deleted files are removed for minutes."""
    publishing_threads: Threads
    probing_threads: Threads
    """Apart from all: while the database stands still, the others wait for it."""
    round_threads: Threads
    """Apart from those who ask: what is looked at again and again fills no line that they stand in."""
    measuring_threads: Threads
    """Apart from those rounds: a space of a million files takes minutes."""
    building_threads: Threads
    """Apart from those too: packages may be large."""
    outside_threads: Threads
    """Apart from all: a repository of another place may take half an hour."""
    provenance_threads: Threads
    """Apart from all: an input may be large, and so may two results that are compared."""
    image_threads: Threads
    """Apart from all: an engine that saves an image is waited for, one at a time."""
    product_threads: Threads
    """Apart from all: a large product is copied for a while."""


def make_thread_groups(config: Gavip) -> ThreadGroups:
    """Make all of them."""
    return ThreadGroups(
        database_threads=Threads(size=config.database_threads, name="gavip-database"),
        file_threads=Threads(size=FILE_THREADS, name="gavip-files"),
        copying_threads=Threads(size=COPYING_THREADS, name="gavip-copying"),
        bin_threads=Threads(size=1, name="gavip-bins"),
        publishing_threads=Threads(size=PUBLISHING_THREADS, name="gavip-publishing"),
        probing_threads=Threads(size=1, name="gavip-probing"),
        round_threads=Threads(size=ROUND_THREADS, name="gavip-rounds"),
        measuring_threads=Threads(size=1, name="gavip-measuring"),
        building_threads=Threads(size=1, name="gavip-building"),
        outside_threads=Threads(size=MOST_AT_ONCE, name="gavip-outside"),
        provenance_threads=Threads(size=PROVENANCE_THREADS, name="gavip-provenance"),
        image_threads=Threads(size=1, name="gavip-images"),
        product_threads=Threads(size=1, name="gavip-products"),
    )
