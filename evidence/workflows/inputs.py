"""What the evidence workflows are started with. A run is refused where a field is missing, wrong or unknown."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RestoreInput(_Input):
    """A backup and restore verification."""

    adapter_id: UUID
    adapter_name: str
    controls: list[str] = Field(min_length=1)
    """Keys of the controls that the evidence is for."""
    rto_seconds: int = Field(ge=0)
    rpo_seconds: int = Field(ge=0)


class IncidentInput(_Input):
    """The evidence of an incident."""

    incident_id: UUID
    controls: list[str] = Field(min_length=1)


class PackInput(_Input):
    """The making of a pack."""

    pack_id: UUID
