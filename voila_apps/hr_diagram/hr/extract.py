"""The bundled extract of real stars, for when no archive can be reached."""

import gzip
from functools import cache
from itertools import dropwhile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hr.fields import CLUSTERS, Question
from hr.stars import inside

FILE = Path(__file__).resolve().parent.parent / "data" / "stars.ecsv.gz"
NAME = "Bundled extract"
RELEASE = "Gaia DR3 x Hipparcos-2"
FAINTEST = 10.0
"""mag in G; the extract has no fainter stars."""
CLUSTER_RADIUS = 10.0
"""deg; so far around each named cluster goes the deeper part."""
CLUSTER_PRECISION = 5.0
"""Least parallax over its error in the deeper part."""
SKY_PRECISION = 15.0
"""The same in the rest of the sky."""

RECORD = np.dtype(
    [
        ("source_id", np.int64),
        ("ra", np.float64),
        ("dec", np.float64),
        ("phot_g_mean_mag", np.float64),
        ("phot_bp_mean_mag", np.float64),
        ("phot_rp_mean_mag", np.float64),
        ("hip", np.int64),
        ("hip_plx", np.float64),
        ("hip_e_plx", np.float64),
        ("hip_pm_ra", np.float64),
        ("hip_pm_de", np.float64),
    ]
)


@cache
def all_stars() -> NDArray[np.void]:
    """Read the extract."""
    with gzip.open(FILE, "rt", encoding="utf-8") as file:
        rows = dropwhile(lambda line: line.startswith("#"), file)
        next(rows)  # the names of the columns
        stars: NDArray[np.void] = np.loadtxt(rows, dtype=RECORD)
    return stars


def find(question: Question) -> NDArray[np.void]:
    """Return the stars of the extract that lie in the question's cone and brightness."""
    stars = all_stars()
    return stars[inside(stars, question) & (stars["phot_g_mean_mag"] <= question.faint_limit)]


def shortfall(question: Question) -> str:
    """Say in words what an archive would have that the extract lacks for this question; empty: nothing."""
    if question.faint_limit > FAINTEST:
        return f"The extract ends at G = {FAINTEST:g} mag."
    if question.parallax_over_error < _precision(question):
        return f"Here the extract has only stars with a parallax of at least {_precision(question):g} times its error."
    return ""


def _precision(question: Question) -> float:
    """Return the least parallax over its error at which the extract is complete in all of the cone."""
    for cluster in CLUSTERS.values():
        ends_within = CLUSTER_RADIUS - question.radius
        centre = np.array([(cluster.ra, cluster.dec)], dtype=[("ra", float), ("dec", float)])
        near = Question(
            title="",
            ra=question.ra,
            dec=question.dec,
            radius=ends_within,
            parallax_over_error=0,
            faint_limit=FAINTEST,
        )
        if ends_within >= 0 and bool(inside(centre, near)[0]):
            return CLUSTER_PRECISION
    return SKY_PRECISION
