"""What the interface shows at once, from the bundled extract: where the field lies, and its diagram in small."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from hr import extract
from hr.diagram import INK, MEMBER, QUIET_INK, Points, fill
from hr.fields import Question
from hr.stars import (
    Columns,
    Flags,
    Floats,
    absolute_magnitude,
    colour,
    density,
    good,
    members,
    plain,
)


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The extract's view of a question."""

    sky: Figure
    diagram: Figure
    in_cone: int
    shown: int
    members: int


def preview(question: Question) -> Preview:
    """Draw sky and diagram from the bundled extract."""
    stars = extract.find(question)
    kept = stars[good(stars, question)]
    bp_rp, abs_mag = colour(kept), absolute_magnitude(kept)
    member = members(kept, question.cluster)
    points = Points(bp_rp=bp_rp, abs_mag=abs_mag, density=density(bp_rp, abs_mag), member=member)
    sky, diagram = (Figure(figsize=(4.8, 4.7), dpi=120, facecolor="white") for _ in range(2))
    _draw_sky(sky.add_axes((0.04, 0.05, 0.92, 0.86)), kept, member, question)
    fill(diagram.add_axes((0.12, 0.115, 0.86, 0.86)), points, scale=0.6)
    return Preview(sky=sky, diagram=diagram, in_cone=len(stars), shown=len(kept), members=int(member.sum()))


def tangent_plane(stars: Columns, question: Question) -> tuple[Floats, Floats]:
    """Return positions in deg on the plane that touches the sky at the field's centre: east, north."""
    ra, dec = np.radians(plain(stars["ra"])), np.radians(plain(stars["dec"]))
    ra0, dec0 = np.radians(question.ra), np.radians(question.dec)
    towards = np.sin(dec) * np.sin(dec0) + np.cos(dec) * np.cos(dec0) * np.cos(ra - ra0)
    east = np.cos(dec) * np.sin(ra - ra0) / towards
    north = (np.sin(dec) * np.cos(dec0) - np.cos(dec) * np.sin(dec0) * np.cos(ra - ra0)) / towards
    return np.degrees(east), np.degrees(north)


def _draw_sky(axes: Axes, stars: Columns, member: Flags, question: Question) -> None:
    east, north = tangent_plane(stars, question)
    size = 3 + 2.2 * np.clip(question.faint_limit - plain(stars["phot_g_mean_mag"]), 0, 8) ** 1.5
    edge = float(np.degrees(np.tan(np.radians(question.radius))))
    axes.add_patch(Circle((0, 0), edge, facecolor="#f5f7fa", edgecolor="#9aa5b4", linewidth=0.8))
    axes.scatter(east[~member], north[~member], s=size[~member], color="#4a7bab", linewidths=0)
    axes.scatter(
        east[member], north[member], s=size[member], color=MEMBER, edgecolors="white", linewidths=0.4
    )
    # East is to the left, as one sees the sky.
    axes.set_xlim(1.12 * edge, -1.12 * edge)
    axes.set_ylim(-1.12 * edge, 1.12 * edge)
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.set_title(f"The sky, {question.cone}", size=9.5, color=INK, pad=6)
    axes.text(0, 1.07 * edge, "N", ha="center", va="center", size=8, color=QUIET_INK)
    axes.text(1.07 * edge, 0, "E", ha="center", va="center", size=8, color=QUIET_INK)
    _draw_scale(axes, edge, question.radius)


def _draw_scale(axes: Axes, edge: float, radius: float) -> None:
    length = max(step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10) if step <= radius)
    axes.plot(
        [-edge, -edge + length], [-1.06 * edge] * 2, color=QUIET_INK, linewidth=1.2, solid_capstyle="butt"
    )
    axes.text(
        -edge + length / 2, -1.02 * edge, f"{length:g}°", ha="center", va="bottom", size=8, color=QUIET_INK
    )
