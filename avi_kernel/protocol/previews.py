"""What can be seen of a file without downloading it: a page of it, as the REST interface tells."""

from typing import Annotated, Literal

from pydantic import Field

from avi_kernel.protocol.base import MOST, Line, Paragraph, Wire

Kind = Literal[
    "fits",
    "votable",
    "csv",
    "tsv",
    "parquet",
    "hdf5",
    "image",
    "svg",
    "pdf",
    "text",
    "notebook",
    "none",
]
Stretch = Literal["linear", "sqrt", "log", "asinh"]
Cut = Literal["zscale", "99.5%", "99%", "all", "levels"]
Colours = Literal["grey", "grey-reversed", "viridis", "inferno"]
Number = Annotated[float, Field(allow_inf_nan=False)]


class PreviewAsk(Wire):
    """Which page of a file, and how."""

    part: Paragraph = ""
    """Number of a FITS extension, or path of a group or dataset of HDF5; default: the first that shows something."""
    page: Annotated[str, Field(pattern=r"^([0-9]{1,16}|end)?$")] = ""
    """What an earlier page named as its next, previous or last; default: the first."""
    find: Line = ""
    """Words that a header's cards must hold, to be shown."""
    stretch: Stretch = "linear"
    """How values between black and white are spread: evenly, or the faint ones further apart."""
    cut: Cut = "zscale"
    """Which values are black and white: of zscale, of the middle 99.5 % or 99 %, of all, or `low` and `high`."""
    low: Number | None = None
    """Value that is black, where `cut` is `levels`."""
    high: Number | None = None
    """Value that is white, where `cut` is `levels`."""
    colours: Colours = "grey"
    """In which colours an image is shown."""
    plane: Annotated[int, Field(ge=0, le=MOST)] = 0
    """Of a cube, counted from 0."""


class PreviewColumn(Wire):
    """A column of a table, in its file's own words."""

    name: str
    unit: str = ""
    ucd: str = ""
    about: str = ""
    type: str = ""
    number: bool = False
    """Whether all values of this page are numbers, which are read from the right."""


class PreviewTable(Wire):
    """A page of a table; every value is text, cut where it is long."""

    columns: list[PreviewColumn]
    rows: list[list[str]]
    first: int | None = None
    """Number of the first row, counted from 1; None where only its place in the file is known."""
    total: int | None = None
    """Rows of the whole table, where the file tells."""
    columns_left_out: int = 0


class PreviewCard(Wire):
    """A line of a header, or an attribute."""

    key: str
    value: str
    comment: str = ""


class PreviewPart(Wire):
    """One thing that a file holds: a FITS extension, a group or dataset of HDF5."""

    id: str
    name: str
    kind: str
    about: str = ""
    """Its shape and type."""


class PreviewImage(Wire):
    """How an image is shown."""

    width: int
    height: int
    planes: int = 1
    low: float | None = None
    high: float | None = None
    """The values that are black and white; None of a picture that is shown as it is."""
    step: int = 1
    """Each so-manieth pixel is shown."""


class PreviewView(Wire):
    """A page of a file."""

    kind: Kind
    problem: str = ""
    """Why nothing, or less, is shown; empty: nothing is amiss."""
    parts: list[PreviewPart] = []
    part: str = ""
    cards: list[PreviewCard] = []
    cards_left_out: int = 0
    table: PreviewTable | None = None
    text: str | None = None
    image: PreviewImage | None = None
    previous: str | None = None
    next: str | None = None
    last: str | None = None
    """What to ask for as `page`; None: there is no such page."""
    place: float | None = None
    """How far into the file this page begins, from 0 to 1."""
