"""Images of an engine whose socket another process holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from typing_extensions import override

from gavip_hub.backends.docker.frames import PIECE_WITHIN, framed_pieces
from gavip_hub.backends.docker.line import RESTARTED_WITHIN, StewardLine
from gavip_hub.backends.images import ImageSource, KnownImage

KNOWN_WITHIN = 30.0


class RemoteImages(ImageSource):
    """Asks the steward.

    Parameters
    ----------
    path, patience
        As of a `StewardLine`.
    """

    def __init__(self, *, path: Path, patience: float = RESTARTED_WITHIN) -> None:
        self._line = StewardLine(path=path, patience=patience)

    @override
    def stop(self) -> None:
        self._line.hang_up()

    @override
    def known(self) -> list[KnownImage]:
        return [KnownImage(**row) for row in self._line.ask(KNOWN_WITHIN, act="images")]

    @override
    @contextmanager
    def saved(self, image: KnownImage) -> Iterator[Iterator[bytes]]:
        stream: BinaryIO
        with self._line.opened(PIECE_WITHIN, act="save_image", name=image.name, id=image.id) as (_, stream):
            yield framed_pieces(stream)
