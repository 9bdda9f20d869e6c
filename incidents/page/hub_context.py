"""What the incident pages need beside the app's selectors: the hub's context."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from conductor.lib.numbers import whole_number
from incidents.hub import query as hub_query
from incidents.hub import selectors as hub_selectors
from incidents.hub.choices import commanders, is_fresh, services
from incidents.hub.figures import figures
from incidents.hub.selectors import Hub, HubRow, hidden_count, page_of_all
from incidents.models.choices import STEPS, Kind, Severity, Status
from incidents.response.policy import policy_in_force

MOST_SKIPPED = 1_000_000
SEVERITY_WORDS = (
    (Severity.SEV1.value, "Customers cannot use it"),
    (Severity.SEV2.value, "Part of it is down"),
    (Severity.SEV3.value, "Degraded, has a workaround"),
    (Severity.SEV4.value, "Minor, no rush"),
)


def query_of(*, query: Mapping[str, Any], member_id: int | None, now: datetime) -> hub_query.HubQuery:
    """Return what a query string narrows the hub to, and what follows it."""
    return hub_query.read(query=query, member_id=member_id, now=now, people=commanders())


def hub(*, query: Mapping[str, Any], member_id: int | None, now: datetime) -> dict[str, Any]:
    """Return the hub's context for a query string (incidents.hub.query), from `before` or `start` on."""
    people = commanders()
    asked = hub_query.read(query=query, member_id=member_id, now=now, people=people)
    view, filters = asked.view, asked.filters
    cadence = policy_in_force().content.cadence
    kind = Kind.IMPORTED if view == "imported" else Kind.REAL
    context = {
        "view": view,
        "query": asked,
        "filters": filters,
        "now": now,
        "figures": figures(now=now, kind=kind),
        "people": people,
        "services": services(kind=filters.kind),
        "statuses": [(each.value, each.label) for each in Status],
    }
    if view in {"all", "imported"}:
        context["hidden"] = hidden_count(kind=filters.kind, active_only=False)
        before, start = (whole_number(str(query.get(name, ""))) for name in ("before", "start"))
        start = min(start or 0, MOST_SKIPPED) if asked.order else 0
        found = page_of_all(filters=filters, cadence=cadence, now=now, before=before, order=asked.order, start=start)
        return {**context, "groups": [("", found)], "next_start": start + len(found.rows)}
    context["hidden"] = hidden_count(kind=filters.kind, active_only=True) if view != "mine" else 0
    board = hub_selectors.hub(filters=filters, cadence=cadence, now=now, order=asked.order)
    groups = [("", board.active), ("Resolved this week", board.resolved)]
    context["is_fresh"] = not asked.is_narrowed and not any(group.rows for _, group in groups) and is_fresh()
    return {**context, "groups": groups, "lanes": _lanes(board) if asked.layout else []}


def _lanes(board: Hub) -> list[tuple[str, list[HubRow], bool]]:
    """Return the active incidents by status, and those resolved recently. Nobody sees an empty lane for triage."""
    by_status: dict[str, list[HubRow]] = {Status.TRIAGE.value: [], **{each.value: [] for each in STEPS}}
    for row in [*board.active.rows, *board.resolved.rows]:
        by_status[row.status].append(row)
    cut = {status: board.resolved.is_cut if status == Status.RESOLVED else board.active.is_cut for status in by_status}
    return [(status, rows, cut[status]) for status, rows in by_status.items() if rows or status != Status.TRIAGE]
