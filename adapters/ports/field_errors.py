"""How a kind's model of settings complains about one of its fields after it has looked at several."""

from __future__ import annotations

from pydantic_core import PydanticCustomError

FIELD = "field"


def about(field: str, why: str) -> PydanticCustomError:
    """Return the error to raise in a model's validator so that `why` is shown beside `field`."""
    return PydanticCustomError("about_field", "{why}", {FIELD: field, "why": why})
