"""What operations take in: schemas that refuse what they do not know."""

from __future__ import annotations

from typing import Annotated

from ninja import Field, Schema
from pydantic import ConfigDict

from conductor.api.paging import MAX_LIMIT

Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT, description="How many to return at most.")]


class Input(Schema):
    """A body. A field that it does not have is a 422 that names it: a typing error is not passed over in silence."""

    model_config = ConfigDict(extra="forbid")
