"""What pages show of a file: how its card looks, which page of it is asked for, and where that is found."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, cast

from tornado.web import RequestHandler

from avi_kernel.protocol.previews import Kind, PreviewAsk
from gavip_hub.domain.previews import kind_of
from gavip_hub.handlers.operations import validated
from gavip_hub.handlers.rendering import query

Preview = Literal["image", "notebook", "table", "text", "file", "none"]
CONTENT_BYTES = 40_000_000
"""Of what a browser is sent to be shown as it is."""
AS_PICTURE = "as"
"""Of an address of content: `picture` asks for a PNG that is made here, whatever the file is."""

_CARDS: dict[Kind, Preview] = {
    "image": "image",
    "svg": "image",
    "notebook": "notebook",
    "votable": "table",
    "csv": "table",
    "tsv": "table",
    "parquet": "table",
    "fits": "file",
    "hdf5": "file",
    "text": "text",
    "pdf": "none",
    "none": "none",
}


_ORDER: dict[Preview, int] = {"image": 0, "table": 1, "file": 1, "notebook": 3}


@dataclass(frozen=True, kw_only=True)
class Card:
    """A file with its addresses, as its card shows it."""

    name: str
    title: str
    media_type: str
    size: int
    sha256: str
    page: str
    content: str
    download: str

    @property
    def preview(self) -> Preview:
        """How the card looks."""
        return preview_of(self.name, self.media_type)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the pages of one file are, for the templates that show them."""

    page: str
    """Address of the page that shows it."""
    content: str
    """Address of its images, or of it as a browser shows it in a frame."""
    download: str
    title: str
    size: int
    given: dict[str, str] = field(default_factory=dict)
    """What each of the first two addresses has behind its question mark besides what is asked of the file."""

    def address(self, ask: PreviewAsk, **changed: str) -> str:
        """Return the address of the page that shows the same in another way."""
        return _with(self.page, self.given | _told(ask) | {"page": ""} | changed)

    def picture(self, ask: PreviewAsk, part: str) -> str:
        """Return the address of the image of a part."""
        told = {"part": part} | _told(ask) | {"page": "", "find": "", "part": part}
        return _with(self.content, self.given | {AS_PICTURE: "picture"} | told)


def _told(ask: PreviewAsk) -> dict[str, str]:
    """Return what is asked otherwise than by default, as an address has it."""
    return {name: str(value) for name, value in ask.model_dump(exclude_defaults=True).items()}


def _with(address: str, asked: dict[str, str]) -> str:
    told = query(asked)
    return f"{address}?{told}" if told else address


def preview_of(name: str, media_type: str = "") -> Preview:
    """Return how the card of a file looks."""
    return _CARDS[kind_of(name, media_type)]


def in_order(cards: Iterable[Card]) -> list[Card]:
    """Return cards, what is looked at first in front."""
    return sorted(cards, key=lambda card: _ORDER.get(card.preview, 2))


def asked_of(handler: RequestHandler) -> PreviewAsk:
    """Return which page of a file an address asks for, and how.

    Raises
    ------
    BadParameter
        There is no such page or way.
    """
    names = PreviewAsk.model_fields
    given = {name: handler.get_query_argument(name, "", strip=False) for name in names}
    told = {name: value for name, value in given.items() if value}
    return cast(PreviewAsk, validated(PreviewAsk, lambda: PreviewAsk.model_validate(told)))
