"""Stars in a cone, from the archive, or from the extract where no archive answers."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from astropy.table import Table
from avi_kernel.connectors.errors import ArchiveUnavailable
from avi_kernel.connectors.source import Source
from avi_kernel.connectors.tap import TapConnector

EXTRACT = Path(__file__).resolve().parents[1] / "data" / "stars.csv"
EXTRACT_NAME = "Packaged extract"
EXTRACT_RELEASE = "Gaia DR3 x Hipparcos-2"
EXTRACT_CENTRE = (66.75, 15.87)
"""deg; of the Hyades."""
EXTRACT_RADIUS = 8.0
"""deg"""
ATTRIBUTION = (
    "ESA/Gaia/DPAC, CC BY-SA 3.0 IGO; "
    "Hipparcos: ESA 1997, new reduction by van Leeuwen 2007, A&A 474, 653."
)
ADQL = """\
SELECT g.source_id, g.ra, g.dec, g.phot_g_mean_mag, h.hip, h.plx AS hip_plx,
       h.e_plx AS hip_e_plx, h.pm_ra AS hip_pm_ra, h.pm_de AS hip_pm_de
FROM gaiadr3.gaia_source AS g
JOIN gaiadr3.hipparcos2_best_neighbour AS x ON x.source_id = g.source_id
JOIN "public".hipparcos_newreduction AS h ON h.hip = x.original_ext_source_id
WHERE 1 = CONTAINS(
  POINT('ICRS', g.ra, g.dec), CIRCLE('ICRS', {ra}, {dec}, {radius})
)
  AND g.phot_g_mean_mag <= 10 AND h.plx > 0
ORDER BY g.source_id"""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Stars, and where they come from."""

    stars: Table
    source: Source
    notes: tuple[str, ...] = ()

    @property
    def titled(self):
        """What belongs into the title of a result; empty where the archive answered."""
        extract = self.source.archive == EXTRACT_NAME
        return f" (from the {EXTRACT_NAME.lower()})" if extract else ""


def fetch(*, ra, dec, radius, environ=os.environ):
    """Return the stars in a cone.

    Parameters
    ----------
    ra, dec
        deg; of its centre.
    radius
        deg.

    Raises
    ------
    avi_kernel.connectors.errors.QueryRefused
        The archive does not take the query.
    """
    archive = TapConnector.of_environment(environ, attribution=ATTRIBUTION)
    try:
        answer = archive.fetch(ADQL.format(ra=ra, dec=dec, radius=radius))
    except ArchiveUnavailable as error:
        return of_extract(ra=ra, dec=dec, radius=radius, why=str(error))
    return Sample(stars=answer.table, source=answer.source)


def of_extract(*, ra, dec, radius, why):
    """Return the stars of the extract that lie in the cone, and why they come from it."""
    stars = Table.read(EXTRACT, format="ascii.csv")
    stars = stars[separation(stars["ra"], stars["dec"], ra, dec) <= radius]
    reach = separation(ra, dec, *EXTRACT_CENTRE) + radius
    source = Source(
        archive=EXTRACT_NAME,
        url="",
        release=EXTRACT_RELEASE,
        query="",
        asked_at=datetime.now(UTC).isoformat(timespec="seconds"),
        rows=len(stars),
        complete=bool(reach <= EXTRACT_RADIUS),
        attribution=ATTRIBUTION,
    )
    source.mark(stars)
    notes = [f"No archive answers ({why}): these stars are of the packaged extract."]
    if not source.complete:
        notes.append(
            f"The extract ends {EXTRACT_RADIUS:g} deg from the Hyades: stars are missing."
        )
    return Sample(stars=stars, source=source, notes=tuple(notes))


def separation(ra, dec, ra0, dec0):
    """Return the angle between places on the sky; all in deg."""
    ra, dec, ra0, dec0 = (
        np.radians(np.asarray(x, float)) for x in (ra, dec, ra0, dec0)
    )
    half = np.sin((dec - dec0) / 2) ** 2
    half = half + np.cos(dec) * np.cos(dec0) * np.sin((ra - ra0) / 2) ** 2
    return np.degrees(2 * np.arcsin(np.sqrt(half)))
