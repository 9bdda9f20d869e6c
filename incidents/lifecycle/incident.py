"""Verbs on an incident itself: declare, classify, acknowledge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from conductor.engine.lifecycle import start_run
from conductor.lib.ids import uuid7
from conductor.lib.refs import ref
from conductor.policy.decisions import Decision
from conductor.policy.decisions import require as require_policy
from conductor.tenancy.actors import Actor, require
from conductor.tenancy.models import Environment
from conductor.tenancy.numbers import next_number
from incidents.lifecycle import topology
from incidents.lifecycle.refusals import IncidentAlreadyResolved, NotAResponder, ReasonTooShort
from incidents.lifecycle.role import acknowledge_silently, assume
from incidents.lifecycle.words import Complaints
from incidents.lifecycle.writing import Entry, lock, touch, write
from incidents.models import EventKind, Incident, Kind, Role, Severity, Status, StatusTransition

if TYPE_CHECKING:
    from django.contrib.auth.models import User

DECLARED_WORKFLOW = "incidents.declared"


@dataclass(frozen=True)
class _Declaration:
    """What was asked for, cleaned."""

    tenant_id: UUID
    title: str
    summary: str
    severity: str
    kind: str
    environment: Environment | None
    service: str
    dedup_key: str
    detected_at: datetime | None
    status: str


def declare_incident(
    *,
    tenant_id: UUID,
    title: str,
    severity: str,
    actor: Actor,
    now: datetime,
    summary: str = "",
    environment: Environment | None = None,
    service: str = "",
    dedup_key: str = "",
    kind: str = Kind.REAL,
    detected_at: datetime | None = None,
    take_command: bool = False,
    triage: bool = False,
) -> tuple[Incident, bool]:
    """Declare an incident and start its workflow; return it and True. With `triage` it waits to be accepted first.

    While an incident with the same `dedup_key` is unresolved, return that one and False: nothing is written then,
    however many declare at once. Raise Invalid naming every field at fault, PolicyDenied, or NotAResponder when
    `take_command` is asked for by a program.
    """
    require(actor=actor, permission="respond")
    asked = _clean(
        tenant_id=tenant_id,
        title=title,
        severity=severity,
        summary=summary,
        environment=environment,
        service=service,
        dedup_key=dedup_key,
        kind=kind,
        detected_at=detected_at,
        triage=triage,
    )
    commander = _commander(actor) if take_command else None
    if found := Incident.objects.live_for(asked.dedup_key):
        return found, False
    incident_id = uuid7()
    decision = _ask_policy(incident_id, asked, actor, now)
    try:
        with transaction.atomic():
            incident = _insert(incident_id, asked, actor, decision, now)
            if commander is not None:
                assume(incident=incident, role=Role.COMMANDER, user=commander, actor=actor, now=now)
                acknowledge_silently(incident=incident, actor=actor, now=now)
            _start_workflow(incident, actor, now)
    except IntegrityError:
        # Only the key can clash, numbers are given out under a lock. Whoever was first has committed by now, and
        # the number that was taken here went back with the savepoint.
        if (found := Incident.objects.live_for(asked.dedup_key)) is None:
            raise
        return found, False
    incident.refresh_from_db()
    return incident, True


def classify_incident(
    *,
    incident: Incident,
    actor: Actor,
    now: datetime,
    severity: str | None = None,
    incident_type: str | None = None,
    service: str | None = None,
    reason: str = "",
) -> Incident:
    """Change what is given and differs, one timeline entry for each; with no difference nothing is written.

    Lowering the severity needs a reason.
    """
    require(actor=actor, permission="respond")
    complaints = Complaints()
    wanted: dict[str, str] = {}
    if severity is not None:
        wanted["severity"] = complaints.choice("severity", severity, Severity)
    if incident_type is not None:
        wanted["incident_type"] = complaints.line("incident_type", incident_type, most=40)
    if service is not None:
        wanted["service"] = complaints.line("service", service)
    reason = complaints.text("reason", reason)
    complaints.refuse()
    with transaction.atomic():
        locked = lock(incident)
        changes = {name: value for name, value in wanted.items() if getattr(locked, name) != value}
        if changes:
            _require_reason_to_lower(locked, changes, reason)
            _reclassify(locked, changes, reason, actor, now)
    incident.refresh_from_db()
    return incident


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


_TYPES = {
    "severity": EventKind.SEVERITY_CHANGED,
    "incident_type": EventKind.TYPE_CHANGED,
    "service": EventKind.SERVICE_CHANGED,
}


def _clean(
    *,
    tenant_id: UUID,
    title: str,
    severity: str,
    summary: str,
    environment: Environment | None,
    service: str,
    dedup_key: str,
    kind: str,
    detected_at: datetime | None,
    triage: bool,
) -> _Declaration:
    complaints = Complaints()
    if kind == Kind.IMPORTED or kind not in Kind.values:
        complaints.add("kind", f"Choose {Kind.REAL.value} or {Kind.PRACTICE.value}.")
    if detected_at is not None and detected_at.tzinfo is None:
        complaints.add("detected_at", "Name the time zone.")
    declaration = _Declaration(
        tenant_id=tenant_id,
        title=complaints.line("title", title, required=True),
        summary=complaints.text("summary", summary),
        severity=complaints.choice("severity", severity, Severity),
        kind=kind,
        environment=environment,
        service=complaints.line("service", service),
        dedup_key=complaints.line("dedup_key", dedup_key, most=300),
        detected_at=detected_at,
        status=Status.TRIAGE if triage else Status.OPEN,
    )
    complaints.refuse()
    return declaration


def _commander(actor: Actor) -> User:
    user_id = topology.user_of(actor.ref)
    if user_id is None:
        raise NotAResponder(f"{actor.name} is not a person and cannot command.")
    found: User = get_user_model().objects.get(pk=user_id)
    return found


def _ask_policy(incident_id: UUID, asked: _Declaration, actor: Actor, now: datetime) -> Decision:
    return require_policy(
        action="incidents.declare",
        actor=actor,
        resource={
            "ref": ref("incidents.incident", incident_id),
            "tenant": asked.tenant_id,
            "severity": asked.severity,
            "incident_kind": asked.kind,
            "environment": asked.environment.slug if asked.environment else "",
            "visibility": "NORMAL",
            "owner": actor.ref,
            "service": asked.service,
        },
        context={},
        tenant_id=asked.tenant_id,
        now=now,
    )


def _insert(incident_id: UUID, asked: _Declaration, actor: Actor, decision: Decision, now: datetime) -> Incident:
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
    }
    write(
        incident=incident,
        action="incident.declared",
        entries=[Entry(EventKind.DECLARED, asked.summary, facts)],
        actor=actor,
        now=now,
        body={**facts, "title": asked.title, "decision": decision.citation},
        links=[*_decision_ref(decision), *([ref("conductor.node", resource.id)] if resource else [])],
    )
    return incident


def _decision_ref(decision: Decision) -> list[str]:
    return [ref("conductor.policy_decision", decision.record.id)] if decision.record else []


def _start_workflow(incident: Incident, actor: Actor, now: datetime) -> None:
    run = start_run(
        tenant_id=incident.tenant_id,
        workflow=DECLARED_WORKFLOW,
        input={"incident_id": str(incident.id)},
        actor=actor,
        now=now,
        subject=incident.ref,
        environment_id=incident.environment_id,
        dedup_key=f"{incident.id}:declared",
    )
    topology.link_run(incident=incident, run=run, actor=actor, now=now)


def _require_reason_to_lower(incident: Incident, changes: dict[str, str], reason: str) -> None:
    # SEV1 is the worst, so a later word is a lower severity.
    if changes.get("severity", "") > incident.severity and not reason:
        raise ReasonTooShort(
            f"Say why {incident.code} is less severe than it seemed.",
            fields={"reason": ["Needed to lower a severity."]},
        )


def _reclassify(incident: Incident, changes: dict[str, str], reason: str, actor: Actor, now: datetime) -> None:
    entries = []
    body: dict[str, Any] = {"reason": reason}
    for name, value in changes.items():
        body[name] = {"from": getattr(incident, name), "to": value}
        entries.append(Entry(_TYPES[name], reason, body[name]))
    if "service" in changes:
        topology.unlink_service(incident=incident, now=now)
    touch(incident, **changes)
    incident.refresh_from_db()
    if "service" in changes:
        topology.link_service(incident=incident, actor=actor, now=now)
    else:
        topology.place(incident=incident, now=now)
    write(incident=incident, action="incident.classified", entries=entries, actor=actor, now=now, body=body)
