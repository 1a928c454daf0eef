"""The platform's images for who writes AVIs: an archive is made when one is first asked for, and kept as long as its image."""

import logging
from threading import Lock
from typing import BinaryIO

import gavip_hub
from avi_kernel.protocol.images import ArchiveState, ImageList, ImageView
from gavip_hub.backends.images import ImageSource, KnownImage
from gavip_hub.clock import Clock
from gavip_hub.config import MB, NOTEBOOK_IMAGE
from gavip_hub.exceptions import DiskFull, GavipError, NotFound, Unavailable, is_full_disk
from gavip_hub.storage.disk import DiskSpace
from gavip_hub.storage.image_archives import Archive, ImageArchives

KNOWN_SECONDS = 30.0
"""For which the engine's word on its images is believed."""
_COPIES = 2
"""What making an archive takes of its image's size at most: the engine lays it together on its disk, which may be the same."""
_NOT_YET = "The engine has not been asked for its images yet: try again in a minute."

log = logging.getLogger(__name__)


class ImageService:
    """Tells which images there are, and has their archives made, one after the other.

    Parameters
    ----------
    source
        Whatever has the images.
    """

    def __init__(
        self, *, source: ImageSource, archives: ImageArchives, disk: DiskSpace, clock: Clock
    ) -> None:
        self._source = source
        self._archives = archives
        self._disk = disk
        self._clock = clock
        self._known: dict[str, KnownImage] = {}
        self._reason = source.why_none or _NOT_YET
        self._asked_at: float | None = None
        self._lock = Lock()
        self._wanted: dict[str, None] = {}
        self._failed: dict[str, GavipError] = {}
        self._taken: tuple[str, int] = ("", 0)
        """What is being made, and how many bytes of it have come."""

    def every(self) -> ImageList:
        """Return all that may be downloaded."""
        return ImageList(items=[self._view(image) for image in self._known.values()], reason=self._reason)

    def get(self, name: str) -> ImageView:
        """Return one.

        Raises
        ------
        NotFound
            There is none of that name; the message says which there are, or why there is none.
        """
        return self._view(self._image(name))

    def want(self, name: str) -> ImageView:
        """Have the archive of an image made, where there is none.

        Raises
        ------
        NotFound
            There is no such image.
        DiskFull
            The disk has too little room for it.
        GavipError
            The last try failed, which is told once; who asks again has it tried again.
        """
        image = self._image(name)
        if self._archives.found(image.key) is None:
            with self._lock:
                if failed := self._failed.pop(name, None):
                    raise failed
                if name not in self._wanted:
                    self._require_room(image)
                    self._wanted[name] = None
        return self._view(image)

    def open(self, name: str) -> tuple[Archive, BinaryIO] | None:
        """Return the archive of an image with its content; None where it is not made.

        Raises
        ------
        NotFound
            There is no such image.
        """
        return self._archives.open(self._image(name).key)

    def used_mb(self) -> int:
        """Return the MB that all archives take."""
        return self._archives.used() // MB

    def digest_of(self, name: str) -> str:
        """Return what an image is known by to the engine; empty where that is not known, or there is no engine."""
        found = self._known.get(name)
        return found.id if found else ""

    def look(self) -> None:
        """See which images there are, remove what is of none any more, and make one archive that is wanted."""
        if self._source.why_none:
            return
        now = self._clock.monotonic()
        if self._asked_at is None or now - self._asked_at >= KNOWN_SECONDS or self._wanted:
            self._asked_at = now
            self._ask()
        if name := next(iter(self._wanted), None):
            self._make(name)

    def stop(self) -> None:
        """Break off what is being made."""
        self._source.stop()

    def _ask(self) -> None:
        try:
            found = self._source.known()
        except Unavailable as error:
            self._reason = f"What is told of images may be old: {error}"
            return
        self._known = {image.name: image for image in found}
        self._reason = "" if found else "The engine has none of the images of the setting `images`."
        self._archives.keep({image.key for image in found})

    def _make(self, name: str) -> None:
        """Make an archive; that it could not be made is told to who asks next."""
        try:
            image = self._image(name)
            if self._archives.found(image.key) is None:
                self._require_room(image)
                self._fill(image)
        except GavipError as error:
            log.warning("The archive of the image %s is not made: %s", name, error)
            self._failed[name] = error
        except OSError as error:
            log.warning("The archive of the image %s is not made: %s", name, error)
            self._failed[name] = (
                DiskFull() if is_full_disk(error) else Unavailable(f"It cannot be kept: {error}")
            )
        finally:
            with self._lock:
                self._wanted.pop(name, None)
                self._taken = ("", 0)

    def _fill(self, image: KnownImage) -> None:
        self._taken = (image.name, 0)

        def taken(more: int) -> None:
            self._taken = (image.name, self._taken[1] + more)

        with self._source.saved(image) as pieces:
            made = self._archives.make(image.key, pieces, taken=taken)
        log.info("Made the archive of %s: %d MB", image.reference, made.size // MB)

    def _image(self, name: str) -> KnownImage:
        if name in self._known:
            return self._known[name]
        if not self._known:
            raise NotFound(f"There is no image to download. {self._reason}", field="image")
        raise NotFound(
            f"There is no image {name!r} to download; there are: {', '.join(self._known)}.", field="image"
        )

    def _require_room(self, image: KnownImage) -> None:
        free, needed = self._disk.free_mb(), _COPIES * image.size // MB
        if free < needed + self._disk.reserve_mb:
            raise DiskFull(
                f"The archive of {image.name} cannot be made: that takes up to {needed} MB while it is made, and of the "
                f"{free} MB free on the platform's disk {self._disk.reserve_mb} MB are kept. Ask its operator to make room."
            )

    def _view(self, image: KnownImage) -> ImageView:
        made = self._archives.found(image.key)
        failed = self._failed.get(image.name)
        return ImageView(
            name=image.name,
            reference=image.reference,
            kind="notebook" if image.name == NOTEBOOK_IMAGE else "avi",
            platform_version=gavip_hub.__version__,
            image_id=image.id,
            image_size=image.size,
            state="ready" if made else self._state(image.name),
            fraction=1.0 if made else self._fraction(image),
            reason=failed.message if failed and not made else "",
            size=made.size if made else None,
            sha256=made.sha256 if made else None,
            made_at=made.made_at if made else None,
        )

    def _state(self, name: str) -> ArchiveState:
        if self._taken[0] == name:
            return "making"
        return "waiting" if name in self._wanted else "none"

    def _fraction(self, image: KnownImage) -> float:
        """Return how much has come: of what an engine counts as an image's size, archives hold a little more."""
        name, taken = self._taken
        return min(0.99, taken / max(1, image.size)) if name == image.name else 0.0
