"""Answers that are kept from before, where they may be given."""

import pytest
from astropy.table import Table

from avi_kernel.connectors.cache import CACHE_FOLDER, QueryCache


@pytest.mark.parametrize(("environ", "is_given"), [({}, True), ({"GAVIP_ASK_ANEW": "1"}, False)])
def test_a_job_that_is_compared_with_another_is_given_no_answer_from_before(tmp_path, environ, is_given):
    kept = QueryCache(tmp_path / CACHE_FOLDER)
    kept.keep("key", Table({"n": [1]}))
    cache = QueryCache.of_environment({"GAVIP_WORK_DIR": str(tmp_path), **environ})
    assert (cache.find("key") is not None) == is_given
    cache.keep("another", Table({"n": [2]}))
    assert kept.find("another") is not None


def test_outside_an_avi_nothing_is_kept():
    assert QueryCache.of_environment({}) is None
