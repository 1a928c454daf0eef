"""Fetch the stars of a question from the archive, or from the bundled extract when no archive answers."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from astropy.table import Table

from avi_kernel.connectors.errors import ArchiveUnavailable
from avi_kernel.connectors.source import Source
from avi_kernel.connectors.tap import TapConnector
from hr import extract
from hr.fields import Question
from hr.stars import absolute_magnitude, colour, density, good, members

REQUIRED = "GAVIP_ARCHIVE_REQUIRED"
"""Variable: `1` makes a missing archive an error."""
ATTRIBUTION = (
    "ESA/Gaia/DPAC, CC BY-SA 3.0 IGO; Hipparcos: ESA 1997, new reduction by van Leeuwen 2007, A&A 474, 653."
)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Stars, where they come from, and what is to be known about that."""

    stars: Table
    source: Source
    notes: tuple[str, ...] = ()


def fetch(
    question: Question, *, connector: TapConnector | None = None, environ: Mapping[str, str] = os.environ
) -> Sample:
    """Return the stars in the cone, from the archive if it can be reached.

    Raises
    ------
    ArchiveUnavailable
        It cannot, and the environment requires it.
    """
    connector = connector or TapConnector.of_environment(environ, attribution=ATTRIBUTION)
    try:
        answer = connector.fetch(question.adql)
    except ArchiveUnavailable as error:
        if environ.get(REQUIRED) == "1":
            raise
        return from_extract(question, str(error))
    notes = ["The archive cut its answer at its limit of rows."] if answer.overflow else []
    if answer.from_cache:
        notes.append(
            f"The archive answered this on {answer.source.asked:%Y-%m-%d %H:%M} UTC; it was not asked again."
        )
    return Sample(stars=answer.table, source=answer.source, notes=tuple(notes))


def from_extract(question: Question, why: str) -> Sample:
    """Return the stars of the extract, with the reason why they come from there."""
    stars = Table(extract.find(question))
    source = Source(
        archive=extract.NAME,
        url="",
        release=extract.RELEASE,
        query=question.adql,
        asked_at=datetime.now(UTC).isoformat(timespec="seconds"),
        rows=len(stars),
        complete=not extract.shortfall(question),
        attribution=ATTRIBUTION,
    )
    source.mark(stars)
    notes = [
        f"The archive cannot be reached ({why}), so these stars come from the extract that this AVI brings."
    ]
    if lacks := extract.shortfall(question):
        notes.append(lacks)
    return Sample(stars=stars, source=source, notes=tuple(notes))


def cut(sample: Sample, question: Question) -> Table:
    """Return the stars that pass the cuts, with colour, absolute magnitude, membership and density."""
    stars = sample.stars[good(sample.stars, question)]
    stars["bp_rp"] = colour(stars).astype(np.float32)
    stars["abs_g_mag"] = absolute_magnitude(stars).astype(np.float32)
    stars["member"] = members(stars, question.cluster)
    stars["density"] = density(colour(stars), absolute_magnitude(stars)).astype(np.float32)
    for name, (unit, description) in DERIVED.items():
        stars[name].unit = unit
        stars[name].description = description
    return stars


DERIVED = {
    "bp_rp": ("mag", "Colour BP - RP"),
    "abs_g_mag": (
        "mag",
        "Absolute G magnitude from the Hipparcos parallax, without correction for extinction",
    ),
    "member": (None, "Shares parallax and proper motion of the cluster"),
    "density": (None, "Density of stars at this place of the diagram, relative to the densest"),
}
