"""What stands where an AVI has no picture: a small sky of our own, the same for the same name."""

import hashlib
from functools import lru_cache
from math import cos, pi, sin

from markupsafe import Markup

STARS = 14
TONES = 4
_WIDTH, _HEIGHT = 160, 100
_FRAME = Markup(
    '<svg class="abstract tone-{}" viewBox="0 0 160 100" preserveAspectRatio="xMidYMid slice" aria-hidden="true"'
    ' focusable="false">{}</svg>'
)
_STAR = Markup('<circle class="{}" cx="{}" cy="{}" r="{}"/>')
_ORBIT = Markup('<ellipse class="ring" cx="{}" cy="{}" rx="{}" ry="{}" transform="rotate({} {} {})"/>')


@lru_cache(maxsize=4096)
def abstract(name: str) -> Markup:
    """Draw it: an inline picture, in the colours of the page's theme."""
    dice = hashlib.shake_256(name.encode()).digest(4 * STARS + 8)
    x, y = 40 + dice[0] % 80, 30 + dice[1] % 40
    tilt = dice[2] % 180
    parts = [_ORBIT.format(x, y, 18 * count, 8 * count, tilt, x, y) for count in range(1, 3 + dice[3] % 3)]
    for star in range(STARS):
        across, down, wide, kind = dice[8 + 4 * star : 12 + 4 * star]
        bright = "bright" if kind < 32 else "faint"  # noqa: PLR2004 - one in eight
        parts.append(_STAR.format(bright, across * _WIDTH // 256, down * _HEIGHT // 256, 0.6 + wide / 200))
    turn = 2 * pi * dice[4] / 256
    planet = _STAR.format("planet", round(x + 18 * cos(turn), 1), round(y + 18 * sin(turn) / 2, 1), 3)
    parts += [_STAR.format("sun", x, y, 5 + dice[5] % 4), planet]
    return _FRAME.format(dice[6] % TONES, Markup().join(parts))
