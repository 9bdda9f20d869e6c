"""The deadlines of reporting obligations, over all incidents."""

from __future__ import annotations

from typing import Any

from ninja import Router

from conductor.lib.clock import now
from conductor.tenancy.actors import require
from conductor.tenancy.requests import TenantRequest
from incidents.reporting.selectors import deadlines
from incidents.response.schemas import DeadlinesOut

router = Router(tags=["incidents"])


@router.get("/deadlines", response=DeadlinesOut, operation_id="list_deadlines")
def list_deadlines(request: TenantRequest, done: bool = False) -> Any:
    """Open reporting obligations, the soonest due first; with `done` those that were filed or are not reportable."""
    require(actor=request.actor, permission="view_incidents")
    found = deadlines(view="done" if done else "open", now=now())
    for each in found.rows:
        each.duty.used_percent, each.duty.is_overdue = each.used, each.is_overdue  # type: ignore[attr-defined]
    return {
        "items": [each.duty for each in found.rows],
        "overdue": found.overdue,
        "undecided": found.undecided,
        "hidden": found.hidden,
    }
