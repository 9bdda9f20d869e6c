"""Settings and secrets of a Prometheus source: which questions it is asked, in its own language."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from adapters.ports.destination import DESTINATION
from adapters.ports.protocols import Measure, Unit

_PLACEHOLDER = re.compile(r"\$(\w*)")
_KNOWN = {"service", "environment"}


class MeasureConfig(BaseModel):
    """One measure and the PromQL that yields it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = Field(pattern=r"[a-z][a-z0-9_]{0,39}", description="Stable name, for example error_rate.")
    label: str = Field(min_length=1, max_length=60)
    unit: Unit
    query: str = Field(
        min_length=1,
        max_length=2000,
        description="PromQL that yields one line; $service and $environment stand for quoted label values.",
    )
    objective: float | None = Field(default=None, description="The value that must not be exceeded.")
    budget_seconds: float | None = Field(default=None, gt=0, description="How long it may be exceeded in the window.")
    budget_window_seconds: float | None = Field(default=None, gt=0)

    @field_validator("query")
    @classmethod
    def _names_known_placeholders(cls, value: str) -> str:
        if unknown := set(_PLACEHOLDER.findall(value)) - _KNOWN:
            raise ValueError(f"There is no ${min(unknown)}; there are $service and $environment.")
        return value

    @model_validator(mode="after")
    def _budget_is_whole(self) -> MeasureConfig:
        if (self.budget_seconds is None) != (self.budget_window_seconds is None):
            raise ValueError("A budget has both a length and a window.")
        if self.budget_seconds is not None and self.objective is None:
            raise ValueError("A budget needs an objective.")
        return self

    def measure(self) -> Measure:
        """Return the measure without its query."""
        return Measure(
            key=self.key,
            label=self.label,
            unit=self.unit,
            objective=self.objective,
            budget_seconds=self.budget_seconds,
            budget_window_seconds=self.budget_window_seconds,
        )

    def asked(self, *, service: str, environment: str) -> str:
        """Return the query about this service. Values are quoted, so that a name cannot change the question."""
        values = {"service": _quoted(service), "environment": _quoted(environment)}
        return _PLACEHOLDER.sub(lambda found: values[found[1]], self.query)


class Config(BaseModel):
    """Where the server is and what it is asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        min_length=8,
        max_length=500,
        description="Base address: https://prometheus.example",
        json_schema_extra=DESTINATION,
    )
    measures: tuple[MeasureConfig, ...] = Field(min_length=1, max_length=12, json_schema_extra={"multiline": True})
    timeout_seconds: float = Field(default=15, ge=1, le=60)
    allow_loopback: bool = Field(
        default=False,
        description="Permit a server on this very machine, also over http. In development only.",
        json_schema_extra=DESTINATION,
    )

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if not parts.hostname or parts.scheme not in {"https", "http"} or parts.username or parts.query:
            raise ValueError("Give an address that begins with https://, without a user or a query.")
        return value.rstrip("/")

    @field_validator("measures")
    @classmethod
    def _keys_differ(cls, value: tuple[MeasureConfig, ...]) -> tuple[MeasureConfig, ...]:
        keys = [each.key for each in value]
        if len(set(keys)) != len(keys):
            raise ValueError("Two measures have the same key.")
        return value


class Secrets(BaseModel):
    """How the server is signed in to, if it asks for it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    bearer_token: SecretStr | None = Field(default=None, description="Sent as Authorization: Bearer …")


def _quoted(text: str) -> str:
    """Return a PromQL string literal (Prometheus manual, "String literals": Go's escapes)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
