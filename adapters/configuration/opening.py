"""Makes a working adapter of a row: settings validated, secrets resolved, in memory only and for one use."""

from __future__ import annotations

from typing import cast

from pydantic import BaseModel, SecretStr, ValidationError

from adapters import registry
from adapters.models.adapter import AdapterConfig
from adapters.ports.field_errors import FIELD
from adapters.ports.installation import installation
from adapters.ports.protocols import Adapter, AdapterError, BackupPort, MetricsPort, NotaryPort, NotificationPort
from adapters.ports.ticketing import TicketingPort
from adapters.secrets import resolve


class NotUsable(AdapterError):
    """The adapter's settings or secrets do not fit its kind."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True, code="adapter_misconfigured")


def complaints(error: ValidationError, *, prefix: str = "") -> dict[str, list[str]]:
    """Return what is wrong by field, dotted for nested ones. Never the input: it may be a secret."""
    found: dict[str, list[str]] = {}
    for each in error.errors(include_url=False, include_input=False):
        place = (*each["loc"], *([each["ctx"][FIELD]] if each["type"] == "about_field" else []))
        field = ".".join(str(part) for part in place)
        why = each["msg"].removeprefix("Value error, ")
        found.setdefault(f"{prefix}{field}" if field else prefix.rstrip("."), []).append(why)
    return found


def notification(config: AdapterConfig) -> NotificationPort:
    """Return the adapter behind the notification port. Needs the tenant's scope. Raise AdapterError."""
    return cast("NotificationPort", open_adapter(config))


def notary(config: AdapterConfig) -> NotaryPort:
    """Return the adapter behind the notary port. Needs the tenant's scope. Raise AdapterError."""
    return cast("NotaryPort", open_adapter(config))


def backup(config: AdapterConfig) -> BackupPort:
    """Return the adapter behind the backup port. Needs the tenant's scope. Raise AdapterError."""
    return cast("BackupPort", open_adapter(config))


def metrics(config: AdapterConfig) -> MetricsPort:
    """Return the adapter behind the metrics port. Needs the tenant's scope. Raise AdapterError."""
    return cast("MetricsPort", open_adapter(config))


def ticketing(config: AdapterConfig) -> TicketingPort:
    """Return the adapter behind the ticketing port. Needs the tenant's scope. Raise AdapterError."""
    return cast("TicketingPort", open_adapter(config))


def open_adapter(config: AdapterConfig) -> Adapter:
    """Return the adapter of the row, ready for use; raise AdapterError if it is not usable as configured."""
    try:
        kind = registry.kind(config.kind)
    except registry.UnknownKind:
        raise NotUsable(f"{config.name}: this release has no kind {config.kind}") from None
    adapter = kind.load()
    values = secret_values(config)
    return adapter(
        config=_validated(adapter.config_model, config.settings, f"{config.name}: settings"),
        secrets=_validated(adapter.secrets_model, values, f"{config.name}: secret"),
        installation=installation(tenant_id=config.tenant_id),
    )


def secret_values(config: AdapterConfig) -> dict[str, SecretStr]:
    """Return the resolved secrets by name. Needs the tenant's scope. Raise SecretUnavailable."""
    return {secret.name: resolve(secret) for secret in config.secrets.all()}


def _validated(model: type[BaseModel], value: object, what: str) -> BaseModel:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        said = "; ".join(f"{field}: {', '.join(why)}" for field, why in complaints(error).items())
    # Outside of the handler, so that pydantic's error, which quotes its input, is not chained to this one.
    raise NotUsable(f"{what} {said}")
