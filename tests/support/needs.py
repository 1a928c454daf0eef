"""Say clearly what a test lacks; under GAVIP_REQUIRE_ALL=1 a missing part fails rather than skips."""

import os
import shutil
from typing import NoReturn

import pytest


def missing(what: str, how: str) -> NoReturn:
    """Skip, or fail where everything is required, telling how to get the missing part."""
    message = f"{what} is missing: {how}"
    if os.environ.get("GAVIP_REQUIRE_ALL") == "1":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def need_program(name: str, how: str) -> str:
    """Return the path of a program, or say that it is missing."""
    return shutil.which(name) or missing(name, how)
