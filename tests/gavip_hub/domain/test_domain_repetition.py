"""Two jobs make the same of the same only where all that counts is the same."""

from dataclasses import replace

import pytest

from gavip_hub.domain.repetition import Made, changes, key_of

MADE = Made(
    avi="stars",
    version="1.0",
    commit="c" * 40,
    pipeline="count",
    parameters={"radius": 2.0, "seed": 1, "label": "a", "deep": True, "stars": "data/a.csv"},
    inputs={"stars": "1" * 64},
    archive_url="https://a/tap",
    archive_release="DR3",
    image_digest="sha256:1",
    platform="",
    environment="e1",
)


def with_parameters(**changed):
    return {"parameters": {**MADE.parameters, **changed}}


def without(name):
    return {"parameters": {key: value for key, value in MADE.parameters.items() if key != name}}


NEAR_MISSES = [
    {"avi": "star"},
    {"version": "1.0.1"},
    {"version": "1"},
    {"commit": "d" * 40},
    {"pipeline": "counts"},
    with_parameters(radius=2.0000000000000004),
    with_parameters(radius="2.0"),
    with_parameters(seed=2),
    with_parameters(seed=True),
    with_parameters(label="A"),
    with_parameters(label="a "),
    with_parameters(label="á"),
    with_parameters(deep=False),
    with_parameters(more=None),
    without("seed"),
    {"inputs": {"stars": "2" * 64}},
    {"inputs": {}},
    {"inputs": {"stars": "1" * 64, "other": "1" * 64}},
    {"archive_url": "https://b/tap"},
    {"archive_release": "DR4"},
    {"archive_release": ""},
]


@pytest.mark.parametrize("change", NEAR_MISSES)
def test_a_near_miss_is_another_job(change):
    assert key_of(replace(MADE, **change)) != key_of(MADE)


def test_the_order_of_parameters_and_where_the_same_bytes_lie_are_nothing():
    turned = dict(reversed(MADE.parameters.items()))
    assert key_of(replace(MADE, parameters=turned)) == key_of(MADE)
    assert key_of(replace(MADE, **with_parameters(stars="data/b.csv"))) == key_of(MADE)


def test_nothing_that_is_the_same_is_told_as_a_change():
    assert changes(MADE, replace(MADE)) == []


CHANGES = [
    ({"version": "1.1"}, "the release was stars 1.0 and is stars 1.1"),
    ({"commit": "d" * 40}, f"the commit was {'c' * 12} and is {'d' * 12}"),
    ({"image_digest": "sha256:2"}, "the image was sha256:1 and is sha256:2"),
    ({"platform": "sha256:3"}, "the platform's own packages was not known and is sha256:3"),
    ({"environment": "e2"}, "the packages of the release was e1 and is e2"),
    ({"archive_release": "DR4"}, "the archive's data release was DR3 and is DR4"),
    (with_parameters(seed=2), "parameter seed was 1 and is 2"),
    ({"inputs": {"stars": "2" * 64}}, f"input stars was {'1' * 12} and is {'2' * 12}"),
]


@pytest.mark.parametrize(("change", "words"), CHANGES)
def test_what_is_not_as_it_was_is_told_in_words(change, words):
    assert changes(MADE, replace(MADE, **change)) == [words]
