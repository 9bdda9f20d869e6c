"""Settings and secrets of a webhook."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from adapters.ports.destination import DESTINATION
from adapters.ports.field_errors import about

PREFIX = "whsec_"
_LOCAL = {"localhost", "127.0.0.1", "::1"}


class Config(BaseModel):
    """Where notices are posted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        min_length=8, max_length=2000, description="Address of the receiver: https://…", json_schema_extra=DESTINATION
    )
    timeout_seconds: float = Field(default=10, ge=1, le=30)
    allow_loopback: bool = Field(
        default=False,
        description="Permit a receiver on this very machine, also over http. In development only.",
        json_schema_extra=DESTINATION,
    )

    @model_validator(mode="after")
    def _spoken_safely(self) -> Config:
        parts = urlsplit(self.url)
        if parts.username or parts.password or parts.fragment:
            raise about("url", "The address has no place for a user, a password or a fragment.")
        if not parts.hostname or parts.scheme not in {"https", "http"}:
            raise about("url", "Give an address that begins with https://")
        if parts.scheme == "http" and not (self.allow_loopback and parts.hostname in _LOCAL):
            raise about("url", "Only https is used; http is for a receiver on this very machine, in development.")
        return self


class Secrets(BaseModel):
    """What the receiver verifies with."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    signing_key: SecretStr = Field(description="whsec_ and 24 to 64 random bytes in base64, shared with the receiver.")

    @field_validator("signing_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        try:
            key = base64.b64decode(text.removeprefix(PREFIX) + "==")
        except binascii.Error:
            key = b""
        if not text.startswith(PREFIX) or not 24 <= len(key) <= 64:
            raise ValueError("This is not whsec_ and 24 to 64 bytes in base64.")
        return value
