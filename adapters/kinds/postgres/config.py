"""Settings and secrets of a PostgreSQL backup source."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Config(BaseModel):
    """How patiently the source is read. What is read is everything: a backup with holes proves nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timeout_seconds: int = Field(
        default=1800, ge=10, le=86_400, description="Longest time for one dump, one restore, or one table's reading."
    )
    lock_wait_seconds: int = Field(
        default=30, ge=1, le=3600, description="How long to wait for a table that somebody is altering."
    )


class Secrets(BaseModel):
    """How the source is signed in to."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    dsn: SecretStr = Field(
        description="postgresql://owner@host/database: the role owns the tables and may create databases.",
        json_schema_extra={"reference_only": True},
    )
