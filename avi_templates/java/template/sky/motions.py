"""What is computed of the stars, and the same by numpy to compare with."""

from dataclasses import dataclass, field

import numpy as np

NAMES = {"parallax": "mas", "pm_ra": "mas/yr", "pm_de": "mas/yr", "velocity": "km/s"}
"""Quantity -> its unit."""
KM_S = 4.740470463533349
"""km/s of one astronomical unit a year."""


@dataclass(frozen=True, kw_only=True)
class Motions:
    """Means of some stars, and how their parallaxes are spread."""

    parallax: float
    """mas; weighted by the inverse square of the errors."""
    pm_ra: float
    """mas/yr, with cos(dec)."""
    pm_de: float
    """mas/yr"""
    velocity: float
    """km/s, across the line of sight."""
    histogram: list[int] = field(default_factory=list)
    """Stars in each bin of parallax."""

    def difference(self, other):
        """Return the largest relative difference of a mean; a bin that differs is infinity."""
        if list(self.histogram) != list(other.histogram):
            return float("inf")
        pairs = [(getattr(self, name), getattr(other, name)) for name in NAMES]
        return max(abs(one - two) / max(abs(two), 1e-300) for one, two in pairs)


def measured(stars):
    """Return parallax, its error and the proper motions as rows of numbers, without gaps."""
    names = ("hip_plx", "hip_e_plx", "hip_pm_ra", "hip_pm_de")
    columns = [np.ma.asarray(stars[name], float).filled(np.nan) for name in names]
    values = np.column_stack(columns)
    values = values[np.isfinite(values).all(axis=1)]
    if not len(values):
        raise ValueError(
            "no star is left: choose a larger cone, or a smaller precision"
        )
    return values


def histogram_range(values):
    """Return between which parallaxes the histogram lies, in mas."""
    return 0.0, float(np.ceil(values[:, 0].max()))


def computed_by_numpy(values, *, bins, low, high):
    """Return the motions of rows of parallax, error and proper motions."""
    parallax, error, pm_ra, pm_de = values.T
    counts, _ = np.histogram(parallax, bins=bins, range=(low, high))
    return Motions(
        parallax=float(np.average(parallax, weights=1 / error**2)),
        pm_ra=float(pm_ra.mean()),
        pm_de=float(pm_de.mean()),
        velocity=float((KM_S * np.hypot(pm_ra, pm_de) / parallax).mean()),
        histogram=counts.tolist(),
    )
