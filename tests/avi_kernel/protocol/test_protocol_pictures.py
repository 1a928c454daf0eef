"""Pictures of interfaces are told by what they hold."""

import io
import struct

import pytest
from PIL import Image

from avi_kernel.protocol.folder import FolderProblem, read_release
from avi_kernel.protocol.pictures import MOST_PIXELS, PictureProblem, picture_kind, picture_parts
from tests.support.avis import notebook, write_avi


def picture(kind, size=(320, 200), **options):
    made = io.BytesIO()
    Image.new("RGB", size, "navy").save(made, kind, **options)
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (picture("PNG"), "image/png"),
        (picture("JPEG"), "image/jpeg"),
        (picture("JPEG", progressive=True, comment=b"x" * 500), "image/jpeg"),
        (picture("WEBP"), "image/webp"),
        (picture("WEBP", lossless=True), "image/webp"),
        (picture("WEBP", exif=b"Exif\0\0"), "image/webp"),
    ],
)
def test_a_picture_is_known_by_its_content(content, kind):
    assert picture_kind(content) == kind


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_with_too_many_pixels_is_refused(kind):
    with pytest.raises(
        PictureProblem, match=f"at most {MOST_PIXELS} pixels a side; it has {MOST_PIXELS + 1}"
    ):
        picture_kind(picture(kind, size=(MOST_PIXELS + 1, 1)))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a" + bytes(40),
        picture("PNG")[:20],
        picture("JPEG")[:30],
        picture("WEBP")[:24],
        b"\xff\xd8\xff" + struct.pack(">BH", 0xE0, 0) * 20,
    ],
)
def test_anything_else_is_refused(content):
    with pytest.raises(PictureProblem):
        picture_kind(content)


@pytest.mark.parametrize(
    "path", ["../a.png", "/a.png", "a//b.png", ".hidden/a.png", "a/../../b", "a\0.png", ""]
)
def test_a_path_that_leads_elsewhere_is_none(path):
    with pytest.raises(PictureProblem):
        picture_parts(path)


def avi(folder, content=b""):
    write_avi(folder, {"avi.toml": 'picture = "docs/picture.png"\n', "app.ipynb": notebook("1")})
    (folder / "docs").mkdir()
    if content:
        (folder / "docs/picture.png").write_bytes(content)
    return folder


def test_a_release_names_its_picture(tmp_path):
    assert read_release(avi(tmp_path / "a", picture("PNG"))).manifest.picture == "docs/picture.png"


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "there is no file"), (b"<svg/>", "PNG, JPEG or WebP"), (picture("PNG") + bytes(2**20), "1024 kB")],
)
def test_a_picture_that_cannot_be_shown_is_refused_at_its_line(tmp_path, content, why):
    with pytest.raises(FolderProblem, match=why) as refused:
        read_release(avi(tmp_path / "a", content))
    assert refused.value.key == "picture"
    assert "line 1" in str(refused.value)


def test_a_picture_that_is_a_link_is_refused(tmp_path):
    folder = avi(tmp_path / "a")
    (folder / "real.png").write_bytes(picture("PNG"))
    (folder / "docs/picture.png").symlink_to("../real.png")
    with pytest.raises(FolderProblem, match="is a link"):
        read_release(folder)
