"""The pieces of sky that can be picked by name, and the question that is asked of one."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """An open cluster as Hipparcos sees it: means of the new reduction (van Leeuwen 2009, A&A 497, 209).

    The parallaxes are those of Hipparcos on purpose, the Pleiades' too: the diagram is made from them.
    """

    title: str
    ra: float
    """deg"""
    dec: float
    """deg"""
    parallax: float
    """mas"""
    pm_ra: float
    """mas/yr, with cos(dec)"""
    pm_de: float
    """mas/yr"""
    pm_range: float = 8.0
    """mas/yr; how far a member's proper motion may lie from the mean."""
    depth: float = 0.0
    """mas; spread of the parallaxes where the cluster is near enough to show its depth."""
    about: str = ""


CLUSTERS = {
    "hyades": Cluster(
        title="Hyades",
        ra=66.75,
        dec=15.87,
        parallax=21.53,
        pm_ra=110.0,
        pm_de=-30.0,
        pm_range=60.0,
        depth=2.0,
        about="The nearest open cluster, 47 pc away and about 700 million years old.",
    ),
    "pleiades": Cluster(
        title="Pleiades",
        ra=56.75,
        dec=24.12,
        parallax=8.32,
        pm_ra=20.1,
        pm_de=-45.4,
        about="Young (about 110 million years). Hipparcos puts it at 120 pc, Gaia at 136 pc.",
    ),
    "coma-berenices": Cluster(
        title="Coma Berenices",
        ra=186.0,
        dec=26.0,
        parallax=11.53,
        pm_ra=-11.75,
        pm_de=-8.69,
        about="A sparse cluster at 87 pc, near the north galactic pole.",
    ),
    "praesepe": Cluster(
        title="Praesepe",
        ra=130.05,
        dec=19.62,
        parallax=5.49,
        pm_ra=-35.81,
        pm_de=-12.85,
        about="The Beehive, at 182 pc: as old as the Hyades, with red giants.",
    ),
    "alpha-persei": Cluster(
        title="Alpha Persei",
        ra=51.6,
        dec=48.9,
        parallax=5.80,
        pm_ra=22.73,
        pm_de=-26.51,
        about="Young (about 70 million years), at 172 pc, around the supergiant Mirfak.",
    ),
    "ic-2602": Cluster(
        title="IC 2602",
        ra=160.74,
        dec=-64.40,
        parallax=6.73,
        pm_ra=-17.02,
        pm_de=11.15,
        about="The southern Pleiades, at 149 pc and about 40 million years old.",
    ),
    "ic-2391": Cluster(
        title="IC 2391",
        ra=130.13,
        dec=-53.03,
        parallax=6.90,
        pm_ra=-24.69,
        pm_de=22.96,
        about="Around omicron Velorum, at 145 pc and about 45 million years old.",
    ),
    "blanco-1": Cluster(
        title="Blanco 1",
        ra=1.03,
        dec=-29.83,
        parallax=4.83,
        pm_ra=20.11,
        pm_de=2.43,
        about="A young cluster far below the galactic plane, at 207 pc.",
    ),
    "ngc-2451a": Cluster(
        title="NGC 2451A",
        ra=115.8,
        dec=-38.4,
        parallax=5.45,
        pm_ra=-22.0,
        pm_de=15.33,
        about="The nearer of two clusters that lie in one line of sight, at 183 pc.",
    ),
}

CUSTOM = "custom"
"""The field whose centre is given."""
SAME_PLACE = 0.01
"""deg; a centre that differs by less from a named field's own is that."""

ADQL = """\
SELECT g.source_id, g.ra, g.dec,
       g.phot_g_mean_mag, g.phot_bp_mean_mag, g.phot_rp_mean_mag,
       h.hip, h.plx AS hip_plx, h.e_plx AS hip_e_plx, h.pm_ra AS hip_pm_ra, h.pm_de AS hip_pm_de
FROM gaiadr3.gaia_source AS g
JOIN gaiadr3.hipparcos2_best_neighbour AS x ON x.source_id = g.source_id
JOIN "public".hipparcos_newreduction AS h ON h.hip = x.original_ext_source_id
WHERE 1 = CONTAINS(POINT('ICRS', g.ra, g.dec), CIRCLE('ICRS', {ra}, {dec}, {radius}))
  AND g.phot_g_mean_mag <= {faint_limit}
  AND h.plx > 0
ORDER BY g.source_id"""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What somebody wants to see: a cone on the sky and the cuts on its stars."""

    title: str
    ra: float
    """deg"""
    dec: float
    """deg"""
    radius: float
    """deg"""
    parallax_over_error: float
    faint_limit: float
    """mag, in G"""
    cluster: Cluster | None = None

    @property
    def adql(self) -> str:
        """The same for every archive that has ESA's tables."""
        return ADQL.format(ra=self.ra, dec=self.dec, radius=self.radius, faint_limit=self.faint_limit)

    @property
    def cone(self) -> str:
        """The cone in words."""
        return f"{self.radius:g}° around RA {self.ra:.2f}°, Dec {self.dec:+.2f}°"


def question(
    *,
    field: str,
    ra: float | None = None,
    dec: float | None = None,
    radius: float,
    parallax_over_error: float,
    faint_limit: float,
) -> Question:
    """Return the question that the pipeline's parameters ask.

    Raises
    ------
    ValueError
        A named field is given another centre than its own, or a custom one none.
    """
    cluster = CLUSTERS.get(field)
    centre = _own_centre(cluster, ra, dec) if cluster else _given_centre(ra, dec)
    return Question(
        title=cluster.title if cluster else f"RA {centre[0]:.2f}°, Dec {centre[1]:+.2f}°",
        ra=centre[0],
        dec=centre[1],
        radius=float(radius),
        parallax_over_error=float(parallax_over_error),
        faint_limit=float(faint_limit),
        cluster=cluster,
    )


def _own_centre(cluster: Cluster, ra: float | None, dec: float | None) -> tuple[float, float]:
    # A job's record must not name a place that was never looked at.
    for name, given, own in (("ra", ra, cluster.ra), ("dec", dec, cluster.dec)):
        if given is not None and abs(given - own) > SAME_PLACE:
            raise ValueError(
                f"The {cluster.title} have their own centre, RA {cluster.ra:g}°, Dec {cluster.dec:+g}°; "
                f"{name} is {given:g}°. Leave ra and dec empty, or choose the field {CUSTOM!r}."
            )
    return cluster.ra, cluster.dec


def _given_centre(ra: float | None, dec: float | None) -> tuple[float, float]:
    if ra is None or dec is None:
        raise ValueError(f"The field {CUSTOM!r} needs a centre: give ra and dec in degrees (ICRS).")
    return float(ra), float(dec)
