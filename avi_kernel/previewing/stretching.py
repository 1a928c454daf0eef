"""From numbers to a picture: cut levels, stretch, colours."""

import io
from typing import Any

from avi_kernel.previewing.words import Question

_ASINH = 10.0
_LOG = 1000.0
_COLOURS = {
    "grey": ("000000", "ffffff"),
    "grey-reversed": ("ffffff", "000000"),
    "viridis": (
        *("440154", "482878", "3e4989", "31688e", "26828e", "1f9e89", "35b779", "6ece58", "b5de2b", "fde725"),
    ),
    "inferno": (
        *("000004", "1b0c41", "4a0c6b", "781c6d", "a52c60", "cf4446", "ed6925", "fb9b06", "f7d13d", "fcffa4"),
    ),
}


def levels(question: Question, pixels: Any) -> tuple[float, float]:
    """Return the values that are shown black and white."""
    import numpy as np  # noqa: PLC0415  # for images alone

    finite = pixels[np.isfinite(pixels)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = _found(question.cut, finite)
    if question.cut == "levels":
        low = low if question.low is None else question.low
        high = high if question.high is None else question.high
    low, high = float(low), float(high)
    return (
        (low, high) if high > low else (low, float(np.nextafter(low, np.inf)) if low == high else low + 1.0)
    )


def _found(cut: str, finite: Any) -> tuple[float, float]:
    import numpy as np  # noqa: PLC0415  # as above
    from astropy.visualization import ZScaleInterval  # noqa: PLC0415  # as above

    if cut == "zscale":
        low, high = ZScaleInterval().get_limits(finite)
        return low, high
    if cut in {"99.5%", "99%"}:
        aside = (100 - float(cut.rstrip("%"))) / 2
        low, high = np.percentile(finite, [aside, 100 - aside])
        return low, high
    return finite.min(), finite.max()


def stretched(pixels: Any, *, low: float, high: float, how: str) -> Any:
    """Return bytes from 0, black, to 255, white; what is no number is black."""
    import numpy as np  # noqa: PLC0415  # as above

    with np.errstate(all="ignore"):
        share = np.clip((pixels / 2 - low / 2) / (high / 2 - low / 2), 0, 1)
        if how == "sqrt":
            share = np.sqrt(share)
        elif how == "log":
            share = np.log1p(_LOG * share) / np.log1p(_LOG)
        elif how == "asinh":
            share = np.arcsinh(_ASINH * share) / np.arcsinh(_ASINH)
        return np.nan_to_num(share * 255, nan=0.0).astype("u1")


def coloured(shown: Any, colours: str) -> bytes:
    """Return a picture as a PNG."""
    import numpy as np  # noqa: PLC0415  # as above
    from PIL import Image  # noqa: PLC0415  # as above

    anchors = np.array([list(bytes.fromhex(one)) for one in _COLOURS[colours]], dtype="f8")
    places = np.linspace(0, 255, len(anchors))
    palette = np.stack([np.interp(np.arange(256), places, anchors[:, band]) for band in range(3)], axis=1)
    height, width = shown.shape
    image = Image.frombytes("P", (width, height), np.ascontiguousarray(shown).tobytes())
    image.putpalette(np.rint(palette).astype("u1").tobytes())
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=3)
    return stream.getvalue()
