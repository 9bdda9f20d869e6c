"""The step that notifies the commander of a resolved incident whose alert still fires."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from conductor.engine.define.context import StepContext
from conductor.tenancy.database.scope import tenant_scope
from incidents.models.choices import Role
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.record.wording import sentence
from incidents.response.announcements import announce, first_who_hears
from incidents.response.policy import EVERYBODY

STILL_FIRING_EVENT = "incidents.alert.still_firing"


def tell_still_firing(ctx: StepContext) -> dict[str, Any]:
    """Notify the commander, or everybody where there is none, once however often this runs."""
    with tenant_scope(ctx.tenant_id):
        incident = Incident.objects.select_related("environment").get(id=UUID(ctx.input["incident_id"]))
        entry = TimelineEvent.objects.get(incident=incident, seq=ctx.input["entry"])
        heard = first_who_hears(incident, [Role.COMMANDER, EVERYBODY])
    facts = {"For": heard.who, "Do next": "Reopen the incident, or end the alert where it comes from."}
    if not incident.is_private:
        facts["Alert"] = sentence(entry)
    title = f"{incident.code} is resolved, but an alert still fires"
    announce(ctx, incident, STILL_FIRING_EVENT, title, facts, ctx.idempotency_key)
    return {"for": heard.who}
