"""Settings of the notary with the installation's own key, which is a file of the installation and no secret here."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Config(BaseModel):
    """How the notary calls itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    notary: str = Field(
        default="Conductor's own key", min_length=1, max_length=80, description="Name in every statement it signs."
    )


class Secrets(BaseModel):
    """None."""

    model_config = ConfigDict(extra="forbid")
