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

    @property
    def titled(self) -> str:
        """What belongs into the title of a result; empty where the archive answered."""
        return f" (from the {extract.NAME.lower()})" if self.source.archive == extract.NAME else ""

    def infos(self, question: Question) -> list[tuple[str, str]]:
        """Return what a table says of how its stars were chosen."""
        chosen = [
            ("ra", f"{question.ra:g} deg"),
            ("dec", f"{question.dec:g} deg"),
            ("radius", f"{question.radius:g} deg"),
            ("parallax_over_error", f">= {question.parallax_over_error:g}"),
            ("faint_limit", f"phot_g_mean_mag <= {question.faint_limit:g} mag"),
        ]
        return [*chosen, *(("note", note) for note in self.notes)]


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
        query="",  # no archive answered one
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
    describe(stars)
    return stars


def describe(stars: Table) -> None:
    """Give every column its unit, UCD and description, where the archive gave none."""
    for name, (unit, ucd, description) in COLUMNS.items():
        column = stars[name]
        column.unit = column.unit or unit
        column.description = column.description or description
        column.info.meta = {"ucd": ucd, **(column.info.meta or {})}


COLUMNS = {
    "source_id": (None, "meta.id;meta.main", "Gaia DR3 source identifier"),
    "ra": ("deg", "pos.eq.ra;meta.main", "Right ascension (ICRS) at epoch 2016.0"),
    "dec": ("deg", "pos.eq.dec;meta.main", "Declination (ICRS) at epoch 2016.0"),
    "phot_g_mean_mag": ("mag", "phot.mag;em.opt", "Gaia DR3 mean magnitude in G"),
    "phot_bp_mean_mag": ("mag", "phot.mag;em.opt.B", "Gaia DR3 mean magnitude in BP"),
    "phot_rp_mean_mag": ("mag", "phot.mag;em.opt.R", "Gaia DR3 mean magnitude in RP"),
    "hip": (None, "meta.id", "Hipparcos identifier"),
    "hip_plx": ("mas", "pos.parallax.trig", "Hipparcos parallax, new reduction"),
    "hip_e_plx": ("mas", "stat.error;pos.parallax.trig", "Standard error of the Hipparcos parallax"),
    "hip_pm_ra": ("mas/yr", "pos.pm;pos.eq.ra", "Hipparcos proper motion in right ascension, with cos(dec)"),
    "hip_pm_de": ("mas/yr", "pos.pm;pos.eq.dec", "Hipparcos proper motion in declination"),
    "bp_rp": ("mag", "phot.color;em.opt.B;em.opt.R", "Colour BP - RP"),
    "abs_g_mag": (
        "mag",
        "phys.magAbs;em.opt",
        "Absolute G magnitude from the Hipparcos parallax, without correction for extinction",
    ),
    "member": (None, "meta.code.member", "Shares parallax and proper motion of the cluster"),
    "density": (
        None,
        "stat.value",
        "Density of stars at this place of the diagram, relative to the densest",
    ),
}
"""Unit, UCD and description."""
