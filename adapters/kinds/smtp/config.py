"""Settings and secrets of a mail relay."""

from __future__ import annotations

from typing import Annotated, Literal

from django.core.exceptions import ValidationError as NotAnAddress
from django.core.validators import validate_email
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from adapters.ports.destination import DESTINATION
from adapters.ports.field_errors import about


def _address(value: str) -> str:
    try:
        validate_email(value)
    except NotAnAddress:
        raise ValueError("This is not an e-mail address.") from None
    return value


EmailAddress = Annotated[str, AfterValidator(_address)]


class Config(BaseModel):
    """How the relay is reached, and who is written to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(min_length=1, max_length=253, description="Name of the relay.", json_schema_extra=DESTINATION)
    port: int = Field(default=587, ge=1, le=65535, json_schema_extra=DESTINATION)
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="starttls (usually port 587), tls (465), or none: in one's own network only.",
        json_schema_extra=DESTINATION,
    )
    username: str = Field(default="", max_length=200, description="Empty: the relay asks for none.")
    from_address: EmailAddress = Field(description="Sender. Its domain also names the messages.")
    from_name: str = Field(default="Maestro Conductor", max_length=80, pattern=r"^[^\r\n]*$")
    to: list[EmailAddress] = Field(min_length=1, max_length=50, description="Recipients of every notice.")
    ca_certificate: str = Field(
        default="",
        max_length=20_000,
        description="PEM of the authority that an internal relay's certificate is from; empty: the public ones.",
        json_schema_extra={"multiline": True, **DESTINATION},
    )
    timeout_seconds: float = Field(default=10, ge=1, le=60)
    allow_loopback: bool = Field(
        default=False,
        description="Permit a relay on this very machine. In development only.",
        json_schema_extra=DESTINATION,
    )

    @model_validator(mode="after")
    def _password_travels_encrypted(self) -> Config:
        if self.username and self.security == "none":
            raise about("security", "With a user name, choose starttls or tls: a password is never sent in the clear.")
        return self


class Secrets(BaseModel):
    """What the relay asks for."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    password: SecretStr | None = Field(default=None, description="Needed when a user name is set.")
