"""Sound input documents, one per action, and every way to spoil one attribute of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

TENANT = "01934a00-0000-7000-8000-000000000001"
OTHER_TENANT = "01934a00-0000-7000-8000-000000000002"


def sound(action: str) -> dict[str, Any]:
    """Return a document that is allowed for as few reasons as possible, so that losing any of them must tell."""
    permissions = ["seal_evidence"] if action == "evidence.seal" else ["respond"]
    return {
        "action": action,
        "subject": {
            "ref": "tenancy.user:7",
            "tenant": TENANT,
            "roles": ["RESPONDER"],
            "permissions": permissions,
            "channel": "console",
        },
        "resource": {"tenant": TENANT, **RESOURCES[action]},
        "context": {"time": "2026-11-20T11:00:00Z"},
    }


RESOURCES: dict[str, dict[str, Any]] = {
    "incidents.declare": {
        "ref": "incidents.incident:01934a00-0000-7000-8000-0000000000aa",
        "kind": "incidents.incident",
        "severity": "SEV3",
    },
    "incidents.resolve": {
        "ref": "incidents.incident:01934a00-0000-7000-8000-0000000000aa",
        "kind": "incidents.incident",
        "severity": "SEV1",
        "status": "MONITORING",
        "acknowledged": True,
        "commander": "tenancy.user:7",
    },
    "evidence.seal": {
        "ref": "evidence.bundle:01934a00-0000-7000-8000-0000000000bb",
        "kind": "evidence.bundle",
        "status": "COLLECTING",
        "artifacts_count": 3,
        "unverified_count": 0,
        "receipts_unsequenced": 0,
    },
}

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
