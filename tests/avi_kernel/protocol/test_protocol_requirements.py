"""The file `requirements.txt`: one package a line, and words for all else."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avi_kernel.protocol.folder import FolderProblem, read_release
from avi_kernel.protocol.requirements import RequirementProblem, read_requirements
from tests.support.avis import star_counter

DIGEST = "0" * 64


def test_comments_and_blanks_are_passed_over():
    assert read_requirements("# what I need\n\nastroquery  # for Simbad\n") == ["astroquery"]


def test_versions_extras_and_markers_are_kept():
    assert read_requirements('dask[array] >= 2024.1 ; python_version < "4"') == [
        'dask[array]>=2024.1; python_version < "4"'
    ]


def test_hashes_may_stand_on_lines_of_their_own():
    text = f"healpy==1.17 \\\n    --hash=sha256:{DIGEST} \\\n    --hash=sha256:{'1' * 64}\nzarr\n"
    assert read_requirements(text) == [
        f"healpy==1.17 --hash=sha256:{DIGEST} --hash=sha256:{'1' * 64}",
        "zarr",
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("-r other.txt", "options such as '-r' are not read"),
        ("--index-url http://evil.test/", "options such as '--index-url' are not read"),
        ("-e .", "options such as '-e' are not read"),
        ("./wheels/mine.whl", "'./wheels/mine.whl' is no requirement"),
        ("mine @ https://evil.test/mine.whl", "mine is asked for by its address"),
        ("mine @ file:///etc/passwd", "mine is asked for by its address"),
        ("two words", "'two words' is no requirement"),
        ("numpy==", "'numpy==' is no requirement"),
        ("a; " + "(" * 5000, "is no requirement"),
        ("healpy --hash=md5:00", "'healpy --hash=md5:00' is no requirement"),
    ],
)
def test_what_is_no_package_of_the_index_is_refused_with_its_line(line, words):
    with pytest.raises(RequirementProblem, match="one package a line") as refused:
        read_requirements(f"zarr\n\n{line}\n")
    assert words in str(refused.value)
    assert refused.value.line == 3


def test_a_folder_tells_file_and_line(tmp_path):
    star_counter(tmp_path).joinpath("requirements.txt").write_text("zarr\n-e .\n")
    with pytest.raises(FolderProblem, match=r"^requirements\.txt, line 2: options such as '-e'"):
        read_release(tmp_path)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    star_counter(tmp_path).joinpath("requirements.txt").symlink_to("/etc/passwd")
    with pytest.raises(FolderProblem, match="requirements"):
        read_release(tmp_path)


def test_a_mark_of_byte_order_is_no_part_of_a_name(tmp_path):
    star_counter(tmp_path).joinpath("requirements.txt").write_bytes(b"\xef\xbb\xbfzarr\n")
    assert read_release(tmp_path).requirements == ["zarr"]


def test_a_release_keeps_them(tmp_path):
    star_counter(tmp_path).joinpath("requirements.txt").write_text("zarr\nhealpy>=1.17\n")
    assert read_release(tmp_path).requirements == ["zarr", "healpy>=1.17"]


@given(st.text())
def test_any_text_is_read_or_refused(text):
    with suppress(RequirementProblem):
        found = read_requirements(text)
        assert read_requirements("\n".join(found)) == found
