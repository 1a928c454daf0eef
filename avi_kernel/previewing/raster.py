"""Pictures: decoded within bounds, made small enough for a page, and written anew."""

import io

from avi_kernel.previewing.words import Answer, Question, Unreadable, reason

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
MOST_PIXELS = 60_000_000
LARGEST_SIDE = 1600


def load() -> None:
    """Import what decoding takes, before nothing can be opened any more."""
    from PIL import GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin  # noqa: F401, PLC0415

    Image.preinit()


def read(question: Question) -> Answer:
    """Return a picture's size, or the picture as a PNG."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415  # for this kind alone

    Image.MAX_IMAGE_PIXELS = None  # the bound below comes first
    try:
        with Image.open(question.file, formats=FORMATS) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise Unreadable(
                    f"This picture has {width} x {height} pixels; at most {MOST_PIXELS // 1_000_000} million "
                    "are decoded here: download it to see it."
                )
            step = max(1, -(-max(width, height) // LARGEST_SIDE))
            view = {"kind": "image", "image": {"width": width, "height": height, "step": step}}
            return Answer(view, _png(image) if question.picture else b"")
    except UnidentifiedImageError:
        raise Unreadable("This file is no PNG, JPEG, GIF or WebP picture, whatever its name says.") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise Unreadable(f"This picture is damaged: {reason(error)}.") from None


def _png(image: object) -> bytes:
    from PIL import Image  # noqa: PLC0415  # as above

    assert isinstance(image, Image.Image)  # noqa: S101  # its import is for this kind alone
    if image.format == "JPEG":
        image.draft("RGB", (LARGEST_SIDE, LARGEST_SIDE))
    small = image.convert("RGBA" if "A" in image.getbands() or "transparency" in image.info else "RGB")
    small.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    stream = io.BytesIO()
    small.save(stream, "PNG", compress_level=3)
    return stream.getvalue()
