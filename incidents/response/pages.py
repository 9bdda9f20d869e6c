"""The verb that calls somebody: a run tells every notification adapter, and is retried until they took it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from adapters.models.adapter import AdapterConfig
from adapters.ports.protocols import Port
from conductor.engine.lifecycle.starting import start_run
from conductor.lib.errors import Conflict
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, display_name, require
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.record import topology
from incidents.record.input_cleaning import Complaints
from incidents.record.writer import Entry, lock
from incidents.response.roles import require_responder
from incidents.timeline.lifecycle import append

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PAGE_WORKFLOW = "incidents.page"


class NobodyCanBePaged(Conflict):
    """No notification adapter is switched on here, so Conductor can reach nobody. Call them yourself."""

    code = "nobody_can_be_paged"


def page_responder(
    *,
    incident: Incident,
    actor: Actor,
    now: datetime,
    user: User | None = None,
    team: str = "",
    people: Sequence[User] = (),
    reason: str = "",
    is_told: bool = False,
) -> TimelineEvent:
    """Call a member, or a team by its name, into the incident; the timeline says so, and a run sends the notice.

    `people` are the members whom the team's name stands for here, if that is known. The notice goes to every enabled
    notification adapter of the incident's environment and names who is called. Raise NobodyCanBePaged where there is
    none, unless the caller tells them in a way of its own (`is_told`); Invalid without a member or a team,
    NotAResponder for members who may not respond.
    """
    require(actor=actor, permission="respond")
    complaints = Complaints()
    named = complaints.line("team", team, most=100, required=user is None)
    why = complaints.text("reason", reason)
    complaints.refuse()
    for each in [user] if user is not None else people:
        require_responder(each)
    adapters = AdapterConfig.serving(port=Port.NOTIFICATION.value, environment_id=incident.environment_id)
    if not adapters and not is_told:
        raise NobodyCanBePaged
    whom = _person(user) if user else {"ref": "", "name": named, "people": [_person(each) for each in people]}
    with transaction.atomic():
        locked = lock(incident)
        entry = Entry(EventKind.PAGED, why, {"to": whom})
        event = append(locked, entry, "responder.paged", actor, now, entry.data)
        if adapters:
            _send(locked, event, actor, now)
    incident.refresh_from_db()
    return event


def _send(incident: Incident, event: TimelineEvent, actor: Actor, now: datetime) -> None:
    run = start_run(
        tenant_id=incident.tenant_id,
        workflow=PAGE_WORKFLOW,
        input={"incident_id": str(incident.id), "entry": event.seq},
        actor=actor,
        now=now,
        subject=incident.ref,
        environment_id=incident.environment_id,
        dedup_key=f"{incident.id}:page:{event.seq}",
    )
    topology.link_run(incident=incident, run=run, actor=actor, now=now)


def _person(user: User) -> dict[str, Any]:
    return {"ref": ref("tenancy.user", user.pk), "name": display_name(user)}
