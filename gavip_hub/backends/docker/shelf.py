"""The images that the platform gives away: those of the setting `images`, by its names, and no other of the engine's."""

import threading
from collections.abc import Iterator, Mapping

from gavip_hub.backends.docker.engine import Engine
from gavip_hub.backends.images import KnownImage
from gavip_hub.exceptions import Conflict, Forbidden


class Shelf:
    """For the one process that holds the engine's socket.

    An engine has images of everybody; whoever asks says a name of the table, so that no reference of theirs reaches the engine.

    Parameters
    ----------
    images
        Name -> reference.
    """

    def __init__(self, *, engine: Engine, images: Mapping[str, str]) -> None:
        self._engine = engine
        self._images = dict(images)
        self._saving = threading.Lock()

    def known(self) -> list[KnownImage]:
        """Return those that the engine has."""
        return [found for name in sorted(self._images) if (found := self._look(name)) is not None]

    def saved(self, name: str, image_id: str) -> Iterator[bytes]:
        """Yield an image as `docker save` writes it: by its reference, which an engine that loads it gives it, too.

        Raises
        ------
        gavip_hub.exceptions.Forbidden
            The platform gives none of that name.
        gavip_hub.exceptions.Conflict
            The reference is another image's now, or another image is being saved: each takes its size on the engine's disk.
        gavip_hub.exceptions.Unavailable
            The engine broke off.
        """
        self._require(name, image_id)
        if not self._saving.acquire(blocking=False):
            raise Conflict("An image is being saved already: ask again in a minute.")
        try:
            yield from self._engine.saved(self._images[name])
        finally:
            self._saving.release()
        self._require(name, image_id)

    def _require(self, name: str, image_id: str) -> None:
        if name not in self._images:
            raise Forbidden(f"{name!r} is no image that this platform gives away.")
        found = self._look(name)
        if found is None or found.id != image_id:
            raise Conflict(f"The image {name} was replaced meanwhile: ask again in a minute.")

    def _look(self, name: str) -> KnownImage | None:
        reference = self._images[name]
        found = self._engine.image(reference)
        if found is None:
            return None
        return KnownImage(name=name, reference=reference, id=found["Id"], size=int(found["Size"]))
