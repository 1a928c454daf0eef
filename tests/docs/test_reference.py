"""The reference is made from the code and leaves nothing out."""

import json
import re
from pathlib import Path

from pydantic import BaseModel

from avi_kernel.protocol.manifest import Manifest, PipelineDetails
from docs.generate import outdated
from gavip_hub.config import Gavip
from gavip_hub.handlers.routes import openapi_document


def test_reference_pages_are_as_the_code_says() -> None:
    assert list(outdated()) == []


def test_the_contracts_name_every_address_and_every_variable_of_a_box() -> None:
    contracts = Path("docs/explanation/contracts.md").read_text()
    told = re.sub(r"\{\w+\}", "{}", contracts.partition("## REST")[2])
    words = set(re.findall(r"/[\w/{}.]+", told))
    asked = {re.sub(r"\{\w+\}", "{}", path) for path in json.loads(openapi_document("1"))["paths"]}
    assert {path.removeprefix("/services/gavip/api") for path in asked} - words == set()
    used = "".join(
        Path("gavip_hub", name).read_text() for name in ("scheduler/specs.py", "backends/boxspec.py")
    )
    assert {name for name in re.findall(r'"(GAVIP_\w+)"', used) if name not in contracts} == set()


def test_every_setting_has_help() -> None:
    undocumented = [name for name, trait in Gavip.class_own_traits(config=True).items() if not trait.help]
    assert undocumented == []


def test_every_manifest_key_has_a_meaning() -> None:
    models: list[type[BaseModel]] = [Manifest, PipelineDetails]
    bare = [
        f"{model.__name__}.{name}"
        for model in models
        for name, field in model.model_fields.items()
        if not field.description
    ]
    assert bare == []
