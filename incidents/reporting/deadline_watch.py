"""The step that watches the clocks of reporting obligations: warns as they run down, escalates what was not filed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from conductor.engine.define.context import StepContext, Wait
from conductor.lib.clock import rfc3339
from conductor.tenancy.database.scope import tenant_scope
from incidents.models.choices import Role
from incidents.models.incident import Incident
from incidents.models.obligation import Obligation
from incidents.reporting.deadline_record import record_deadline
from incidents.reporting.remaining_time import THRESHOLDS, moment_of, reached
from incidents.response.announcements import all_who_hear, announce, first_who_hears
from incidents.response.policy import EVERYBODY

DUE_SOON_EVENT = "incidents.obligation.due_soon"
MISSED_EVENT = "incidents.obligation.missed"
AT_MOST = timedelta(hours=6)
"""It looks again after this long at the latest, whatever it waits for."""


def watch_deadlines(ctx: StepContext) -> dict[str, Any]:
    """Record and announce what the clocks have reached since the last look, then sleep until the next of it.

    Each clock is told of once at each of THRESHOLDS. After a pause only the latest that it has reached is. Ends once
    no clock runs any more; a clock that starts later starts it anew.
    """
    with tenant_scope(ctx.tenant_id):
        incident = Incident.objects.select_related("environment").get(id=UUID(ctx.input["incident_id"]))
        duties = list(Obligation.objects.open().filter(incident=incident, due_at__isnull=False).order_by("due_at"))
    if not duties:
        return {"open": 0}
    for duty in duties:
        if (percent := reached(duty, ctx.now())) is not None:
            _tell(ctx, incident, duty, percent)
    raise Wait(until=min([ctx.now() + AT_MOST, *_coming(duties, ctx.now())]), reason="the next warning is due")


def _next_step(duty: Obligation) -> str:
    if duty.state == Obligation.State.ASSESSING:
        return "Decide whether it is to be reported, with a reason, under Assessment."
    return "File the report, then record the number that the receiver gave it, under Assessment."


def _coming(duties: Iterable[Obligation], now: datetime) -> list[datetime]:
    moments = (moment_of(duty, percent) for duty in duties for percent in THRESHOLDS)
    return [moment for moment in moments if moment is not None and moment > now]


def _tell(ctx: StepContext, incident: Incident, duty: Obligation, percent: int) -> None:
    """Record the threshold on the timeline; announce it where that was its first time."""
    choose = all_who_hear if percent >= 100 else first_who_hears
    with tenant_scope(ctx.tenant_id):
        heard = choose(incident, (Role.PRIVACY, Role.COMMANDER, EVERYBODY))
        entry = record_deadline(
            obligation=duty, percent=percent, told=heard.who, vacant=heard.vacant, actor=ctx.actor, now=ctx.now()
        )
    if entry is None or duty.due_at is None:
        return
    ctx.log("deadline announced", rule=duty.rule_key, percent=percent)
    facts = {"Due": rfc3339(duty.due_at), "Time used": f"{min(percent, 100)} %", "For": heard.who}
    facts["Do next"] = f"{_next_step(duty)} {heard.fill}".strip()
    if not incident.is_private:
        facts |= {"Obligation": duty.rule["title"], "Regime": duty.regime, "To": duty.rule["recipient"]}
    what = "a deadline" if incident.is_private else f"“{duty.rule['title']}” ({duty.regime})"
    title = f"{incident.code}: {what} was missed" if percent >= 100 else f"{incident.code}: {what} is near"
    event = MISSED_EVENT if percent >= 100 else DUE_SOON_EVENT
    announce(ctx, incident, event, title, facts, f"{duty.id}:{duty.due_at.timestamp():.0f}:{percent}")
