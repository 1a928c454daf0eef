"""Pictures of interfaces: which files are some, told by what they hold and never by their names."""

import re
import struct
from pathlib import Path

LARGEST_PICTURE = 1024 * 1024
"""Bytes."""
MOST_PIXELS = 4000
"""On a side: a small file may unfold to a picture that no browser can hold."""
_STEP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._ -]{0,99}")
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_NO_SIZE = frozenset({0x01, *range(0xD0, 0xDA)})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of a JPEG file that carry the picture's size."""


class PictureProblem(ValueError):
    """Why a file is no picture that is shown, with what would be accepted."""


def picture_parts(path: str) -> list[str]:
    """Return the steps of a picture's path from the top of its folder.

    Raises
    ------
    PictureProblem
        It leads elsewhere, or is none.
    """
    parts = path.split("/")
    if not all(_STEP.fullmatch(part) for part in parts):
        raise PictureProblem(
            f"must be a path in the folder, such as `docs/picture.png`, of plain names; got {path[:80]!r}"
        )
    return parts


def check_picture(folder: Path, name: str) -> None:
    """Refuse a file of an AVI's folder that is no picture.

    Raises
    ------
    PictureProblem
        With what would be accepted.
    """
    path = folder.joinpath(*picture_parts(name))
    if not path.is_symlink() and not path.exists():
        raise PictureProblem(f"there is no file {name}")
    if path.is_symlink() or path.resolve() != path:
        raise PictureProblem(f"{name} is a link; put the file in its place")
    if not path.is_file():
        raise PictureProblem(f"{name} is not a file")
    if path.stat().st_size > LARGEST_PICTURE:
        raise PictureProblem(f"{name} is larger than {LARGEST_PICTURE // 1024} kB")
    picture_kind(path.read_bytes())


def picture_kind(content: bytes) -> str:
    """Return the media type of a picture.

    Raises
    ------
    PictureProblem
        It is neither PNG, JPEG nor WebP, or has too many pixels.
    """
    if content.startswith(_PNG):
        kind, size = "image/png", _png_size(content)
    elif content.startswith(_JPEG):
        kind, size = "image/jpeg", _jpeg_size(content)
    elif content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        kind, size = "image/webp", _webp_size(content)
    else:
        raise PictureProblem("must be a PNG, JPEG or WebP file; its content is none of these")
    if size is None or not all(size):
        raise PictureProblem(f"is no whole {kind.removeprefix('image/').upper()} file; save it again")
    if max(size) > MOST_PIXELS:
        raise PictureProblem(f"must have at most {MOST_PIXELS} pixels a side; it has {size[0]} by {size[1]}")
    return kind


def _png_size(content: bytes) -> tuple[int, int] | None:
    if len(content) < 24 or content[12:16] != b"IHDR":  # noqa: PLR2004 - signature, length, name, two numbers
        return None
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    place = 2
    while place + 9 <= len(content) and content[place] == 0xFF:  # noqa: PLR2004 - where each part begins
        marker = content[place + 1]
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", content[place + 5 : place + 9])
            return width, height
        if marker in _NO_SIZE:
            place += 2
            continue
        place += 2 + max(2, struct.unpack(">H", content[place + 2 : place + 4])[0])
    return None


def _webp_size(content: bytes) -> tuple[int, int] | None:
    kind, body = content[12:16], content[20:30]
    if len(body) < 10:  # noqa: PLR2004 - the longest of the three heads
        return None
    if kind == b"VP8X":
        width, height = (int.from_bytes(body[start : start + 3], "little") + 1 for start in (4, 7))
        return width, height
    if kind == b"VP8L" and body[0] == 0x2F:  # noqa: PLR2004 - how such a picture begins
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", body[6:10])
        return width & 0x3FFF, height & 0x3FFF
    return None
