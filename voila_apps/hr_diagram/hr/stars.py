"""What is computed for each star: colour, absolute magnitude, membership, and how crowded its place is."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hr.fields import Cluster, Question

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Columns = Any
"""Columns by name: an astropy table or a structured array."""

CELL = (0.02, 0.08)
"""mag in colour, mag in brightness: the grid on which stars are counted."""
SMOOTHING = 3.0
"""Cells; standard deviation of the Gaussian that makes a density of the counts."""


def plain(column: Any) -> Floats:
    """Return a column as plain numbers, NaN where a value is missing."""
    values = np.ma.masked_invalid(np.ma.asarray(column, dtype=np.float64))
    return np.asarray(values.filled(np.nan), dtype=np.float64)


def colour(stars: Columns) -> Floats:
    """Return BP - RP in mag."""
    return plain(stars["phot_bp_mean_mag"]) - plain(stars["phot_rp_mean_mag"])


def absolute_magnitude(stars: Columns) -> Floats:
    """Return the absolute G magnitude from the Hipparcos parallax, not corrected for interstellar extinction."""
    magnitude: Floats = plain(stars["phot_g_mean_mag"]) + 5 * np.log10(plain(stars["hip_plx"])) - 10
    return magnitude


def good(stars: Columns, question: Question) -> Flags:
    """Return which stars pass the cuts: a colour, a parallax of the wanted precision, bright enough."""
    precision = plain(stars["hip_plx"]) / plain(stars["hip_e_plx"])
    bright = plain(stars["phot_g_mean_mag"]) <= question.faint_limit
    return np.isfinite(colour(stars)) & (precision >= question.parallax_over_error) & bright


def inside(stars: Columns, question: Question) -> Flags:
    """Return which stars lie in the cone."""
    ra, dec = np.radians(plain(stars["ra"])), np.radians(plain(stars["dec"]))
    ra0, dec0 = np.radians(question.ra), np.radians(question.dec)
    half_chord = np.sin((dec - dec0) / 2) ** 2 + np.cos(dec) * np.cos(dec0) * np.sin((ra - ra0) / 2) ** 2
    return np.asarray(np.degrees(2 * np.arcsin(np.sqrt(half_chord))) <= question.radius)


def members(stars: Columns, cluster: Cluster | None) -> Flags:
    """Return which stars share the cluster's parallax (within three errors) and proper motion."""
    if cluster is None:
        return np.zeros(len(stars["hip"]), bool)
    spread = np.hypot(plain(stars["hip_e_plx"]), cluster.depth)
    at_its_distance = np.abs(plain(stars["hip_plx"]) - cluster.parallax) < 3 * spread
    motion = np.hypot(plain(stars["hip_pm_ra"]) - cluster.pm_ra, plain(stars["hip_pm_de"]) - cluster.pm_de)
    return at_its_distance & (motion < cluster.pm_range)


def density(bp_rp: Floats, abs_mag: Floats) -> Floats:
    """Return, for each star, how crowded the diagram is at its place, as a fraction of the densest place."""
    if not len(bp_rp):
        return np.zeros(0)
    places = [_cells(bp_rp, CELL[0]), _cells(abs_mag, CELL[1])]
    counts = np.zeros([int(place.max()) + 1 + 2 * _reach() for place in places])
    shifted = tuple(place + _reach() for place in places)
    np.add.at(counts, shifted, 1.0)
    for axis in range(counts.ndim):
        counts = np.apply_along_axis(np.convolve, axis, counts, _gaussian(), mode="same")
    at_stars: Floats = counts[shifted] / counts[shifted].max()
    return at_stars


def _cells(values: Floats, size: float) -> NDArray[np.intp]:
    return np.asarray(np.floor((values - values.min()) / size), dtype=np.intp)


def _reach() -> int:
    return int(np.ceil(4 * SMOOTHING))


def _gaussian() -> Floats:
    offsets = np.arange(-_reach(), _reach() + 1)
    weights: Floats = np.exp(-0.5 * (offsets / SMOOTHING) ** 2)
    weights /= weights.sum()
    return weights
