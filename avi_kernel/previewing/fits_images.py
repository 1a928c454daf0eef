"""Images of FITS: as many of their pixels as a page shows, from where they lie in the file."""

import math
import sys
from typing import Any

from avi_kernel.previewing.stretching import coloured, levels, stretched
from avi_kernel.previewing.words import MB, Json, Question, Unreadable

LARGEST_SIDE = 1024
MOST_READ = 512 * MB
"""Bytes of rows that are read for one image."""
MOST_COMPRESSED = 32_000_000
"""Pixels of a compressed image, which is unpacked as a whole."""
_TYPES = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}


def load() -> None:
    """Import what showing takes, before nothing can be opened any more."""
    # astropy takes it where it is there: half of the time would go into it, and it wants a folder to write to.
    sys.modules.setdefault("matplotlib", None)  # type: ignore[arg-type]  # None makes its import fail
    from astropy.io.fits.hdu import compressed  # noqa: F401, PLC0415
    from astropy.visualization import ZScaleInterval  # noqa: F401, PLC0415
    from PIL import PngImagePlugin  # noqa: F401, PLC0415


def about(question: Question, hdu: Any) -> Json:
    """Return how an image is shown."""
    pixels, step = _pixels(question, hdu)
    low, high = levels(question, pixels)
    height, width = _shape(hdu)[-2:]
    planes = math.prod(_shape(hdu)[:-2])
    return {"width": width, "height": height, "planes": planes, "low": low, "high": high, "step": step}


def png(question: Question, hdu: Any) -> bytes:
    """Return an image as a PNG, north where FITS has it: its first row lies below."""
    pixels, _ = _pixels(question, hdu)
    low, high = levels(question, pixels)
    shown = stretched(pixels, low=low, high=high, how=question.stretch)
    return coloured(shown[::-1], question.colours)


def _shape(hdu: Any) -> tuple[int, ...]:
    return tuple(int(length) for length in hdu.shape)


def _pixels(question: Question, hdu: Any) -> tuple[Any, int]:
    """Return the pixels of one plane that are shown, as numbers, and each how-manieth that is."""
    shape = _shape(hdu)
    if len(shape) < 2 or not all(length > 0 for length in shape):  # noqa: PLR2004
        raise Unreadable("This image has no pixels.")
    planes = math.prod(shape[:-2])
    if question.plane >= planes:
        raise Unreadable(f"This image has the planes 0 to {planes - 1}; choose one of them.")
    step = max(1, -(-max(shape[-2:]) // LARGEST_SIDE))
    from astropy.io import fits  # noqa: PLC0415  # for this kind alone

    if isinstance(hdu, fits.CompImageHDU):
        return _compressed(question, hdu, step), step
    return _scaled(_plain(question, hdu, step), hdu), step


def _compressed(question: Question, hdu: Any, step: int) -> Any:
    import numpy as np  # noqa: PLC0415  # as above

    shape = _shape(hdu)
    if math.prod(shape[-2:]) > MOST_COMPRESSED:
        raise Unreadable(
            f"This compressed image has {shape[-1]} x {shape[-2]} pixels; at most "
            f"{MOST_COMPRESSED // 1_000_000} million are unpacked here."
        )
    section = hdu.section[(*np.unravel_index(question.plane, shape[:-2]), slice(None), slice(None))]
    return np.asarray(section, dtype="f8")[::step, ::step]


def _plain(question: Question, hdu: Any, step: int) -> Any:
    import numpy as np  # noqa: PLC0415  # as above

    height, width = _shape(hdu)[-2:]
    # The library leaves the header as it is until somebody asks it for the data, which nobody does here.
    kind = np.dtype(_TYPES[int(hdu.header["BITPIX"])])
    row = width * kind.itemsize
    begin = hdu.fileinfo()["datLoc"] + question.plane * height * row
    if begin + height * row > question.size:
        raise Unreadable(
            f"Its header announces {width} x {height} pixels, which are more than the file holds: it is cut or damaged."
        )
    if row * len(range(0, height, step)) > MOST_READ:
        raise Unreadable(
            f"This image has {width} x {height} pixels, which is more than is looked through here."
        )
    rows = []
    for number in range(0, height, step):
        question.file.seek(begin + number * row)
        rows.append(np.frombuffer(question.file.read(row), dtype=kind)[::step])
    return np.array(rows)


def _scaled(raw: Any, hdu: Any) -> Any:
    import numpy as np  # noqa: PLC0415  # as above

    header, pixels = hdu.header, raw.astype("f8")
    blank = header.get("BLANK")
    if isinstance(blank, int) and raw.dtype.kind in "iu":
        pixels[raw == blank] = np.nan
    return pixels * float(header.get("BSCALE", 1)) + float(header.get("BZERO", 0))
