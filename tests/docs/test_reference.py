"""The reference is made from the code and leaves nothing out."""

from pydantic import BaseModel

from avi_kernel.protocol.manifest import Manifest, PipelineDetails
from docs.generate import outdated
from gavip_hub.config import Gavip


def test_reference_pages_are_as_the_code_says() -> None:
    assert list(outdated()) == []


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
