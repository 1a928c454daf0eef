"""An application that counts stars: one operation of each kind that the command knows."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from avi_kernel.protocol.base import Line, Wire
from gavip_hub.handlers.operations import ApiHandler, operation


class Colour(StrEnum):
    """Of a star."""

    RED = "red"
    BLUE = "blue"


class StarQuery(Wire):
    """Which stars."""

    colour: Annotated[Colour, Field(description="Only stars of this colour.")] | None = None
    limit: Annotated[int, Field(ge=1, le=20, description="Stars at most.")] = 10


class StarMade(Wire):
    """A star to be made."""

    name: Line
    """What it is called."""
    colour: Colour = Colour.RED
    """What it looks like."""
    magnitude: Annotated[float, Field(ge=-2, le=30)] | None = None
    """How bright it is."""
    variable: bool = False
    """Whether that changes."""
    labels: dict[str, str] = {}  # noqa: RUF012 - pydantic copies defaults
    """What else is known."""
    planets: list[str] = []  # noqa: RUF012 - as above
    """Their names."""


class Star(Wire):
    """A star."""

    name: str


class Stars(ApiHandler):
    path = "/stars"

    @operation(id="stars.list", summary="List stars", query=StarQuery, returns=list[Star])
    async def get(self, query: StarQuery) -> list[Star]:
        raise NotImplementedError

    @operation(id="stars.make", summary="Make a star", body=StarMade, returns=Star)
    async def post(self, body: StarMade) -> Star:
        raise NotImplementedError


class OneStar(ApiHandler):
    path = "/stars/{id}"

    @operation(id="stars.get", summary="Show a star", returns=Star)
    async def get(self, id: str) -> Star:  # noqa: A002
        raise NotImplementedError


class Picture(ApiHandler):
    path = "/stars/{id}/picture"

    @operation(id="stars.picture", summary="Fetch the picture of a star", media_type="image/png")
    async def get(self, id: str) -> None:  # noqa: A002
        raise NotImplementedError


class Exploded(ApiHandler):
    """What a test adds."""

    path = "/stars/{id}/explosion"

    @operation(id="stars.explode", summary="Have a star explode", body=StarMade, returns=Star)
    async def post(self, id: str, body: StarMade) -> Star:  # noqa: A002
        raise NotImplementedError


class Comets(ApiHandler):
    """Another group."""

    path = "/comets"

    @operation(id="comets.list", summary="List comets", returns=list[Star])
    async def get(self) -> list[Star]:
        raise NotImplementedError


STAR_HANDLERS = (Stars, OneStar, Picture)
