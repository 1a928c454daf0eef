"""Licences by SPDX's list."""

import pytest

from avi_kernel.protocol.licences import USUAL, checked, page_of


def test_those_that_forms_offer_are_on_the_list():
    assert [checked(one) for one in USUAL] == list(USUAL)


def test_they_are_spelled_as_the_list_does_and_none_is_none():
    assert [checked(" cc-by-4.0 "), checked("odbl-1.0"), checked(" ")] == ["CC-BY-4.0", "ODbL-1.0", ""]


@pytest.mark.parametrize(
    "wrong", ["mine", "MIT OR Apache-2.0", "LicenseRef-mine", "../x", "<b>", "CC BY 4.0"]
)
def test_what_the_list_has_not_is_refused_with_what_it_has(wrong):
    with pytest.raises(ValueError, match=r"CC-BY-4\.0"):
        checked(wrong)


def test_each_is_explained_at_one_address():
    assert page_of("CC0-1.0") == "https://spdx.org/licenses/CC0-1.0.html"
    assert page_of("") == ""
