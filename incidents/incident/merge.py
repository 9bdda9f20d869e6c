"""Verbs that merge an incident into the one that it repeats, and take it apart again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from conductor.graph.lifecycle import link, unlink
from conductor.graph.models import Edge
from conductor.tenancy.actors import Actor, require
from incidents.incident.status import move_incident, reopen_incident
from incidents.models.choices import Status
from incidents.models.incident import Incident
from incidents.record import topology


def merge_incident(
    *, incident: Incident, into: Incident, actor: Actor, now: datetime, reason: str = "", override: str = ""
) -> Incident:
    """Make the incident a duplicate of `into`, or of what that is a duplicate of: there are no chains.

    Its tasks, evidence and timeline stay where they are. Raise GuardsNotMet where it would circle, or would carry
    a private incident's content to people who may not see it.
    """
    require(actor=actor, permission="respond")
    with transaction.atomic():
        # In the order of their ids, so that two merges of the same pair wait for each other and cannot cross.
        list(Incident.everything.select_for_update().filter(id__in=[incident.id, into.id]).order_by("id"))
        into.refresh_from_db()
        root = into.duplicate_of if into.status == Status.DUPLICATE and into.duplicate_of else into
        move_incident(
            incident=incident,
            to=Status.DUPLICATE,
            original=root,
            reason=reason,
            override=override,
            actor=actor,
            now=now,
        )
        # What was merged into this one belongs to the root now.
        followers = list(Incident.everything.filter(duplicate_of=incident))
        Incident.everything.filter(duplicate_of=incident).update(duplicate_of=root)
        for each in [incident, *followers]:
            _repoint(each, root, actor, now)
    incident.refresh_from_db()
    return incident


def unmerge_incident(*, incident: Incident, reason: str, actor: Actor, now: datetime) -> Incident:
    """It is an incident of its own after all: from DUPLICATE to OPEN, with a reason."""
    with transaction.atomic():
        reopen_incident(incident=incident, reason=reason, actor=actor, now=now)
        _end_links(incident, now)
    return incident


def _repoint(incident: Incident, root: Incident, actor: Actor, now: datetime) -> None:
    _end_links(incident, now)
    link(
        tenant_id=incident.tenant_id,
        source=topology.place(incident=incident, now=now),
        target=topology.place(incident=root, now=now),
        kind=Edge.Kind.DUPLICATE_OF,
        actor=actor,
        now=now,
    )


def _end_links(incident: Incident, now: datetime) -> None:
    for edge in Edge.objects.filter(source__ref=incident.ref, kind=Edge.Kind.DUPLICATE_OF, ended_at=None):
        unlink(edge=edge, now=now)
