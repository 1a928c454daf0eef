"""Files that are packed by gzip, unpacked within a bound."""

import gzip
import io
import zlib
from dataclasses import replace

from avi_kernel.previewing.words import MB, Question, Unreadable

MOST_UNPACKED = 256 * MB
_GZIP = b"\x1f\x8b"


def unpacked(question: Question) -> Question:
    """Return what is asked of the content of a packed file; of any other as it is."""
    question.file.seek(0)
    packed = question.file.read(2) == _GZIP
    question.file.seek(0)
    if not packed:
        return question
    try:
        with gzip.GzipFile(fileobj=question.file) as file:
            content = file.read(MOST_UNPACKED + 1)
    except (OSError, EOFError, zlib.error):
        raise Unreadable("This file begins as one packed by gzip, and is damaged.") from None
    if len(content) > MOST_UNPACKED:
        raise Unreadable(
            f"This file is packed, and more than {MOST_UNPACKED // MB} MB when unpacked: unpack it yourself to see it."
        )
    return replace(question, file=io.BytesIO(content), size=len(content))
