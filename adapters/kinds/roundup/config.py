"""Settings and secrets of a Roundup tracker with the classic schema: issues, messages and statuses."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from adapters.ports.destination import DESTINATION
from adapters.ports.field_errors import about


class Config(BaseModel):
    """Where the tracker is, and what its statuses mean here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        min_length=8,
        max_length=500,
        description="The tracker's own address: https://roundup.example/tracker",
        json_schema_extra=DESTINATION,
    )
    username: str = Field(min_length=1, max_length=80, description="Roundup user that Conductor acts as.")
    open_status: str = Field(
        default="in-progress", min_length=1, max_length=80, description="Status that a ticket is opened again with."
    )
    done_statuses: tuple[str, ...] = Field(
        default=("resolved", "done-cbb"),
        min_length=1,
        max_length=20,
        description="Statuses that mean done; closing uses the first.",
    )
    dropped_statuses: tuple[str, ...] = Field(
        default=(), max_length=20, description="Statuses that mean: closed without being done; dropping uses the first."
    )
    timeout_seconds: float = Field(default=10, ge=1, le=30)
    allow_loopback: bool = Field(
        default=False,
        description="Permit a tracker on this very machine, also over http. In development only.",
        json_schema_extra=DESTINATION,
    )

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if not parts.hostname or parts.scheme not in {"https", "http"} or parts.username or parts.query:
            raise ValueError("Give an address that begins with https://, without a user or a query.")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _statuses_mean_one_thing(self) -> Config:
        if twice := set(self.done_statuses) & set(self.dropped_statuses):
            raise about("dropped_statuses", f"{min(twice)} means done already.")
        if self.open_status in (*self.done_statuses, *self.dropped_statuses):
            raise about("open_status", f"{self.open_status} means closed already.")
        return self


class Secrets(BaseModel):
    """How Conductor signs in."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    password: SecretStr = Field(description="That user's password, sent by HTTP Basic.")
