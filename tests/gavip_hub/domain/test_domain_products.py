"""Names of products' folders, and how products are cited."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavip_hub.domain.citing import Cited, bibtex, citation
from gavip_hub.domain.products import is_leaf, leaf_of, slug_of

CITED = Cited(
    product="p1",
    title="Stars & {dust} of M45",
    owner="ann",
    authors=["A. Author", "B. Both"],
    avi_title="Members",
    version="1.0",
    year=2026,
    url="https://g/products/p1",
)


@given(st.text())
def test_whatever_the_title_the_folder_has_a_plain_name(title):
    assert is_leaf(leaf_of(slug_of(title), "p0abcdefgh1234567"))


def test_words_stay_apart_whatever_dash_or_space_is_between_them():
    assert slug_of("Hertzsprung\u2013Russell\u00a0diagram") == "hertzsprung-russell-diagram"


@pytest.mark.parametrize("name", ["gaia", "gaia-dr3", "..", "maps-1234567/..", "Maps-1234567", "-1234567"])
def test_other_names_are_no_products(name):
    assert not is_leaf(name)


def test_a_product_is_cited_by_the_authors_of_its_software():
    assert citation(CITED) == (
        "A. Author, B. Both (2026): Stars & {dust} of M45. Made with Members 1.0 by ann. "
        "GAVIP product p1, https://g/products/p1"
    )


def test_what_bibtex_would_obey_is_escaped():
    entry = bibtex(CITED)
    assert r"title = {{Stars \& \textbraceleft{}dust\textbraceright{} of M45}}" in entry
    assert entry.count("{") == entry.count("}")
    assert "author = {{A. Author} and {B. Both}}" in entry
