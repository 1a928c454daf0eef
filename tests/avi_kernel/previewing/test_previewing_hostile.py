"""Files that no honest person makes, as their readers take them; the large ones are read on a whole platform, with all limits."""

import pytest

from gavip_hub.domain.previews import kind_of
from gavip_hub.services.previews import READ
from tests.support.hostile_files import FILES, Hostile
from tests.support.previews import outcome

LARGE = {"bomb.fits.gz", "bomb.parquet", "quotes.csv", "cards.fits"}
SMALL = [one for one in FILES if kind_of(one.name) in READ and one.name not in LARGE]


@pytest.mark.parametrize("one", SMALL, ids=lambda one: one.name)
def test_each_is_a_page_or_a_sentence(one: Hostile):
    view = outcome(one.make(), kind_of(one.name))
    assert view.problem.endswith(".") or view.table or view.image or view.text is not None
    assert not view.problem.endswith("..")
    assert "root:x:0" not in view.model_dump_json()
    assert not {"\u202e", "\x1b", "\x07"} & set(str(view.model_dump()))


def test_a_header_that_lacks_what_it_needs_is_told_so():
    words = (
        "SIMPLE  =                    T",
        "BITPIX  =                    8",
        "NAXIS   =                    2",
        "END",
    )
    head = "".join(card.ljust(80) for card in words).ljust(2880).encode()
    assert outcome(head, "fits").problem == "This file cannot be read as FITS: it has no 'NAXIS1'."
