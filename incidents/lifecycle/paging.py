"""The verb that calls somebody: a run tells every notification adapter, and is retried until they took it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from adapters.models import AdapterConfig
from adapters.ports import Port
from conductor.engine.lifecycle import start_run
from conductor.lib.errors import Conflict
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, display_name, require
from incidents.lifecycle import topology
from incidents.lifecycle.role import require_responder
from incidents.lifecycle.timeline import append
from incidents.lifecycle.words import Complaints
from incidents.lifecycle.writing import Entry, lock
from incidents.models import EventKind, Incident, TimelineEvent

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PAGE_WORKFLOW = "incidents.page"


class NobodyCanBePaged(Conflict):
    """No notification adapter is switched on here, so Conductor can reach nobody. Call them yourself."""

    code = "nobody_can_be_paged"


def page_responder(
    *, incident: Incident, actor: Actor, now: datetime, user: User | None = None, team: str = "", reason: str = ""
) -> TimelineEvent:
    """Call a member, or a team by its name, into the incident; the timeline says so, and a run sends the notice.

    The notice goes to every enabled notification adapter of the incident's environment and names who is called.
    Raise NobodyCanBePaged where there is none, Invalid without a member or a team, NotAResponder for a member who
    may not respond.
    """
    require(actor=actor, permission="respond")
    complaints = Complaints()
    named = complaints.line("team", team, most=100, required=user is None)
    why = complaints.text("reason", reason)
    complaints.refuse()
    if user is not None:
        require_responder(user)
    if not AdapterConfig.serving(port=Port.NOTIFICATION.value, environment_id=incident.environment_id):
        raise NobodyCanBePaged
    whom = {"ref": ref("tenancy.user", user.pk), "name": display_name(user)} if user else {"ref": "", "name": named}
    with transaction.atomic():
        locked = lock(incident)
        entry = Entry(EventKind.PAGED, why, {"to": whom})
        event = append(locked, entry, "responder.paged", actor, now, entry.data)
        run = start_run(
            tenant_id=locked.tenant_id,
            workflow=PAGE_WORKFLOW,
            input={"incident_id": str(locked.id), "entry": event.seq},
            actor=actor,
            now=now,
            subject=locked.ref,
            environment_id=locked.environment_id,
            dedup_key=f"{locked.id}:page:{event.seq}",
        )
        topology.link_run(incident=locked, run=run, actor=actor, now=now)
    incident.refresh_from_db()
    return event
