"""Where a platform's images come from, to be given to who writes AVIs for them."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import sha256

from typing_extensions import override

from gavip_hub.exceptions import NotFound


@dataclass(frozen=True, kw_only=True)
class KnownImage:
    """An image of the setting `images` that the engine has."""

    name: str
    """In the setting."""
    reference: str
    id: str
    size: int
    """Bytes in the engine."""

    @property
    def key(self) -> str:
        """What an archive of it is kept under: it holds the reference, too."""
        return sha256(f"{self.reference}\n{self.id}".encode()).hexdigest()[:32]


class ImageSource(ABC):
    """Gives the images of the setting `images`, and no other."""

    why_none: str = ""
    """Why this platform has none to give; empty where it may have some."""

    def stop(self) -> None:  # noqa: B027 - most have nothing to stop
        """Break off what is being given: the service ends."""

    @abstractmethod
    def known(self) -> list[KnownImage]:
        """Return the images that are there.

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            Nobody tells.
        """

    @abstractmethod
    def saved(self, image: KnownImage) -> AbstractContextManager[Iterator[bytes]]:
        """Give an image as `docker save` writes it, piece by piece.

        Raises
        ------
        gavip_hub.exceptions.Conflict
            It is another image now than it was.
        gavip_hub.exceptions.Unavailable
            It broke off.
        """


class NoImages(ImageSource):
    """Of a platform that has none to give.

    Parameters
    ----------
    why
        A sentence that says what would be needed.
    """

    def __init__(self, why: str) -> None:
        self.why_none = why

    @override
    def known(self) -> list[KnownImage]:
        return []

    @override
    def saved(self, image: KnownImage) -> AbstractContextManager[Iterator[bytes]]:
        raise NotFound(self.why_none)
