"""FITS: its extensions, their headers, and what the chosen one holds.

The library reads headers alone. Data are taken from where they lie, a row of an image or of a table at a time: a header that
announces more than there is, or more than fits a memory, costs nothing.
"""

import io
import warnings
from itertools import islice
from typing import Any

from avi_kernel.previewing import fits_images, fits_tables
from avi_kernel.previewing.unpacked import unpacked
from avi_kernel.previewing.words import MOST_CARDS, Answer, Json, Question, Unreadable, cell, reason

MOST_PARTS = 200
MOST_SEARCHED = 20_000
"""Cards of a header."""


def load() -> None:
    """Import what reading takes, before nothing can be opened any more."""
    import numpy as np  # noqa: PLC0415  # for this kind alone
    from astropy.io import fits  # noqa: PLC0415  # as above

    fits_images.load()
    # Libraries import as they go: what a small file of each kind makes them import is there before the doors are shut.
    pixels = np.arange(100.0).reshape(10, 10)
    rows = fits.BinTableHDU.from_columns([fits.Column("x", "J", array=[1])])
    texts = fits.TableHDU.from_columns([fits.Column("x", "I5", array=[1])])
    stream = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(pixels), fits.CompImageHDU(pixels), rows, texts]).writeto(stream)
    content = stream.getvalue()
    for part, picture in (("0", False), ("0", True), ("1", False), ("2", False), ("3", False)):
        size = len(content)
        read(Question(file=io.BytesIO(content), kind="fits", size=size, part=part, picture=picture))


def read(question: Question) -> Answer:
    """Return the extensions, and a page of the chosen one; or its image as a PNG."""
    from astropy.io import fits  # noqa: PLC0415  # for this kind alone

    warnings.simplefilter("ignore")
    question = unpacked(question)
    try:
        with fits.open(question.file, memmap=False, lazy_load_hdus=True) as hdus:
            found = _extensions(hdus)
            if not found:
                raise Unreadable("This file holds no FITS header that can be read.")
            return _shown(question, found)
    except (
        *(OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError),
        fits.VerifyError,
    ) as error:
        raise Unreadable(f"This file cannot be read as FITS: {reason(error)}.") from None


def _extensions(hdus: Any) -> list[Any]:
    found: list[Any] = []
    while len(found) < MOST_PARTS:
        try:
            found.append(hdus[len(found)])
        except IndexError:
            return found
        except Exception:  # a damaged extension ends what can be seen, and takes nothing from those before it
            if not found:
                raise
            return found
    return found


def _shown(question: Question, found: list[Any]) -> Answer:
    kinds = [_kind(hdu) for hdu in found]
    chosen = _chosen(question, kinds)
    hdu, kind = found[chosen], kinds[chosen]
    if question.picture:
        if kind != "image":
            raise Unreadable(f"Extension {chosen} is no image.")
        return Answer(png=fits_images.png(question, hdu))
    cards, left_out = _cards(hdu.header, question.find.lower())
    view: Json = {
        "kind": "fits",
        "parts": [_part(number, one, kinds[number]) for number, one in enumerate(found)],
        "part": str(chosen),
        "cards": cards,
        "cards_left_out": left_out,
    }
    return Answer(view | _content(question, hdu, kind))


def _content(question: Question, hdu: Any, kind: str) -> Json:
    """Return what an extension holds; where that cannot be read its header is shown all the same."""
    try:
        if kind == "image":
            return {"image": fits_images.about(question, hdu)}
        return fits_tables.page(question, hdu) if kind == "table" else {}
    except Unreadable as unfit:
        return {"problem": str(unfit)}
    except Exception as error:  # whatever a stranger's header brings about  # noqa: BLE001
        return {"problem": f"This extension cannot be read: {reason(error)}."}


def _chosen(question: Question, kinds: list[str]) -> int:
    if not question.part:
        shown = (number for number, kind in enumerate(kinds) if kind in {"image", "table"})
        return next(shown, 0)
    if not question.part.isdigit() or int(question.part[:6]) >= len(kinds):
        raise Unreadable(f"This file has the extensions 0 to {len(kinds) - 1}; choose one of them.")
    return int(question.part)


def _kind(hdu: Any) -> str:
    from astropy.io import fits  # noqa: PLC0415  # as above

    if isinstance(hdu, fits.CompImageHDU) or (hdu.is_image and len(_shape(hdu)) >= 2):  # noqa: PLR2004
        return "image" if all(_shape(hdu)) else "header"
    if isinstance(hdu, (fits.BinTableHDU, fits.TableHDU)):
        return "table"
    return "header"


def _shape(hdu: Any) -> tuple[int, ...]:
    return tuple(int(length) for length in getattr(hdu, "shape", ()) or ())


def _part(number: int, hdu: Any, kind: str) -> Json:
    if kind == "table":
        about = f"{hdu.header.get('NAXIS2', 0)} rows, {hdu.header.get('TFIELDS', 0)} columns"
    else:
        about = " x ".join(map(str, reversed(_shape(hdu)))) or "no data"
    name = cell(hdu.name) or ("PRIMARY" if number == 0 else f"Extension {number}")
    return {"id": str(number), "name": name, "kind": kind, "about": cell(about)}


def _cards(header: Any, find: str) -> tuple[list[Json], int]:
    found: list[Json] = []
    seen = 0
    for card in islice(header.cards, MOST_SEARCHED):
        if len(found) == MOST_CARDS:
            break
        shown = _card(card)
        if not find or any(find in word.lower() for word in shown.values()):
            found.append(shown)
        seen += 1
    return found, len(header.cards) - seen


def _card(card: Any) -> Json:
    try:
        value = card.value
        shown = ("T" if value else "F") if isinstance(value, bool) else cell(value, 400)
        return {"key": cell(card.keyword), "value": shown, "comment": cell(card.comment, 400)}
    except Exception:  # a card that is none is shown as it stands there  # noqa: BLE001
        return {"key": "", "value": cell(getattr(card, "image", ""), 400), "comment": "no valid card"}
