"""Base of all parts of a verdict."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Frozen, and without unknown members; docstrings describe them in the JSON Schema."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
