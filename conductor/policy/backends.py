"""Which engine evaluates the built-in rules: regorus in this process, or an OPA over HTTP, by setting."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from conductor.policy.engine import PolicyEngine, RegorusEngine
from conductor.policy.opa import OpaEngine

REGORUS, OPA = "regorus", "opa"

IN_PROCESS = RegorusEngine()
"""Made once, at import: a cache filled by many threads at once makes several, and the losers die in foreign threads."""


class UnknownEngine(ValueError):
    """The setting names no engine, or an OPA without an address."""


def active_engine() -> PolicyEngine:
    """Return the process's engine; raise UnknownEngine where the settings name none."""
    if settings.CONDUCTOR_POLICY_ENGINE == REGORUS:
        return IN_PROCESS
    if settings.CONDUCTOR_POLICY_ENGINE == OPA and settings.CONDUCTOR_OPA_URL:
        return _opa(settings.CONDUCTOR_OPA_URL, settings.CONDUCTOR_OPA_TOKEN)
    raise UnknownEngine("CONDUCTOR_POLICY_ENGINE is regorus, or opa with CONDUCTOR_OPA_URL")


@cache
def _opa(url: str, token: str) -> OpaEngine:
    return OpaEngine(url=url, token=token)
