"""Sound input documents, one per action, and every way to spoil one attribute of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

TENANT = "01934a00-0000-7000-8000-000000000001"
OTHER_TENANT = "01934a00-0000-7000-8000-000000000002"


def sound(action: str) -> dict[str, Any]:
    """Return a document that is allowed for as few reasons as possible, so that losing any of them must tell."""
    return {
        "action": action,
        "subject": {
            "ref": "tenancy.user:7",
            "tenant": TENANT,
            "roles": ["RESPONDER"],
            "permissions": [PERMISSIONS[action]],
            "channel": "console",
            "authentication": "password",
        },
        "resource": {"tenant": TENANT, **RESOURCES[action]},
        "context": {"time": "2026-11-20T11:00:00Z", "channel": "console", **CONTEXTS[action]},
    }


PERMISSIONS = {
    "incidents.declare": "respond",
    "incidents.resolve": "respond",
    "incidents.redact": "command",
    "incidents.review": "command",
    "evidence.seal": "seal_evidence",
    "runs.decide": "command",
    "policy.activate": "activate_policies",
    "policy.retire": "manage_policies",
}

_TWO_PEOPLE: dict[str, Any] = {
    "four_eyes": {"required": True, "requested_by": "tenancy.user:8", "approved_by": "tenancy.user:7"}
}
_ALONE: dict[str, Any] = {"four_eyes": {"required": False, "requested_by": "", "approved_by": ""}}

CONTEXTS: dict[str, dict[str, Any]] = {
    "incidents.declare": _ALONE,
    "incidents.resolve": _ALONE,
    "incidents.redact": _TWO_PEOPLE,
    "incidents.review": _ALONE,
    "evidence.seal": _ALONE,
    "runs.decide": _TWO_PEOPLE,
    "policy.activate": _TWO_PEOPLE,
    "policy.retire": {**_ALONE, "reason": "It locks everybody out."},
}
"""What each action's context holds beside the moment and the channel."""

_DESCRIBED = {"environment": "production", "visibility": "NORMAL", "owner": "tenancy.user:8"}


RESOURCES: dict[str, dict[str, Any]] = {
    "incidents.declare": {
        "ref": "incidents.incident:01934a00-0000-7000-8000-0000000000aa",
        "kind": "incidents.incident",
        **_DESCRIBED,
        "severity": "SEV3",
    },
    "incidents.resolve": {
        "ref": "incidents.incident:01934a00-0000-7000-8000-0000000000aa",
        "kind": "incidents.incident",
        **_DESCRIBED,
        "severity": "SEV1",
        "status": "MONITORING",
        "acknowledged": True,
        "commander": "tenancy.user:7",
    },
    "incidents.redact": {
        "ref": "incidents.redaction:01934a00-0000-7000-8000-0000000000ee",
        "kind": "incidents.redaction",
        **_DESCRIBED,
        "severity": "SEV2",
        "state": "WAITING",
        "approve": True,
    },
    "incidents.review": {
        "ref": "incidents.postmortem:01934a00-0000-7000-8000-0000000000ff",
        "kind": "incidents.postmortem",
        **_DESCRIBED,
        "severity": "SEV2",
        "status": "IN_REVIEW",
        "approve": True,
        "authors": ["tenancy.user:9"],
        "blank": ["lessons"],
        "waived": ["lessons"],
        "explained": True,
    },
    "evidence.seal": {
        "ref": "evidence.bundle:01934a00-0000-7000-8000-0000000000bb",
        "kind": "evidence.bundle",
        **_DESCRIBED,
        "severity": "",
        "status": "COLLECTING",
        "artifacts_count": 3,
        "unverified_count": 0,
        "receipts_unsequenced": 0,
    },
    "runs.decide": {
        "ref": "conductor.run:01934a00-0000-7000-8000-0000000000dd",
        "kind": "conductor.run",
        **_DESCRIBED,
        "severity": "",
        "status": "WAITING",
        "approve": True,
        "permission": "command",
        "demands_four_eyes": True,
    },
    "policy.activate": {
        "ref": "conductor.tenant_policy:01934a00-0000-7000-8000-0000000000cc",
        "kind": "conductor.tenant_policy",
        **_DESCRIBED,
        "environment": "",
        "severity": "",
        "state": "DRAFT",
        "digest": "8c2f",
        "reviewed_digest": "8c2f",
    },
    "policy.retire": {
        "ref": "conductor.tenant_policy:01934a00-0000-7000-8000-0000000000cc",
        "kind": "conductor.tenant_policy",
        **_DESCRIBED,
        "environment": "",
        "severity": "",
        "state": "ACTIVE",
    },
}

MAY_BE_EMPTY = {
    ("resource", "environment"),
    ("resource", "severity"),
    ("context", "four_eyes", "requested_by"),
    ("context", "four_eyes", "approved_by"),
}
"""Attributes for which the empty text is an answer; they may be neither left out nor of another type."""

ACTIONS = tuple(RESOURCES)


def attributes(document: dict[str, Any], *, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every attribute, parents before children."""
    for name, value in document.items():
        yield (*above, name)
        if isinstance(value, dict):
            yield from attributes(value, above=(*above, name))


def value_at(document: dict[str, Any], path: tuple[str, ...]) -> Any:
    """Return what stands at `path`."""
    for name in path:
        document = document[name]
    return document


def without(document: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Return a copy that lacks the attribute at `path`."""
    changed = copy.deepcopy(document)
    parent = changed
    for name in path[:-1]:
        parent = parent[name]
    del parent[path[-1]]
    return changed


def replaced(document: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Return a copy that holds `value` at `path`."""
    changed = copy.deepcopy(document)
    parent = changed
    for name in path[:-1]:
        parent = parent[name]
    parent[path[-1]] = value
    return changed


CASES = [(action, path) for action in ACTIONS for path in attributes(sound(action))]
"""Every (action, attribute path)."""

OPTIONAL = {("resource", "commander")}
"""Attributes that a document may lack; without them less is allowed."""
