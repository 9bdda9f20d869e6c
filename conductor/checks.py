"""System checks: unsafe production settings, and workflows that name steps that nobody registered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from conductor.engine import registry
from conductor.policy import checks as _policy_checks  # noqa: F401 - registers itself


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
    """E010 to E015: settings that may stand in development and must not in production."""
    if not settings.PRODUCTION:
        return []
    unsafe = {
        "E010": (settings.SECRET_KEY.startswith("insecure"), "CONDUCTOR_SECRET_KEY is not set."),
        "E011": (settings.DEBUG, "CONDUCTOR_DEBUG is on."),
        "E012": (settings.CONDUCTOR_DEMO, "CONDUCTOR_DEMO is on: it lets one-time links sign anybody in."),
        "E013": ("*" in settings.ALLOWED_HOSTS, "CONDUCTOR_ALLOWED_HOSTS admits every host name."),
        "E014": (not settings.CONDUCTOR_BASE_URL.startswith("https://"), "CONDUCTOR_BASE_URL is not https."),
        "E015": (
            settings.DATABASES["default"]["USER"] == settings.DATABASES["owner"]["USER"]
            and "role=" not in str(settings.DATABASES["default"]["OPTIONS"]),
            "DATABASE_APP_URL signs in as the tables' owner, whom row-level security does not hold.",
        ),
    }
    return [Error(message, id=f"conductor.{code}") for code, (is_unsafe, message) in unsafe.items() if is_unsafe]
