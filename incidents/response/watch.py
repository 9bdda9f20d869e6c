"""The step that watches an unresolved incident: reminds of updates, escalates each miss, ends with the incident."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from conductor.engine.define.context import StepContext, Wait
from conductor.lib.clock import rfc3339
from conductor.tenancy.database.scope import tenant_scope
from incidents.models.choices import EventKind, Role
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment
from incidents.response.announcements import announce, first_who_hears
from incidents.response.cadence import watch
from incidents.response.handovers import record_unanswered_role
from incidents.response.policy import Content, policy_in_force
from incidents.timeline.lifecycle import record_missed_update

MISSED_EVENT = "incidents.update.missed"
UNANSWERED_EVENT = "incidents.role.unanswered"


def watch_response(ctx: StepContext) -> dict[str, Any]:
    """Record and announce what was missed since the last look, then sleep until the next update is due.

    Ends once nobody works on the incident any more. Looking twice records and announces nothing twice.
    """
    with tenant_scope(ctx.tenant_id):
        incident = Incident.objects.select_related("environment").get(id=UUID(ctx.input["incident_id"]))
        if not incident.is_active:
            missed = TimelineEvent.objects.filter(incident=incident, kind=EventKind.UPDATE_MISSED).count()
            return {"missed": missed}
        policy = policy_in_force().content
        silence = watch(incident=incident, cadence=policy.cadence, now=ctx.now())
    for miss, due_at in enumerate(silence.missed, start=1):
        _missed(ctx, incident, policy, miss, due_at)
    pending = _unanswered(ctx, incident, policy)
    raise Wait(until=min([silence.next_due, *pending]), reason="the next update is due")


def _missed(ctx: StepContext, incident: Incident, policy: Content, miss: int, due_at: datetime) -> None:
    line = policy.cadence.escalate_to
    with tenant_scope(ctx.tenant_id):
        heard = first_who_hears(incident, line[min(miss, len(line)) - 1 :])
        entry = record_missed_update(
            incident=incident,
            due_at=due_at,
            miss=miss,
            escalated_to=heard.who,
            vacant=heard.vacant,
            actor=ctx.actor,
            now=ctx.now(),
        )
    if entry is None:
        return
    ctx.log("update missed", miss=miss, due_at=rfc3339(due_at), escalated_to=heard.who)
    facts = {"Due": rfc3339(due_at), "Missed in a row": str(miss), "For": heard.who}
    facts["Do next"] = f"Post an update: what is known, what is done, what comes next. {heard.fill}".strip()
    announce(
        ctx,
        incident,
        MISSED_EVENT,
        f"No update on {incident.code}",
        facts,
        f"{incident.id}:missed:{due_at.timestamp():.0f}",
    )


def _unanswered(ctx: StepContext, incident: Incident, policy: Content) -> list[datetime]:
    """Report roles that were not accepted in time; return when the next one would be late."""
    patience = timedelta(minutes=policy.accept_within_minutes)
    with tenant_scope(ctx.tenant_id):
        waiting = list(RoleAssignment.objects.filter(incident=incident, ended_at=None, accepted_at=None))
    coming = []
    for assignment in waiting:
        late_at = assignment.assumed_at + patience
        if late_at > ctx.now():
            coming.append(late_at)
            continue
        with tenant_scope(ctx.tenant_id):
            entry = record_unanswered_role(incident=incident, assignment=assignment, actor=ctx.actor, now=ctx.now())
        if entry is not None:
            facts = {"Role": Role(assignment.role).label, "Given to": assignment.user_name}
            title = f"{incident.code}: {assignment.user_name} has not accepted"
            announce(ctx, incident, UNANSWERED_EVENT, title, facts, f"{assignment.id}:unanswered")
    return coming
