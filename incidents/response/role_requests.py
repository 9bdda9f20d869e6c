"""The step that tells whoever was given or offered a role that their answer is waited for."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from conductor.engine.define.context import StepContext
from conductor.tenancy.database.scope import tenant_scope
from incidents.models.choices import Role
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment, RoleOffer
from incidents.response.announcements import announce

ASKED_EVENT = "incidents.role.asked"


def ask_holder(ctx: StepContext) -> dict[str, Any]:
    """Tell through the notification adapters who is asked to take which role, once for each asking.

    Whoever has answered meanwhile is not asked any more.
    """
    asking = UUID(ctx.input["asking_id"])
    with tenant_scope(ctx.tenant_id):
        incident = Incident.objects.select_related("environment").get(id=UUID(ctx.input["incident_id"]))
        given = RoleAssignment.objects.filter(id=asking, ended_at=None, accepted_at=None).first()
        offer = RoleOffer.objects.filter(id=asking, answered_at=None).first()
    if given is None and offer is None:
        return {"asked": ""}
    found = offer or given
    assert found is not None
    role = str(Role(found.role).label)
    facts = {"Role": role, "Asked": found.user_name}
    if offer is not None:
        facts["Offered by"] = offer.offered_by_name
    title = f"{incident.code}: {found.user_name}, can you take {role.lower()}?"
    announce(ctx, incident, ASKED_EVENT, title, facts, f"{asking}:asked")
    ctx.log("asked", role=found.role)
    return {"asked": found.user_name}
