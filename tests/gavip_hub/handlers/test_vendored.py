"""What others made and browsers get from us is what they released, and comes with their licence."""

import hashlib
import json

from gavip_hub.handlers.rendering import STATIC


def test_each_vendored_file_is_as_it_was_released_and_has_its_licence():
    told = json.loads((STATIC / "vendored.json").read_text())
    for name, about in told.items():
        assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == about["sha256"], name
        assert about["licence"] in (STATIC / about["licence_file"]).read_text()
        assert about["package"].rpartition("@")[0]


def test_no_vendored_file_is_without_a_word():
    told = json.loads((STATIC / "vendored.json").read_text())
    assert {path.name for path in STATIC.glob("*.min.js")} <= set(told)
