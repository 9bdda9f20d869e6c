"""System checks: unsafe production settings, and workflows that name steps that nobody registered."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from conductor.engine.define import registry
from conductor.policy import checks as _policy_checks  # noqa: F401 - registers itself

SECRET_KEY_CHARACTERS, DIFFERENT_CHARACTERS, METRICS_TOKEN_CHARACTERS = 50, 10, 16
WAIVABLE = {"mail", "metrics"}
PRINTING_BACKENDS = {f"django.core.mail.backends.{name}.EmailBackend" for name in ("console", "filebased")}
SILENT_BACKENDS = {f"django.core.mail.backends.{name}.EmailBackend" for name in ("dummy", "locmem")}


@register()
def workflows_name_known_steps(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """E001: a workflow names a step that no app registered. E003: a group takes its list from nowhere."""
    found: list[CheckMessage] = [
        Error(f"Workflow {workflow} names the step {step}, which is not registered.", id="conductor.E001")
        for workflow, step in registry.unknown_steps()
    ]
    found += [Error(f"Workflow {workflow}: {fault}.", id="conductor.E003") for workflow, fault in registry.faults()]
    return found


@register(Tags.security)
def production_is_safe(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """E010 to E023: settings that may stand in development and must not in production."""
    if not settings.PRODUCTION:
        return []
    unsafe = _keys_and_doors() | _database() | _outside() | _waivable()
    return [Error(message, id=f"conductor.{code}") for code, (is_unsafe, message) in unsafe.items() if is_unsafe]


def _keys_and_doors() -> dict[str, tuple[bool, str]]:
    hosts = [host.strip() for host in settings.ALLOWED_HOSTS]
    key = settings.SECRET_KEY
    return {
        "E010": (key.startswith("insecure"), "CONDUCTOR_SECRET_KEY is not set."),
        "E011": (settings.DEBUG, "CONDUCTOR_DEBUG is on."),
        "E012": (settings.CONDUCTOR_DEMO, "CONDUCTOR_DEMO is on: it lets one-time links sign anybody in."),
        "E013": (
            any("*" in host or host in {"", "."} for host in hosts),
            "CONDUCTOR_ALLOWED_HOSTS admits every host name, or an empty one.",
        ),
        "E014": (not settings.CONDUCTOR_BASE_URL.startswith("https://"), "CONDUCTOR_BASE_URL is not https."),
        "E016": (
            len(key) < SECRET_KEY_CHARACTERS or len(set(key)) < DIFFERENT_CHARACTERS,
            f"CONDUCTOR_SECRET_KEY has fewer than {SECRET_KEY_CHARACTERS} characters, "
            f"or fewer than {DIFFERENT_CHARACTERS} different ones.",
        ),
    }


def _database() -> dict[str, tuple[bool, str]]:
    user = settings.DATABASES["default"]["USER"]
    owner = settings.DATABASES.get("owner", {}).get("USER", "")
    return {
        "E015": (
            not settings.DATABASE_APP_URL or user == owner,
            "DATABASE_APP_URL is not set, or signs in as the tables' owner, which row-level security does not bind.",
        ),
    }


def _outside() -> dict[str, tuple[bool, str]]:
    """Servers that are given secrets, or believed: none of them over a connection that anybody can read."""
    addresses = {
        "CONDUCTOR_OIDC_URL": settings.CONDUCTOR_OIDC_URL,
        "CONDUCTOR_SLACK_API_URL": settings.SLACK_API_URL,
        "CONDUCTOR_OPA_URL": settings.CONDUCTOR_OPA_URL,
        "CONDUCTOR_VAULT_ADDR": os.environ.get("CONDUCTOR_VAULT_ADDR", ""),
    }
    clear = sorted(name for name, address in addresses.items() if _is_clear(address))
    return {
        "E017": (bool(clear), f"{', '.join(clear)}: not https, and not on this machine."),
        "E023": (
            not settings.CONDUCTOR_PASSWORD_SIGNIN and not settings.CONDUCTOR_OIDC_URL,
            "CONDUCTOR_PASSWORD_SIGNIN is off, and CONDUCTOR_OIDC_URL is not set: nobody could sign in.",
        ),
        "E018": (
            bool(settings.EMAIL_HOST_PASSWORD) and not (settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL),
            "CONDUCTOR_EMAIL_SECURITY is none: the password of the mail server would travel in the clear.",
        ),
        "E019": (
            settings.EMAIL_BACKEND in PRINTING_BACKENDS,
            "CONDUCTOR_EMAIL_BACKEND writes mail, with its sign-in links, into logs or files.",
        ),
    }


def _waivable() -> dict[str, tuple[bool, str]]:
    """What somebody may decide to do without, by its name in CONDUCTOR_WAIVED."""
    waived = settings.CONDUCTOR_WAIVED
    unsent = settings.EMAIL_BACKEND in SILENT_BACKENDS or (
        settings.EMAIL_BACKEND == "django.core.mail.backends.smtp.EmailBackend" and not settings.EMAIL_HOST
    )
    return {
        "E020": (
            unsent and "mail" not in waived,
            "CONDUCTOR_EMAIL_HOST is not set: nobody gets an invitation or a new password. "
            "To do without, set CONDUCTOR_WAIVED=mail.",
        ),
        "E021": (
            len(settings.METRICS_TOKEN) < METRICS_TOKEN_CHARACTERS and "metrics" not in waived,
            f"CONDUCTOR_METRICS_TOKEN has fewer than {METRICS_TOKEN_CHARACTERS} characters: anybody could read "
            "/metrics. If only your Prometheus reaches it, set CONDUCTOR_WAIVED=metrics.",
        ),
        "E022": (
            bool(waived - WAIVABLE),
            f"CONDUCTOR_WAIVED names {', '.join(sorted(waived - WAIVABLE))}; "
            f"only {', '.join(sorted(WAIVABLE))} can be waived.",
        ),
    }


def _is_clear(address: str) -> bool:
    parts = urlsplit(address)
    return bool(address) and parts.scheme != "https" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}
