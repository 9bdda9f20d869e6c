"""What operations take in: schemas that refuse what they do not know."""

from __future__ import annotations

from typing import Annotated

from ninja import Field, Schema
from pydantic import ConfigDict, StringConstraints

from conductor.api.paging import MAX_LIMIT

Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT, description="How many to return at most.")]
Line = Annotated[str, StringConstraints(max_length=200)]
"""A title, a name, a reference."""
Reason = Annotated[str, StringConstraints(max_length=500)]
Text = Annotated[str, StringConstraints(max_length=10_000)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1, description="The version that was seen; a newer one is a conflict.")]


class Input(Schema):
    """A body. A field that it does not have is a 422 that names it: a typing error is not passed over in silence.

    Every text and number in it has a bound of its own (tests/api/test_bounds.py), as what is sent is kept.
    """

    model_config = ConfigDict(extra="forbid")
