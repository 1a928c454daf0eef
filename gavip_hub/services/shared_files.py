"""What others share with a reader, as it lies below `shared` in their containers: listed and read, never written."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from gavip_hub.exceptions import NotFound
from gavip_hub.storage.beneath import check_part, open_file
from gavip_hub.storage.userfiles import MOST_LISTED, NOTHING, Listed, Order, listed_below

_OWN = ("groups", "me")
"""Of these each reader has a folder of their own."""


class SharedFiles:
    """The three folders that make up `shared`.

    Parameters
    ----------
    root
        The data root.
    """

    def __init__(self, *, root: Path) -> None:
        self._shared = root / "shared"

    def listed(
        self,
        reader: str,
        parts: Sequence[str],
        *,
        order: Order = Order.NAME,
        offset: int = 0,
        limit: int = MOST_LISTED,
    ) -> Listed:
        """Return a page of what lies in a folder, named from the top of the space as `shared/me`.

        Raises
        ------
        NotFound
            There is no such folder for this reader.
        """
        if len(parts) == 1:
            found = [one for one in listed_below(self._shared, []).found if one.name in ("everyone", *_OWN)]
            return Listed(found=found, total=len(found), more=False)
        root, below = self._way(reader, parts)
        if not root.is_dir():
            return NOTHING  # nothing of theirs ran yet, and nobody shares with them
        return listed_below(root, below, order=order, offset=offset, limit=limit)

    def open(self, reader: str, parts: Sequence[str]) -> BinaryIO:
        """Open a file; the caller closes it.

        Raises
        ------
        NotFound
            There is no such file for this reader.
        """
        root, below = self._way(reader, parts)
        try:
            return open_file(root, below)
        except (OSError, ValueError):
            raise NotFound(f"There is no file {'/'.join(parts)[:200]}.") from None

    def _way(self, reader: str, parts: Sequence[str]) -> tuple[Path, Sequence[str]]:
        kind = parts[1] if len(parts) > 1 else ""
        if kind in _OWN:
            return self._shared / kind / check_part(reader), parts[2:]
        if kind == "everyone":
            return self._shared / kind, parts[2:]
        raise NotFound(f"There is no {'/'.join(parts)[:200]}.")
