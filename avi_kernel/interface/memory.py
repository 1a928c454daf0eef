"""Memory that was freed and is still held."""

import ctypes


def give_back() -> None:
    """Have the C library return to the system what was freed: 7 MB after a server's first page. Nothing where it cannot."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
