"""Asking policy in a test: sound arguments, of which each call may change any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conductor.policy.decisions import Decision, decide
from conductor.tenancy.actors import Actor
from tests.world import NORTHWIND, NOW

INCIDENT = "incidents.incident:01934a00-0000-7000-8000-0000000000aa"

DESCRIBED = {"environment": "production", "visibility": "NORMAL", "owner": "tenancy.user:8"}


class Asked:
    """Declares a SEV2 of Northwind as one actor."""

    def __init__(self, actor: Actor) -> None:
        self.arguments: dict[str, Any] = {
            "action": "incidents.declare",
            "actor": actor,
            "resource": {"ref": INCIDENT, "tenant": NORTHWIND, **DESCRIBED, "severity": "SEV2"},
            "context": {},
            "tenant_id": NORTHWIND,
            "now": NOW,
        }

    def __call__(self, asked: Callable[..., Decision] = decide, **changes: Any) -> Decision:
        return asked(**{**self.arguments, **changes})

    def resource(self, **changes: Any) -> dict[str, Any]:
        return {**self.arguments["resource"], **changes}
