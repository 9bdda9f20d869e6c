"""Settings of a time-stamp authority. What it is trusted by is configured here and never taken from its answers."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from cryptography import x509
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from adapters.ports.destination import DESTINATION
from adapters.ports.field_errors import about

_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*)){1,20}")


def _certificates(value: str) -> str:
    if value.strip():
        try:
            x509.load_pem_x509_certificates(value.encode())
        except ValueError:
            raise ValueError("This is not one or more certificates in PEM.") from None
    return value


def _oid(value: str) -> str:
    if value and not _OID.fullmatch(value):
        raise ValueError("This is not an object identifier such as 1.3.6.1.4.1.99999.1")
    return value


Certificates = Annotated[str, AfterValidator(_certificates)]


class Config(BaseModel):
    """Where the authority is, and by what it is believed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        min_length=8,
        max_length=2000,
        description="Where requests are posted. http will do: answers prove themselves.",
        json_schema_extra=DESTINATION,
    )
    root_certificate: Certificates = Field(
        min_length=1,
        max_length=40_000,
        description="PEM of the root, obtained from the authority by another way than this address.",
        json_schema_extra={"multiline": True},
    )
    intermediate_certificates: Certificates = Field(
        default="",
        max_length=80_000,
        description="PEM of certificates between the root and the signer, if its answers leave them out.",
        json_schema_extra={"multiline": True},
    )
    policy_oid: Annotated[str, AfterValidator(_oid)] = Field(
        default="", description="Policy that is asked for and insisted on; empty: the authority's default."
    )
    timeout_seconds: float = Field(default=10, ge=1, le=60)
    max_skew_seconds: int = Field(
        default=300, ge=1, le=3600, description="How far the authority's clock may be from ours."
    )
    allow_loopback: bool = Field(
        default=False,
        description="Permit an authority on this very machine. In development only.",
        json_schema_extra=DESTINATION,
    )

    @model_validator(mode="after")
    def _an_address_and_a_root(self) -> Config:
        parts = urlsplit(self.url)
        if not parts.hostname or parts.scheme not in {"https", "http"} or parts.username or parts.password:
            raise about("url", "Give an address that begins with https:// or http://, without a user.")
        if not self.root_certificate.strip():
            raise about("root_certificate", "A root certificate is needed: an authority cannot vouch for itself.")
        return self


class Secrets(BaseModel):
    """None."""

    model_config = ConfigDict(extra="forbid")
