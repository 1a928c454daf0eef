"""Draw the diagram; with matplotlib's figures alone, since pyplot loads slowly and wants a backend."""

import io
import textwrap
from dataclasses import dataclass
from typing import Self

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import AutoMinorLocator

from hr.fields import Question
from hr.stars import Columns, Flags, Floats, plain

INK = "#1b2433"
QUIET_INK = "#5d6878"
LINES = "#e6eaf0"
MEMBER = "#d1495b"
CROWDED = LinearSegmentedColormap.from_list(
    "crowded", ["#bccadb", "#86a5c6", "#4a7bab", "#234a7d", "#0d1b3a"]
)
LEFT, BOTTOM, WIDTH, HEIGHT = 0.115, 0.165, 0.845, 0.705
LEAST_COLOURS = (-0.5, 3.2)
LEAST_MAGNITUDES = (-6.5, 10.0)
"""mag; every diagram shows at least these, so that two of them compare well: no named cluster needs more."""
FEW = 600
"""Stars; fewer than these are drawn larger."""


@dataclass(frozen=True, kw_only=True)
class Points:
    """The stars of one diagram."""

    bp_rp: Floats
    """mag"""
    abs_mag: Floats
    """mag"""
    density: Floats
    """Relative to the densest place."""
    member: Flags

    @classmethod
    def of(cls, stars: Columns) -> Self:
        """Take them from a table that `hr.sample.cut` made."""
        return cls(
            bp_rp=plain(stars["bp_rp"]),
            abs_mag=plain(stars["abs_g_mag"]),
            density=plain(stars["density"]),
            member=np.asarray(stars["member"], dtype=bool),
        )

    def __len__(self) -> int:
        return len(self.bp_rp)


def draw(
    points: Points, question: Question, *, source: str, credit: str, notes: tuple[str, ...] = ()
) -> Figure:
    """Return the diagram as a figure that names its source.

    Parameters
    ----------
    source
        Archive, release and date, in one line.
    credit
        What the licence of the data asks to be said.
    notes
        Sentences that belong on the plot, such as that an extract was used.
    """
    figure = Figure(figsize=(7.2, 8.4), dpi=150, facecolor="white")
    fill(figure.add_axes((LEFT, BOTTOM, WIDTH, HEIGHT)), points)
    _headings(figure, points, question)
    _small_print(figure, [f"Source: {source}.", *notes], [credit])
    return figure


def fill(axes: Axes, points: Points, *, scale: float = 1.0) -> None:
    """Draw the stars of a diagram, and its axes, into a place of a figure; `scale` that of its marks."""
    _frame(axes, points)
    _stars(axes, points, (24 if len(points) < FEW else 11) * scale)


def png(figure: Figure) -> bytes:
    """Return a figure as a PNG image."""
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def _frame(axes: Axes, points: Points) -> None:
    axes.set_xlabel(r"Colour  $G_\mathrm{BP} - G_\mathrm{RP}$  [mag]", size=10.5, color=INK, labelpad=6)
    axes.set_ylabel("Absolute magnitude  $M_G$  [mag]", size=10.5, color=INK)
    axes.set_xlim(*_reach(points.bp_rp, LEAST_COLOURS, margin=0.1))
    axes.set_ylim(*_reach(points.abs_mag, LEAST_MAGNITUDES, margin=0.5)[::-1])
    axes.tick_params(
        which="both", direction="in", top=True, right=True, color="#9aa5b4", labelcolor=INK, labelsize=9
    )
    axes.xaxis.set_minor_locator(AutoMinorLocator(5))
    axes.yaxis.set_minor_locator(AutoMinorLocator(4))
    axes.grid(visible=True, color=LINES, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[:].set_color("#9aa5b4")


def _reach(values: Floats, least: tuple[float, float], *, margin: float) -> tuple[float, float]:
    if not len(values):
        return least
    return min(least[0], float(values.min()) - margin), max(least[1], float(values.max()) + margin)


def _stars(axes: Axes, points: Points, size: float) -> None:
    # The most crowded places are drawn last, or single stars would hide them.
    field = np.flatnonzero(~points.member)
    field = field[np.argsort(points.density[field])]
    axes.scatter(
        points.bp_rp[field],
        points.abs_mag[field],
        c=points.density[field],
        cmap=CROWDED,
        vmin=0,
        vmax=1,
        s=size,
        linewidths=0,
        label="Other stars in the cone, darker where the diagram is denser" if points.member.any() else None,
    )
    if points.member.any():
        axes.scatter(
            points.bp_rp[points.member],
            points.abs_mag[points.member],
            c=MEMBER,
            s=size * 1.3,
            edgecolors="white",
            linewidths=0.5,
            label=f"{points.member.sum()} stars that share the cluster's parallax and proper motion",
        )
        axes.legend(
            loc="lower left", fontsize=8, frameon=True, facecolor="white", edgecolor=LINES, labelcolor=INK
        )


def _small_print(figure: Figure, source: list[str], credit: list[str]) -> None:
    for y, lines, colour in ((0.04, source, INK), (0.014, credit, QUIET_INK)):
        text = textwrap.fill(" ".join(lines), 122)
        figure.text(LEFT, y, text, size=6.8, color=colour, va="bottom", linespacing=1.4)


def _headings(figure: Figure, points: Points, question: Question) -> None:
    figure.text(LEFT, 0.945, question.title, size=20, weight="bold", color=INK)
    cuts = rf"$G \leq {question.faint_limit:g}$ mag, $\varpi/\sigma_\varpi \geq {question.parallax_over_error:g}$"
    figure.text(LEFT, 0.917, f"{len(points)} stars within {question.cone}", size=10, color=INK)
    figure.text(LEFT, 0.893, f"Gaia DR3 photometry, Hipparcos parallaxes; {cuts}", size=8.8, color=QUIET_INK)
