"""The benchmark of the portal knows every page: none is slow unseen."""

import re
from collections import defaultdict

import pytest

from benchmarks.support.portal_pages import NOT_ASKED, PAGES
from gavip_hub.handlers.context import PREFIX
from gavip_hub.handlers.pages import NoSuchPage, page_routes
from tests.support.shown_pages import pages


def test_every_page_is_measured():
    shown = {template for template, _ in pages()}
    assert shown == {page.template for page in PAGES} | set(NOT_ASKED)


@pytest.mark.parametrize("page", [page for page in PAGES if page.status == 200], ids=lambda page: page.name)
def test_what_is_measured_is_an_address_of_the_portal(page):
    address = PREFIX + page.path.format_map(defaultdict(lambda: "avi-1")).partition("?")[0]
    handlers = [route[1] for route in page_routes() if re.fullmatch(route[0], address)]
    assert handlers[0] is not NoSuchPage


def test_names_of_pages_tell_them_apart():
    assert len({page.name for page in PAGES}) == len(PAGES)
