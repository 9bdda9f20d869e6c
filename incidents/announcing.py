"""How the watches over an incident tell people: through the notification adapters, once for each key."""

from __future__ import annotations

from adapters.lifecycle import deliver
from adapters.ports import AdapterError
from conductor.engine.context import StepContext
from incidents.models import Incident, Role, RoleAssignment
from incidents.notices import payload_of
from incidents.response.policy import EVERYBODY


def holder_in_words(incident: Incident, target: str) -> str:
    """Say who is told: a role's holder, that nobody holds it, or everybody. Needs the tenant's scope."""
    if target == EVERYBODY:
        return "everybody who is told of incidents"
    holder = RoleAssignment.objects.filter(incident=incident, role=target, ended_at=None).first()
    label = str(Role(target).label).lower()
    return f"{holder.user_name}, {label}" if holder else f"nobody: the role of {label} is vacant"


def announce(ctx: StepContext, incident: Incident, event: str, title: str, facts: dict[str, str], key: str) -> None:
    """Tell the adapters. A failure here is logged and does not stop the watch: the timeline has it already."""
    payload = payload_of(incident=incident, tenant_slug=ctx.tenant_slug)
    payload = {**payload, "title": title, "facts": {**payload["facts"], **facts}}
    ctx.heartbeat()
    try:
        deliver(
            tenant_id=ctx.tenant_id,
            event=event,
            subject=incident.ref,
            payload=payload,
            key=key,
            now=ctx.now(),
            environment_id=incident.environment_id,
        )
    except AdapterError as error:
        ctx.log("could not be announced", level="error", error=error.message)
