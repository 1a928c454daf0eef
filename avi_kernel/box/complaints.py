"""What goes wrong with the shim itself, kept to a size: a stranger may make the same thing go wrong for ever."""

import os

MOST_BYTES = 256 * 1024


class Complaints:
    """Stands in for `sys.stderr`; what no longer fits is dropped.

    Parameters
    ----------
    descriptor
        Where to write.
    limit
        Bytes.
    """

    def __init__(self, *, descriptor: int, limit: int = MOST_BYTES) -> None:
        self._descriptor = descriptor
        self._left = limit

    def write(self, text: str) -> int:
        """Write what fits."""
        data = text.encode(errors="replace")[: self._left]
        self._left -= len(data)
        if data:
            os.write(self._descriptor, data)
        return len(text)

    def flush(self) -> None:
        """Do nothing: nothing is held back."""
