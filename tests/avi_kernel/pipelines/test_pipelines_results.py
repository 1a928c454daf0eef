"""Names, types and titles of results."""

import pytest

from avi_kernel.pipelines.results import describe_results, free_name, media_type, read_titles, safe_name


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.vot", "application/x-votable+xml"),
        ("a.FITS", "application/fits"),
        ("a.parquet", "application/vnd.apache.parquet"),
        ("a.ipynb", "application/x-ipynb+json"),
        ("a.png", "image/png"),
        ("a.unheard-of", "application/octet-stream"),
    ],
)
def test_media_types_follow_extensions(name, kind):
    assert media_type(name) == kind


@pytest.mark.parametrize(
    ("name", "safe"),
    [("a b.png", "a_b.png"), ("../x", "x"), ("été", "t_"), ("***", "result"), (".hidden", "hidden")],
)
def test_names_become_safe(name, safe):
    assert safe_name(name) == safe


def test_a_long_name_keeps_its_extension():
    assert safe_name("x" * 300 + ".parquet").endswith("x.parquet")
    assert len(safe_name("x" * 300 + ".parquet")) == 100


def test_a_taken_name_gets_a_number(tmp_path):
    (tmp_path / "a.png").touch()
    assert free_name(tmp_path, "a.png") == "a-2.png"


def test_two_files_of_one_name_are_both_kept(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a b.txt").write_text(folder)
    assert [entry.name for entry in describe_results(tmp_path, {})] == ["one_a_b.txt", "two_a_b.txt"]


def test_a_broken_link_is_no_result(tmp_path):
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    assert describe_results(tmp_path, {}) == []


def test_a_broken_line_of_titles_is_passed_over(tmp_path):
    file = tmp_path / "titles"
    file.write_text('["a", "first"]\nnot json\n["a", "second"]\n')
    assert read_titles(file) == {"a": "second"}


def test_no_folder_no_results(tmp_path):
    assert describe_results(tmp_path / "nowhere", {}) == []
