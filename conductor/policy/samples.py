"""A sound input document for each action: what uploaded rules are tried on before anybody depends on them."""

from __future__ import annotations

from typing import Any

from conductor.policy.inputs import NO_SECOND_PERSON

TENANT = "00000000-0000-7000-8000-000000000001"
_ASKER, _OTHER = "tenancy.user:7", "tenancy.user:8"
_INCIDENT = {"ref": "incidents.incident:1", "kind": "incidents.incident", "environment": "production"}
_POLICY = {"ref": "conductor.tenant_policy:1", "kind": "conductor.tenant_policy", "environment": "", "severity": ""}

_RESOURCES: dict[str, dict[str, Any]] = {
    "incidents.declare": {**_INCIDENT, "severity": "SEV2", "service": "payments", "incident_kind": "REAL"},
    "incidents.resolve": {
        **_INCIDENT,
        "severity": "SEV3",
        "status": "MONITORING",
        "acknowledged": True,
        "commander": "",
    },
    "incidents.redact": {
        "ref": "incidents.redaction:1",
        "kind": "incidents.redaction",
        "environment": "production",
        "severity": "SEV3",
        "state": "WAITING",
        "approve": True,
    },
    "incidents.review": {
        "ref": "incidents.postmortem:1",
        "kind": "incidents.postmortem",
        "environment": "production",
        "severity": "SEV3",
        "status": "IN_REVIEW",
        "approve": True,
        "authors": ["tenancy.user:9"],
        "blank": [],
        "waived": [],
        "explained": False,
    },
    "evidence.seal": {
        "ref": "evidence.bundle:1",
        "kind": "evidence.bundle",
        "environment": "production",
        "severity": "",
        "status": "COLLECTING",
        "artifacts_count": 3,
        "unverified_count": 0,
        "receipts_unsequenced": 0,
    },
    "runs.decide": {
        "ref": "conductor.run:1",
        "kind": "conductor.run",
        "environment": "production",
        "severity": "",
        "status": "WAITING",
        "approve": True,
        "permission": "command",
        "demands_four_eyes": True,
    },
    "policy.activate": {**_POLICY, "state": "DRAFT", "digest": "8c2f", "reviewed_digest": "8c2f"},
    "policy.retire": {**_POLICY, "state": "ACTIVE"},
}
_TWO_PEOPLE = {"four_eyes": {"required": True, "requested_by": _OTHER, "approved_by": _ASKER}}
_CONTEXTS: dict[str, dict[str, Any]] = {
    "incidents.redact": _TWO_PEOPLE,
    "runs.decide": _TWO_PEOPLE,
    "policy.activate": _TWO_PEOPLE,
    "policy.retire": {"reason": "No longer needed."},
}
_PERMISSIONS = ["activate_policies", "command", "manage_policies", "respond", "seal_evidence"]


def sample(action: str) -> dict[str, Any]:
    """Return a document that the built-in rules allow; a new one each time."""
    return {
        "action": action,
        "subject": {
            "ref": _ASKER,
            "tenant": TENANT,
            "roles": ["ADMIN"],
            "permissions": list(_PERMISSIONS),
            "channel": "console",
            "authentication": "password",
        },
        "resource": {"tenant": TENANT, "visibility": "NORMAL", "owner": _OTHER, **_RESOURCES[action]},
        "context": {
            "time": "2026-01-05T09:30:00Z",
            "channel": "console",
            "four_eyes": dict(NO_SECOND_PERSON),
            **_CONTEXTS.get(action, {}),
        },
    }
