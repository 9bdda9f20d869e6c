"""Verbs on an incident itself: declare and acknowledge."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Unpack
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from conductor.lib.ids import uuid7
from conductor.lib.refs import ref
from conductor.policy.decisions import Decision
from conductor.policy.decisions import require as require_policy
from conductor.tenancy.actors import Actor, require
from conductor.tenancy.database.numbers import next_number
from incidents.incident.declaration import Declaration, MoreOfDeclaration, clean_declaration
from incidents.models.choices import EventKind, Role, Visibility
from incidents.models.history import StatusTransition
from incidents.models.incident import Incident
from incidents.record import topology
from incidents.record.follow_up_runs import start_response
from incidents.record.refusals import IncidentAlreadyResolved, IncidentHidden, NotAResponder
from incidents.record.writer import Entry, lock, write
from incidents.reporting.lifecycle import sync_obligations
from incidents.response.roles import acknowledge_silently, assume

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def declare_incident(
    *,
    tenant_id: UUID,
    title: str,
    actor: Actor,
    now: datetime,
    severity: str = "",
    take_command: bool = False,
    **more: Unpack[MoreOfDeclaration],
) -> tuple[Incident, bool]:
    """Declare an incident and start its workflows; return it and True.

    The severity may be left to `impact` and `urgency`. With `triage` the incident waits to be accepted first. While
    an incident with the same `dedup_key` is active, return that one and False: nothing is written then, however many
    declare at once. Raise Invalid naming every field at fault, PolicyDenied, or NotAResponder when `take_command` is
    asked for by a program.
    """
    require(actor=actor, permission="respond")
    asked = clean_declaration(tenant_id=tenant_id, title=title, severity=severity, **more)
    commander = _commander(actor) if take_command else None
    if found := _live(asked.dedup_key):
        return found, False
    incident_id = uuid7()
    decision = _ask_policy(incident_id, asked, actor, now)
    try:
        with transaction.atomic():
            incident = _insert(incident_id, asked, actor, decision, now)
            if commander is not None:
                assume(incident=incident, role=Role.COMMANDER, user=commander, actor=actor, now=now)
                acknowledge_silently(incident=incident, actor=actor, now=now)
            sync_obligations(incident=incident, actor=actor, now=now)
            start_response(incident=incident, actor=actor, now=now)
    except IntegrityError:
        # Only the key can clash, numbers are given out under a lock. Whoever was first has committed by now, and
        # the number that was taken here went back with the savepoint.
        if (found := _live(asked.dedup_key)) is None:
            raise
        return found, False
    incident.refresh_from_db()
    return incident, True


def _live(dedup_key: str) -> Incident | None:
    """Return what is live for the key; raise IncidentHidden where whoever looks may not see it."""
    found = Incident.everything.live_for(dedup_key)
    if found is not None and found.is_private and not Incident.objects.filter(id=found.id).exists():
        raise IncidentHidden
    return found


def acknowledge_incident(*, incident: Incident, actor: Actor, now: datetime, take_command: bool = False) -> Incident:
    """Record that somebody has seen it; with `take_command`, make them the commander if there is none.

    Acknowledged already: nothing is written. Raise IncidentAlreadyResolved when it is over.
    """
    require(actor=actor, permission="respond")
    commander = _commander(actor) if take_command else None
    with transaction.atomic():
        locked = lock(incident)
        if locked.acknowledged_at is None and not locked.is_active:
            raise IncidentAlreadyResolved(locked, locked.status)
        acknowledge_silently(incident=locked, actor=actor, now=now)
        is_vacant = not locked.roles.filter(role=Role.COMMANDER, ended_at=None).exists()
        if commander is not None and is_vacant:
            assume(incident=locked, role=Role.COMMANDER, user=commander, actor=actor, now=now)
    incident.refresh_from_db()
    return incident


def _commander(actor: Actor) -> User:
    user_id = topology.user_of(actor.ref)
    if user_id is None:
        raise NotAResponder(f"{actor.name} is not a person and cannot command.")
    found: User = get_user_model().objects.get(pk=user_id)
    return found


def _ask_policy(incident_id: UUID, asked: Declaration, actor: Actor, now: datetime) -> Decision:
    return require_policy(
        action="incidents.declare",
        actor=actor,
        resource={
            "ref": ref("incidents.incident", incident_id),
            "tenant": asked.tenant_id,
            "severity": asked.severity,
            "incident_kind": asked.kind,
            "environment": asked.environment.slug if asked.environment else "",
            "visibility": asked.visibility,
            "owner": actor.ref,
            "service": "" if asked.visibility == Visibility.PRIVATE else asked.service,
        },
        context={},
        tenant_id=asked.tenant_id,
        now=now,
    )


def _insert(incident_id: UUID, asked: Declaration, actor: Actor, decision: Decision, now: datetime) -> Incident:
    incident = Incident.objects.create(
        id=incident_id,
        **vars(asked),
        number=next_number(tenant_id=asked.tenant_id, series="incident"),
        origin=actor.channel,
        declared_by=actor.ref,
        declared_by_name=actor.name,
        declared_at=now,
        recorded_at=now,
    )
    StatusTransition.objects.create(
        tenant_id=asked.tenant_id,
        incident=incident,
        seq=1,
        to_status=asked.status,
        actor=actor.ref,
        actor_name=actor.name,
        occurred_at=now,
        recorded_at=now,
    )
    resource = topology.link_service(incident=incident, actor=actor, now=now)
    facts = {
        "severity": asked.severity,
        "kind": asked.kind,
        "service": asked.service,
        "environment": asked.environment.slug if asked.environment else "",
        "origin": actor.channel,
        **asked.facts,
    }
    # The chain holds the title and the first status too, so that neither can be rewritten on the row alone.
    chained = {**facts, "title": asked.title, "status": asked.status, "visibility": asked.visibility}
    write(
        incident=incident,
        action="incident.declared",
        entries=[Entry(EventKind.DECLARED, asked.summary, chained)],
        actor=actor,
        now=now,
        body={**facts, "title": asked.title, "decision": decision.citation},
        links=[*_decision_ref(decision), *([ref("conductor.node", resource.id)] if resource else [])],
    )
    return incident


def _decision_ref(decision: Decision) -> list[str]:
    return [ref("conductor.policy_decision", decision.record.id)] if decision.record else []
