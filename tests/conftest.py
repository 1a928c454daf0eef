"""Fixtures for every test."""

pytest_plugins = [
    "tests.support.archive",
    "tests.support.browser",
    "tests.support.platform",
    "tests.support.postgres",
    "tests.support.outages",
    "tests.support.repeating",
    "tests.support.disks",
    "tests.support.telling",
]
