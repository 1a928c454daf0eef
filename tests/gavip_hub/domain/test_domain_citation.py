"""Citations: as text, as BibTeX, and as CITATION.cff."""

from dataclasses import replace
from datetime import date

import yaml

from gavip_hub.domain.citation import Cited

CITED = Cited(
    avi="stars",
    title="Stars & more_{x}",
    version="1.0",
    commit="0123456789abcdef",
    authors=(("A. Astronomer", "0000-0002-1825-0097"), ("Institute of B", "none"), ("C. Curie", "")),
    released=date(2026, 3, 2),
    address="https://gavip.test/services/gavip/avis/stars?version=1.0",
    licence="BSD-3-Clause",
)


def test_the_text_names_who_when_what_and_where():
    assert CITED.text == (
        "A. Astronomer, Institute of B and C. Curie (2026). Stars & more_{x}, version 1.0 [software]. GAVIP. "
        "https://gavip.test/services/gavip/avis/stars?version=1.0"
    )
    assert replace(CITED, authors=()).text.startswith("(2026). Stars")


def test_bibtex_takes_what_latex_would_obey_for_what_it_is():
    entry = CITED.bibtex
    assert entry.startswith("@software{stars-10,\n")
    assert r"title = {{Stars \& more\_\textbraceleft{}x\textbraceright{}}}" in entry
    assert "author = {{A. Astronomer} and {Institute of B} and {C. Curie}}" in entry
    assert entry.count("{") == entry.count("}")


def test_a_cff_file_is_yaml_with_what_was_said():
    hostile = replace(CITED, title='a: "b"\n- c #', licence="see\nfile")
    for cited in (CITED, hostile, replace(CITED, authors=())):
        read = yaml.safe_load(cited.cff)
        assert read["cff-version"] == "1.2.0"
        assert read["title"] == " ".join(cited.title.split())
        assert len(read["authors"]) == max(1, len(cited.authors))
    assert yaml.safe_load(CITED.cff)["authors"][0] == {
        "name": "A. Astronomer",
        "orcid": "https://orcid.org/0000-0002-1825-0097",
    }
    assert "orcid" not in yaml.safe_load(CITED.cff)["authors"][1]
    assert "license" not in yaml.safe_load(hostile.cff)
