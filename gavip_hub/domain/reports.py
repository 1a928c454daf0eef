"""Reports of simulations in words, a policy a column."""

from collections.abc import Mapping
from dataclasses import asdict

from gavip_hub.domain.simulation import Report

_ROWS: tuple[tuple[str, str, str], ...] = (
    ("wait_p50", "wait, median", "s"),
    ("wait_p95", "wait, 95 %", "s"),
    ("longest_wait", "longest wait", "s"),
    ("slowdown_p50", "slowdown, median", ""),
    ("slowdown_p95", "slowdown, 95 %", ""),
    ("jain", "fairness (Jain's index)", ""),
    ("memory_used", "memory in use", "%"),
    ("cpu_used", "cores in use", "%"),
    ("violations", "violations", ""),
)


def rows_of(reports: Mapping[str, Report]) -> list[tuple[str, list[str]]]:
    """Return each figure's title with its value under each policy."""
    values = [asdict(report) for report in reports.values()]
    return [(title, [_shown(each[key], unit) for each in values]) for key, title, unit in _ROWS]


def _shown(value: float, unit: str) -> str:
    if unit == "%":
        return f"{100 * value:.1f} %"
    return f"{value:,.0f} {unit}" if unit else f"{value:,.3g}"
