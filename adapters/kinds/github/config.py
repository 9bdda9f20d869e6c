"""Settings and secrets of a GitHub repository."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from adapters.ports.destination import DESTINATION


class Config(BaseModel):
    """Which repository."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    repository: str = Field(pattern=r"^[\w.-]{1,100}/[\w.-]{1,100}$", description="Owner and name: acme/shop")
    labels: tuple[str, ...] = Field(default=(), max_length=10, description="Put on every issue that is opened.")
    url: str = Field(
        default="https://api.github.com",
        max_length=500,
        description="Address of the API; of an own server https://github.example/api/v3",
        json_schema_extra=DESTINATION,
    )
    web_url: str = Field(
        default="https://github.com", max_length=500, description="Address of the pages.", json_schema_extra=DESTINATION
    )
    timeout_seconds: float = Field(default=10, ge=1, le=30)
    allow_loopback: bool = Field(
        default=False,
        description="Permit a server on this very machine, also over http. In development only.",
        json_schema_extra=DESTINATION,
    )

    @field_validator("url", "web_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if not parts.hostname or parts.scheme not in {"https", "http"} or parts.username or parts.query:
            raise ValueError("Give an address that begins with https://, without a user or a query.")
        return value.rstrip("/")


class Secrets(BaseModel):
    """How Conductor signs in, and how GitHub's calls are believed."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    token: SecretStr = Field(description="A token that may read and write the repository's issues.")
    webhook_secret: SecretStr | None = Field(
        default=None, description="The secret of the repository's webhook, if it has one that calls here."
    )
