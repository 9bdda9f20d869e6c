"""Verbs that move an incident's status, each by compare-and-set (docs/decisions/0007)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import DateTimeField, F, Max, Value
from django.db.models.functions import Coalesce

from conductor.engine.lifecycle import start_run
from conductor.lib.errors import Invalid
from conductor.lib.refs import Ref, ref
from conductor.policy.decisions import require as require_policy
from conductor.tenancy.actors import Actor, require
from incidents.lifecycle import topology
from incidents.lifecycle.refusals import (
    IncidentAlreadyResolved,
    IncidentIsHistory,
    IncidentMoved,
    KeyInUse,
    ReasonTooShort,
    TransitionNotAllowed,
)
from incidents.lifecycle.role import holder_of, meter_interval
from incidents.lifecycle.words import Complaints
from incidents.lifecycle.writing import Entry, write
from incidents.models import EventKind, Incident, Role, RoleAssignment, Status, StatusTransition
from incidents.moves import REASON_CHARACTERS, Move, find_move

POSTMORTEM_WORKFLOW = "incidents.postmortem_draft"

_ACTIONS = {
    Status.OPEN: "incident.reopened",
    Status.MITIGATED: "incident.mitigated",
    Status.MONITORING: "incident.monitoring_started",
    Status.RESOLVED: "incident.resolved",
}


def move_incident(*, incident: Incident, to: str, actor: Actor, now: datetime, reason: str = "") -> Incident:
    """Move to any status. The verb behind the four that follow, for doors that take the status as a word.

    At that status already: nothing is written. `incident.status` is what the caller saw; when somebody has moved
    it since, raise IncidentMoved. Raise TransitionNotAllowed (IncidentAlreadyResolved) for a pair that does not
    exist, ReasonTooShort for a move backwards without its reason, KeyInUse when reopening beside a live incident of
    the same key, and PolicyDenied when resolving is not allowed.
    """
    require(actor=actor, permission="respond")
    if to not in Status.values:
        raise Invalid(fields={"to": [f"Choose one of {', '.join(Status.values)}."]})
    complaints = Complaints()
    reason = complaints.text("reason", reason)
    complaints.refuse()
    if incident.is_history:
        raise IncidentIsHistory
    if incident.status == to:
        return _unmoved(incident, to)
    move = _checked_move(incident, to, reason)
    links = _ask_policy(incident, reason, actor, now) if to == Status.RESOLVED else []
    try:
        with transaction.atomic():
            if not _compare_and_set(incident, move, now):
                return _unmoved(incident, to)
            _record(incident, move, reason, actor, now, links)
    except IntegrityError as error:
        # One live incident per key: reopening is where a second one would appear.
        if (other := Incident.objects.live_for(incident.dedup_key)) is None:
            raise
        raise KeyInUse(incident, other) from error
    incident.refresh_from_db()
    return incident


def mitigate_incident(*, incident: Incident, actor: Actor, now: datetime, reason: str = "") -> Incident:
    """The harm has stopped. From MONITORING this goes backwards and needs a reason. See move_incident."""
    return move_incident(incident=incident, to=Status.MITIGATED, reason=reason, actor=actor, now=now)


def start_monitoring(*, incident: Incident, actor: Actor, now: datetime, reason: str = "") -> Incident:
    """It is being watched. From OPEN this implies mitigation, which is recorded as inferred. See move_incident."""
    return move_incident(incident=incident, to=Status.MONITORING, reason=reason, actor=actor, now=now)


def resolve_incident(*, incident: Incident, actor: Actor, now: datetime, reason: str = "") -> Incident:
    """It is over: policy is asked, open roles are metered, the postmortem's draft is started. See move_incident."""
    return move_incident(incident=incident, to=Status.RESOLVED, reason=reason, actor=actor, now=now)


def reopen_incident(*, incident: Incident, reason: str, actor: Actor, now: datetime) -> Incident:
    """It is not over, or not even mitigated. Everything recorded so far stays. See move_incident."""
    return move_incident(incident=incident, to=Status.OPEN, reason=reason, actor=actor, now=now)


def _unmoved(incident: Incident, to: str) -> Incident:
    """Return the incident if it is at `to` by now, whoever moved it; else raise IncidentMoved."""
    seen = incident.status
    incident.refresh_from_db()
    if incident.status != to:
        raise IncidentMoved(incident, seen)
    return incident


def _checked_move(incident: Incident, to: str, reason: str) -> Move:
    move = find_move(before=incident.status, to=to)
    if move is None:
        raise (IncidentAlreadyResolved if not incident.is_active else TransitionNotAllowed)(incident, to)
    if move.needs_reason and len(reason) < REASON_CHARACTERS:
        before, after = Status(incident.status).label, Status(to).label
        raise ReasonTooShort(
            f"Say why {incident.code} goes back from {before} to {after}, in at least {REASON_CHARACTERS} characters.",
            fields={"reason": [f"{len(reason)} of {REASON_CHARACTERS} characters."]},
        )
    return move


def _ask_policy(incident: Incident, reason: str, actor: Actor, now: datetime) -> list[Ref]:
    commander = holder_of(incident=incident, role=Role.COMMANDER)
    decision = require_policy(
        action="incidents.resolve",
        actor=actor,
        resource={
            "ref": incident.ref,
            "tenant": incident.tenant_id,
            "severity": incident.severity,
            "status": incident.status,
            "acknowledged": incident.acknowledged_at is not None,
            "commander": ref("tenancy.user", commander.user_id) if commander else "",
            "incident_kind": incident.kind,
        },
        context={"reason": reason},
        tenant_id=incident.tenant_id,
        now=now,
    )
    return [ref("conductor.policy_decision", decision.record.id)] if decision.record else []


def _compare_and_set(incident: Incident, move: Move, now: datetime) -> bool:
    """Move the row if it still has the status that the caller saw; return whether it had. Takes the row lock."""
    reached = {move.to, *move.implies}
    changes: dict[str, Any] = {"status": move.to, "version": F("version") + 1}
    if Status.MITIGATED in reached:
        changes["mitigated_at"] = Coalesce(F("mitigated_at"), Value(now, output_field=DateTimeField()))
    if Status.MONITORING in reached:
        changes["monitoring_at"] = now
    changes["resolved_at"] = now if move.to == Status.RESOLVED else None
    return Incident.objects.filter(id=incident.id, status=incident.status).update(**changes) == 1


def _record(incident: Incident, move: Move, reason: str, actor: Actor, now: datetime, links: Sequence[Ref]) -> None:
    """Write the transitions, entries, receipt and what follows from the move. Needs the row lock."""
    before = incident.status
    path = [*move.implies, move.to]
    newest = _append_transitions(incident, before, path, reason, actor, now)
    entries = []
    for step, after in zip([before, *path], path, strict=False):
        kind = EventKind.REOPENED if after == Status.OPEN else EventKind.STATUS_CHANGED
        inferred = {"inferred": True} if after != move.to else {}
        entries.append(Entry(kind, "" if inferred else reason, {"from": step, "to": after, **inferred}))
    write(
        incident=incident,
        action=_ACTIONS[move.to],
        entries=entries,
        actor=actor,
        now=now,
        body={"from": before, "to": move.to, "inferred": list(move.implies), "reason": reason},
        links=links,
    )
    if move.to == Status.RESOLVED:
        _finish(incident, newest, actor, now)


def _append_transitions(
    incident: Incident, before: str, path: Sequence[Status], reason: str, actor: Actor, now: datetime
) -> int:
    newest = StatusTransition.objects.filter(incident=incident).aggregate(seq=Max("seq"))["seq"] or 0
    rows = []
    for seq, after in enumerate(path, start=newest + 1):
        is_said = after == path[-1]
        rows.append(
            StatusTransition(
                tenant_id=incident.tenant_id,
                incident=incident,
                seq=seq,
                from_status=before,
                to_status=after,
                reason=reason if is_said else "",
                actor=actor.ref,
                actor_name=actor.name,
                occurred_at=now,
                recorded_at=now,
                inferred=not is_said,
            )
        )
        before = after
    StatusTransition.objects.bulk_create(rows)
    return rows[-1].seq


def _finish(incident: Incident, transition_seq: int, actor: Actor, now: datetime) -> None:
    for assignment in RoleAssignment.objects.filter(incident=incident, ended_at=None):
        meter_interval(incident=incident, assignment=assignment, until=now)
    run = start_run(
        tenant_id=incident.tenant_id,
        workflow=POSTMORTEM_WORKFLOW,
        input={"incident_id": str(incident.id)},
        actor=actor,
        now=now,
        subject=incident.ref,
        environment_id=incident.environment_id,
        dedup_key=f"{incident.id}:resolved:{transition_seq}",
    )
    topology.link_run(incident=incident, run=run, actor=actor, now=now)
