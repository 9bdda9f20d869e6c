"""Settings and secrets of a project in Jira Cloud."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from adapters.ports.destination import DESTINATION


class Config(BaseModel):
    """Which project, and which of its statuses are used."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        min_length=8,
        max_length=500,
        description="Address of the site: https://acme.atlassian.net",
        json_schema_extra=DESTINATION,
    )
    email: str = Field(min_length=3, max_length=200, description="Account that Conductor acts as.")
    project: str = Field(pattern=r"^[A-Z][A-Z0-9_]{0,19}$", description="Key of the project: OPS")
    issue_type: str = Field(default="Task", min_length=1, max_length=60)
    open_status: str = Field(
        default="", max_length=80, description="Status that a ticket is opened again with; empty: the first that fits."
    )
    done_status: str = Field(default="", max_length=80, description="Status that closes; empty: the first of its kind.")
    dropped_status: str = Field(
        default="", max_length=80, description="Status of what will not be done; empty: closed as done."
    )
    dropped_resolutions: tuple[str, ...] = Field(
        default=("Won't Do", "Won't Fix", "Duplicate", "Cannot Reproduce", "Declined"),
        max_length=20,
        description="Resolutions that mean: closed without being done.",
    )
    timeout_seconds: float = Field(default=10, ge=1, le=30)
    allow_loopback: bool = Field(
        default=False,
        description="Permit a site on this very machine, also over http. In development only.",
        json_schema_extra=DESTINATION,
    )

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if not parts.hostname or parts.scheme not in {"https", "http"} or parts.username or parts.query:
            raise ValueError("Give an address that begins with https://, without a user or a query.")
        return value.rstrip("/")


class Secrets(BaseModel):
    """How Conductor signs in, and how Jira's calls are believed."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    api_token: SecretStr = Field(description="API token of that account, sent by HTTP Basic.")
    webhook_secret: SecretStr | None = Field(
        default=None, description="The secret of the site's webhook, if it has one that calls here."
    )
