"""What every wire model shares."""

from pydantic import BaseModel, ConfigDict


class Wire(BaseModel):
    """A value that travels; unknown keys are refused, so that a typing error is never silent."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
