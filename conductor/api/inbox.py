"""What waits for the person of the token: the rows of the console's page "Waits for you"."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from ninja import Field, Router, Schema

from conductor.api.inputs import Limit
from conductor.console.inbox.registry import Asker, Waiting, Waits
from conductor.lib.clock import now
from conductor.tenancy.requests import TenantRequest

router = Router(tags=["inbox"])


class InboxUrgency(StrEnum):
    """How urgent something is: past its due time, due today, within seven days, later, or without a due time."""

    OVERDUE = "overdue"
    TODAY = "today"
    WEEK = "week"
    LATER = "later"
    UNDATED = "undated"


class WaitingOut(Schema):
    """One thing that waits, why for this person, and where it is done."""

    kind: str
    """role_given, role_offered, task, update_overdue, alert_still_firing, alerts_undecided, obligation,
    postmortem_draft, postmortem_changes, postmortem_review, postmortem_unpublished, action_item, redaction,
    run_decision, policy_activation or slack_identity; more may come."""
    id: UUID
    """Of the row that waits. With `kind` it names the same thing in every answer."""
    subject: str
    """Code of what it is about: INC-12, A-3, R-7; empty for several at once."""
    title: str
    why: str
    since: datetime
    due_at: datetime | None
    due_date: date | None
    """The day until whose end it is due, in UTC, where only a day was named."""
    urgency: InboxUrgency
    page: str
    """Path of the console's page where it stands."""
    act: str
    """Label of the control that ends the waiting."""


class InboxOut(Schema):
    checked_at: datetime
    total: int
    """How many wait, at most 1,000."""
    is_cut: bool
    """Whether more wait than `total` says."""
    overdue: int
    items: list[WaitingOut]


@router.get("/inbox", response=InboxOut, operation_id="get_inbox")
def get_inbox(
    request: TenantRequest,
    offset: Annotated[int, Field(ge=0, le=1000)] = 0,
    limit: Limit = 50,
) -> Any:
    """What waits for the token's member, the most urgent first; only what the token's scopes let them do."""
    waits = Waits(Asker(request.actor, request.tenant.slug, now()))
    return {
        "checked_at": waits.asker.now,
        "total": waits.count,
        "is_cut": waits.is_cut,
        "overdue": waits.overdue,
        "items": [_out(each) for each in waits.rows(waits.keys[offset : offset + limit])],
    }


def _out(row: Waiting) -> dict[str, Any]:
    return {
        "kind": row.key.kind,
        "id": row.key.id,
        "subject": row.told.subject,
        "title": row.told.title,
        "why": row.told.why,
        "since": row.key.since,
        "due_at": row.key.due_at,
        "due_date": row.last_day.date() if row.told.is_day and row.last_day else None,
        "urgency": row.part,
        "page": row.told.href,
        "act": row.told.act.label,
    }
