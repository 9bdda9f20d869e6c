"""What the incident pages need beside the app's selectors: the hub's context."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from conductor.lib.numbers import whole_number
from incidents import selectors
from incidents.models import Kind, Severity, Status
from incidents.response.policy import policy_in_force

SEVERITY_WORDS = (
    (Severity.SEV1.value, "Customers cannot use it"),
    (Severity.SEV2.value, "Part of it is down"),
    (Severity.SEV3.value, "Degraded, has a workaround"),
    (Severity.SEV4.value, "Minor, no rush"),
)


_KINDS = {"imported": str(Kind.IMPORTED), "all": ""}
"""Which kinds a view shows, where it is not the real ones alone: "all" leaves nothing out."""


def filters_of(*, query: Mapping[str, Any], member_id: int | None) -> selectors.HubFilter:
    """Return what a query string narrows the hub to: view, q, severity, status, service."""
    view = query.get("view", "active")
    severity, status = str(query.get("severity", "")).upper(), str(query.get("status", "")).upper()
    return selectors.HubFilter(
        q=str(query.get("q", "")).strip()[:100],
        severities=(severity,) if severity in Severity.values else (),
        statuses=(status,) if status in Status.values else (),
        service=str(query.get("service", ""))[:200],
        member_id=member_id if view == "mine" else None,
        kind=_KINDS.get(view, Kind.REAL),
    )


def hub(*, query: Mapping[str, Any], member_id: int | None, now: datetime) -> dict[str, Any]:
    """Return the hub's context for a query string: view, q, severity, status, service, before."""
    view = query.get("view", "active")
    filters = filters_of(query=query, member_id=member_id)
    cadence = policy_in_force().content.cadence
    kind = Kind.IMPORTED if view == "imported" else Kind.REAL
    context = {"view": view, "filters": filters, "now": now, "figures": selectors.figures(now=now, kind=kind)}
    if view in {"all", "imported"}:
        context["hidden"] = selectors.hidden_count(kind=filters.kind, active_only=False)
        before = whole_number(str(query.get("before", "")))
        found = selectors.page_of_all(filters=filters, cadence=cadence, now=now, before=before)
        return {**context, "groups": [("", found)]}
    context["hidden"] = selectors.hidden_count(kind=filters.kind, active_only=True) if view != "mine" else 0
    board = selectors.hub(filters=filters, cadence=cadence, now=now)
    return {**context, "groups": [("", board.active), ("Resolved this week", board.resolved)]}
