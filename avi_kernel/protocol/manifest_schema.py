"""The JSON Schema of `avi.toml`: editors complete its keys by it, and underline what is wrong."""

import json
from functools import cache
from typing import Any

from avi_kernel.protocol.manifest import Manifest


def manifest_schema() -> dict[str, Any]:
    """Return the schema; what only the folder beside it tells, such as a parameter's type, is not in it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_closed(Manifest.model_json_schema()),
        "title": "The manifest avi.toml of an AVI",
    }


def _closed(part: Any) -> Any:
    """Refuse keys that fit no pattern: pydantic's own schemas let them pass."""
    if isinstance(part, list):
        return [_closed(each) for each in part]
    if not isinstance(part, dict):
        return part
    inner = {key: _closed(value) for key, value in part.items()}
    return {**inner, "additionalProperties": False} if "patternProperties" in part else inner


@cache
def manifest_schema_bytes() -> bytes:
    """Return the schema as it is served, indented to be read."""
    return json.dumps(manifest_schema(), indent=1, ensure_ascii=False).encode() + b"\n"
