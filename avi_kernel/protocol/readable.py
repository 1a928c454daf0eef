"""How pages write numbers, times, sizes and a stranger's words for people: the portal's, and those of `gavip dev`."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import JsonValue

from avi_kernel.protocol.api import JobView

_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LARGE_NUMBER = re.compile(r"(?<![\w.:/-])\d{4,}(?![\w.:/-]|\.\d)")
_KB = 1000


def sentence(text: str) -> str:
    """Write a reason as a sentence of a page: a capital in front, its numbers as elsewhere."""
    spaced = _LARGE_NUMBER.sub(lambda found: amount(int(found[0])), text)
    return spaced[:1].upper() + spaced[1:]


def plain(text: str) -> str:
    """Take terminal colours and control characters out of what a program wrote."""
    return _CONTROL.sub("", _ANSI.sub("", text.replace("\r\n", "\n")))


def amount(value: float) -> str:
    """Write a number with thin spaces between thousands and no needless zeros."""
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    text = f"{value:,.0f}" if value.is_integer() else f"{value:,.2f}".rstrip("0").rstrip(".")
    return text.replace(",", "\N{NARROW NO-BREAK SPACE}")


def size(count: int) -> str:
    """Write a number of bytes with its unit."""
    if count < _KB:
        return f"{count} B"
    power = min(4, int(math.log(count, _KB)))
    return f"{count / _KB**power:.3g} {('kB', 'MB', 'GB', 'TB')[power - 1]}"


def duration(seconds: float) -> str:
    """Write a time span in its two largest units."""
    whole = int(seconds)
    if seconds < 10:  # noqa: PLR2004 - tenths matter only in short spans
        return f"{seconds:.1f} s" if seconds != whole else f"{whole} s"
    parts = [(whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")]
    first = next(index for index, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count)


def percent(fraction: float) -> str:
    """Write how far something is that has not ended: 99 % at most."""
    return f"{min(99, int(fraction * 100))} %"


def isotime(moment: datetime) -> str:
    """Write a moment for machines."""
    return _aware(moment).isoformat(timespec="seconds").replace("+00:00", "Z")


def utc(moment: datetime) -> str:
    """Write a moment for people, with its zone."""
    return f"{_aware(moment):%-d %b %Y, %H:%M} UTC"


def clock(moment: datetime, since: datetime | None = None) -> str:
    """Write a moment to the second; of the same day as another moment, without the day."""
    own = _aware(moment)
    if since is not None and _aware(since).date() == own.date():
        return f"{own:%H:%M:%S}"
    return f"{own:%-d %b %Y, %H:%M:%S} UTC"


def minute(moment: datetime, now: datetime) -> str:
    """Write a moment that is only roughly known: to the minute, and of the same day without the day."""
    own = _aware(moment)
    return f"{own:%H:%M}" if _aware(now).date() == own.date() else f"{own:%-d %b, %H:%M}"


def ran_for(job: JobView, now: datetime) -> str:
    """Write how long a job ran, or runs already."""
    if job.started_at is None:
        return "\N{EN DASH}"
    end = _aware(job.ended_at or now)
    return duration(max(0.0, (end - _aware(job.started_at)).total_seconds()))


def shorten(text: str, length: int) -> str:
    """Cut a sentence to fit a line."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def shown(value: JsonValue) -> str:
    """Write a parameter's value."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return shorten(f"{value:g}" if isinstance(value, float) else str(value), 400)


def summary(parameters: Mapping[str, JsonValue]) -> str:
    """Write the first parameters in one line."""
    pairs = (f"{name} {shorten(shown(value), 40)}" for name, value in parameters.items() if value != "")
    return shorten(", ".join(pairs), 120)


def _aware(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
