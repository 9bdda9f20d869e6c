"""System checks of the adapters app."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from adapters.ports.installation import EVERYBODY, parse_network
from adapters.secrets.keks import complaint_about_kek


@register(Tags.security, deploy=True)
def secrets_are_wrapped_by_a_real_key(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """adapters.E001: in production, the key that wraps the tenants' data keys is missing, weak or development's."""
    complaint = complaint_about_kek() if settings.PRODUCTION else ""
    return [Error(f"{complaint[0].upper()}{complaint[1:]}.", id="adapters.E001")] if complaint else []


@register(Tags.security, deploy=True)
def private_networks_name_their_tenants(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """adapters.E002: a private network is unreadable or, in production, does not say whose adapters may reach it."""
    found: list[CheckMessage] = []
    for entry in settings.CONDUCTOR_PRIVATE_NETWORKS:
        try:
            parse_network(entry)
        except ValueError as error:
            found.append(Error(f"CONDUCTOR_PRIVATE_NETWORKS: {error}.", id="adapters.E002"))
            continue
        if settings.PRODUCTION and "=" not in entry:
            hint = f"write tenant={entry}, or {EVERYBODY}={entry} for the adapters of every organisation"
            found.append(
                Error(f"CONDUCTOR_PRIVATE_NETWORKS does not say whose {entry} is: {hint}.", id="adapters.E002")
            )
    return found
