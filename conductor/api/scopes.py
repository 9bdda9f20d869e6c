"""Which permission, and so which scopes, each operation needs of a token. The document names them; auth.py asks."""

from __future__ import annotations

from ninja.operation import Operation

_READ = {
    "incidents": "view_incidents",
    "alerts": "view_incidents",
    "me": "view_incidents",
    "graph": "view_incidents",
    "environments": "view_incidents",
    "bundles": "view_evidence",
    "packs": "view_evidence",
    "receipts": "view_evidence",
    "policy": "view_evidence",
    "controls": "view_controls",
    "runs": "view_runs",
}
_WRITE = {
    "incidents": "respond",
    "alerts": "respond",
    "graph": "edit_graph",
    "bundles": "collect_evidence",
    "receipts": "collect_evidence",
    "policy": "manage_policies",
    "controls": "run_controls",
    "runs": "operate_runs",
}
_OTHERWISE = {
    "whoami": "",
    "seal_bundle": "seal_evidence",
    "change_reporting_rule": "configure_response",
    "try_response_policy": "configure_response",
    "change_response_policy": "configure_response",
    "decide_obligations": "decide_reporting",
    "assert_reporting_moment": "decide_reporting",
    "file_obligation": "decide_reporting",
    "approve_redaction": "command",
    "refuse_redaction": "command",
    "approve_postmortem": "command",
    "publish_postmortem": "command",
    "activate_policy": "activate_policies",
}
"""By operation: those that need another permission than their area, or none."""


def permission_of(operation: Operation, *, prefix: str) -> str:
    """Return the permission that a token must let through for the operation, which is mounted at `prefix`."""
    area = prefix.removeprefix("/").removeprefix("tenants/{tenant}/").partition("/")[0]
    if area == "alerts" and "/sources" in prefix:
        return "manage_adapters"
    by_area = _READ if operation.methods == ["GET"] else _WRITE
    return _OTHERWISE.get(operation.operation_id or "", by_area.get(area, ""))
