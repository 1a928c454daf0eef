"""What a job used over time, as lines that a page draws."""

from collections.abc import Sequence
from dataclasses import dataclass

from avi_kernel.protocol.api import UsageView
from avi_kernel.protocol.readable import amount, duration

WIDTH, HEIGHT = 600.0, 120.0
HEADROOM = 1.1
FEWEST_POINTS = 2


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One quantity over time, against what was asked for; lengths in the units of a box of 600 by 120."""

    title: str
    line: str
    """Points of a polyline."""
    asked: float
    """Height at which what was asked for lies."""
    words: str
    """What it shows, for those who do not see it."""
    until: str


def charts_of(usage: UsageView | None) -> list[Chart]:
    """Return memory and cores over time; nothing where too little is known."""
    if usage is None or len(usage.points) < FEWEST_POINTS:
        return []
    times = [point.seconds for point in usage.points]
    memory = [point.memory_mb for point in usage.points]
    cores = [point.cores for point in usage.points]
    most = round(max(cores), 1)
    peak = max([*memory, usage.memory_peak_mb or 0.0])
    return [
        _chart(
            "Memory",
            times,
            memory,
            asked=usage.memory_mb,
            words=f"at most {amount(round(peak))} of the {amount(usage.memory_mb)} MB asked for",
        ),
        _chart(
            "Processor",
            times,
            cores,
            asked=usage.cpu,
            words=f"at most {amount(most)} core{'' if most == 1 else 's'}, {amount(usage.cpu)} promised",
        ),
    ]


def _chart(title: str, times: Sequence[float], values: Sequence[float], *, asked: float, words: str) -> Chart:
    first, last = times[0], max(times[-1], times[0] + 1.0)
    top = max([*values, asked]) * HEADROOM or 1.0

    def height(value: float) -> float:
        return round(HEIGHT * (1 - value / top), 1)

    line = " ".join(
        f"{WIDTH * (at - first) / (last - first):.1f},{height(value)}"
        for at, value in zip(times, values, strict=True)
    )
    return Chart(title=title, line=line, asked=height(asked), words=words, until=duration(last))
