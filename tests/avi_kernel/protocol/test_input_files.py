"""Parameters that are files: declared, named, and found where a job runs."""

import pytest

from avi_kernel.protocol.declared import cell_parameters
from avi_kernel.protocol.details import merged
from avi_kernel.protocol.form_fields import Field
from avi_kernel.protocol.input_files import absolute, file_path
from avi_kernel.protocol.manifest import ParameterDetails
from avi_kernel.protocol.parameters import ParameterProblem, ParameterSpec, check_parameters
from avi_kernel.protocol.problems import FolderProblem
from gavip_hub.domain.userpaths import checked
from gavip_hub.exceptions import BadParameter
from tests.support.avis import notebook

STRANGE = [
    "",
    "/",
    ".",
    "..",
    "../a",
    "a/../b",
    ".ssh/id",
    "a/.b",
    "a\nb",
    "a\0b",
    "x" * 300,
    "/".join("a" * 40),
]
GOOD = ["a.fits", "data/a b.fits", "shared/me/bob/a.csv", "jobs/j-1/1/results/a.vot", "é/ß.csv"]


def declared(source):
    return cell_parameters(notebook("", parameters=source), "a.ipynb")


def test_a_path_annotation_declares_a_file():
    [spec] = declared("stars: Path  # of the cluster")
    assert (spec.type, spec.required, spec.help) == ("file", True, "of the cluster")


def test_a_file_may_be_optional_or_have_a_default():
    specs = declared('a: Path | None = None\nb: Path = "data/b.csv"\nc: Path = Path("data/c.csv")')
    assert [(spec.type, spec.optional, spec.default) for spec in specs] == [
        ("file", True, None),
        ("file", False, "data/b.csv"),
        ("file", False, "data/c.csv"),
    ]


def test_the_manifest_makes_a_text_a_file():
    [spec] = merged("p", declared("stars: str"), {"stars": ParameterDetails(type="file")})
    assert spec.type == "file"


def test_the_manifest_makes_no_number_a_file():
    with pytest.raises(FolderProblem, match="only a text can be a file"):
        merged("p", declared("stars: int"), {"stars": ParameterDetails(type="file")})


@pytest.mark.parametrize("text", STRANGE)
def test_what_is_no_path_in_a_space_is_refused_with_what_is(text):
    with pytest.raises(ValueError, match=r"data/stars\.csv|NUL"):
        ParameterSpec(name="x", type="file").check(text)


@pytest.mark.parametrize("text", GOOD)
def test_a_path_is_kept_as_it_is_named(text):
    assert file_path(f"/{text}/") == text


@pytest.mark.parametrize("text", [*STRANGE, *GOOD])
def test_the_platforms_own_rule_is_the_same(text):
    def accepted(rule, error):
        try:
            rule(text)
        except error:
            return False
        return True

    assert accepted(file_path, ValueError) == accepted(checked, BadParameter)


def test_a_missing_file_parameter_is_told_by_its_name():
    with pytest.raises(ParameterProblem, match="required"):
        check_parameters([ParameterSpec(name="x", type="file")], {})


def test_the_code_gets_where_the_file_lies_in_its_container():
    given = {"stars": "data/a.csv", "word": "data/a.csv"}
    assert absolute(given, ["stars"], space="/home/ann") == {
        "stars": "/home/ann/data/a.csv",
        "word": "data/a.csv",
    }


def test_a_form_says_what_a_file_is():
    field = Field(pipeline="p", spec=ParameterSpec(name="x", type="file"), text="")
    assert field.limits.startswith("Path of a file from the top of your space")
