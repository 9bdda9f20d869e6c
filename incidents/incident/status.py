"""Verbs that move an incident's status, each by compare-and-set (docs/decisions/0007)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import DateTimeField, F, Max, Value
from django.db.models.functions import Coalesce

from conductor.engine.lifecycle.starting import start_run
from conductor.lib.errors import Invalid
from conductor.tenancy.actors import Actor, require
from incidents.followups.ticket_state import Subject
from incidents.followups.ticket_sync import carry_to_tickets
from incidents.incident.transition_check import Passed, Wish, check, clean_wish
from incidents.models.choices import OVER, EventKind, Status
from incidents.models.history import StatusTransition
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment
from incidents.record import topology
from incidents.record.follow_up_runs import keep_watching
from incidents.record.moves import Move, find_move
from incidents.record.refusals import (
    IncidentAlreadyResolved,
    IncidentChanged,
    IncidentIsHistory,
    IncidentMoved,
    KeyInUse,
    TransitionNotAllowed,
)
from incidents.record.writer import Entry, write
from incidents.response.roles import meter_interval

POSTMORTEM_WORKFLOW = "incidents.postmortem_draft"
DRAFTED_AT = frozenset({Status.MITIGATED, Status.RESOLVED})

_ACTIONS = {
    Status.OPEN: "incident.reopened",
    Status.DECLINED: "incident.declined",
    Status.CANCELED: "incident.canceled",
    Status.DUPLICATE: "incident.merged",
    Status.MITIGATED: "incident.mitigated",
    Status.MONITORING: "incident.monitoring_started",
    Status.RESOLVED: "incident.resolved",
}
_BACK_TO_OPEN = {
    Status.TRIAGE: "incident.accepted",
    Status.DECLINED: "incident.restored",
    Status.CANCELED: "incident.restored",
    Status.DUPLICATE: "incident.unmerged",
}


def move_incident(
    *,
    incident: Incident,
    to: str,
    actor: Actor,
    now: datetime,
    reason: str = "",
    closure: str = "",
    original: Incident | None = None,
    override: str = "",
) -> Incident:
    """Move to any status. The verb behind all that follow, for doors that take the status as a word.

    At that status already: nothing is written. `incident.status` is what the caller saw; when somebody has moved
    it since, raise IncidentMoved, and IncidentChanged when it was classified or hidden anew meanwhile. Raise
    TransitionNotAllowed (IncidentAlreadyResolved) for a pair that does not exist; GuardsNotMet with every reason at
    once where something must be true first; ReasonTooShort, PermissionMissing or PolicyDenied where that alone is
    missing; KeyInUse when reopening beside a live incident of the same key.

    `closure` is one of Closure's words, for declining and canceling. `original` is what a duplicate is merged into.
    `override` is the reason for passing unmet guards; it needs the permission "override_guards" and is shown.
    """
    require(actor=actor, permission="respond")
    if to not in Status.values:
        raise Invalid(fields={"to": [f"Choose one of {', '.join(Status.values)}."]})
    wish = clean_wish(reason=reason, closure=closure, original=original, override=override)
    if incident.is_history:
        raise IncidentIsHistory
    if incident.status == to:
        return _unmoved(incident, to)
    move = find_move(before=incident.status, to=to)
    if move is None:
        raise (IncidentAlreadyResolved if not incident.is_active else TransitionNotAllowed)(incident, to)
    passed = check(incident=incident, move=move, wish=wish, actor=actor, now=now)
    try:
        with transaction.atomic():
            if not _compare_and_set(incident, move, wish, now):
                return _unmoved(incident, to)
            _record(incident, move, passed, actor, now)
    except IntegrityError as error:
        # One live incident per key: reopening is where a second one would appear.
        if (other := Incident.everything.live_for(incident.dedup_key)) is None:
            raise
        raise KeyInUse(incident, other) from error
    incident.refresh_from_db()
    return incident


def accept_incident(
    *, incident: Incident, actor: Actor, now: datetime, reason: str = "", override: str = ""
) -> Incident:
    """It is an incident: from TRIAGE to OPEN. See move_incident."""
    return move_incident(incident=incident, to=Status.OPEN, reason=reason, override=override, actor=actor, now=now)


def decline_incident(*, incident: Incident, closure: str, reason: str, actor: Actor, now: datetime) -> Incident:
    """It never was an incident: from TRIAGE to DECLINED, with a word and a reason. See move_incident."""
    return move_incident(incident=incident, to=Status.DECLINED, closure=closure, reason=reason, actor=actor, now=now)


def cancel_incident(*, incident: Incident, closure: str, reason: str, actor: Actor, now: datetime) -> Incident:
    """It was opened for nothing: from OPEN to CANCELED, with a word and a reason. See move_incident."""
    return move_incident(incident=incident, to=Status.CANCELED, closure=closure, reason=reason, actor=actor, now=now)


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
    """Return the incident if it is at `to` by now, whoever moved it; else raise IncidentMoved or IncidentChanged."""
    seen = incident.status
    incident.refresh_from_db()
    if incident.status != to:
        raise IncidentMoved(incident, seen) if incident.status != seen else IncidentChanged(incident)
    return incident


def _compare_and_set(incident: Incident, move: Move, wish: Wish, now: datetime) -> bool:
    """Move the row if it still is as the caller saw it and the rules were told; return whether it was. Locks the row.

    Severity, visibility and environment too: who may resolve it depends on them.
    """
    reached = {move.to, *move.implies}
    changes: dict[str, Any] = {"status": move.to, "version": F("version") + 1}
    if Status.MITIGATED in reached:
        changes["mitigated_at"] = Coalesce(F("mitigated_at"), Value(now, output_field=DateTimeField()))
    if Status.MONITORING in reached:
        changes["monitoring_at"] = now
    changes["resolved_at"] = now if move.to == Status.RESOLVED else None
    changes["closure"] = wish.closure if move.needs_closure else ""
    changes["duplicate_of"] = wish.original if move.needs_original else None
    as_seen: dict[str, Any] = {
        each: getattr(incident, each) for each in ("id", "status", "severity", "visibility", "environment_id")
    }
    return Incident.objects.filter(**as_seen).update(**changes) == 1


def _record(incident: Incident, move: Move, passed: Passed, actor: Actor, now: datetime) -> None:
    """Write the transitions, entries, receipt and what follows from the move. Needs the incident's row lock."""
    before, path = incident.status, [*move.implies, move.to]
    newest = _append_transitions(incident, before, path, passed, actor, now)
    facts = {"from": before, "to": move.to, "inferred": list(move.implies), **passed.facts}
    write(
        incident=incident,
        action=_action(before, move.to),
        entries=_entries(before, path, passed),
        actor=actor,
        now=now,
        body=facts,
        links=passed.links,
    )
    if move.to in OVER:
        _finish(incident, now)
    if move.to in DRAFTED_AT:
        _draft(incident, newest, move.to, actor, now)
    moved = Incident.objects.get(id=incident.id)
    keep_watching(incident=moved, actor=actor, now=now)
    carry_to_tickets(subject=Subject(moved), actor=actor, now=now)


def _action(before: str, to: Status) -> str:
    if to == Status.OPEN and before in _BACK_TO_OPEN:
        return _BACK_TO_OPEN[Status(before)]
    return _ACTIONS[to]


def _entries(before: str, path: Sequence[Status], passed: Passed) -> list[Entry]:
    entries = []
    if passed.override is not None:
        unmet = [{"guard": each.guard, "why": each.why} for each in passed.answers if not each.met]
        entries.append(Entry(EventKind.GUARD_OVERRIDDEN, passed.wish.override, {"to": path[-1], "guards": unmet}))
    for step, after in zip([before, *path], path, strict=False):
        is_said = after == path[-1]
        kind = EventKind.REOPENED if after == Status.OPEN and step != Status.TRIAGE else EventKind.STATUS_CHANGED
        more = passed.facts_of_entry if is_said else {"inferred": True}
        entries.append(Entry(kind, passed.wish.reason if is_said else "", {"from": step, "to": after, **more}))
    return entries


def _append_transitions(
    incident: Incident, before: str, path: Sequence[Status], passed: Passed, actor: Actor, now: datetime
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
                reason=passed.wish.reason if is_said else "",
                actor=actor.ref,
                actor_name=actor.name,
                occurred_at=now,
                recorded_at=now,
                inferred=not is_said,
                policy_version=passed.policy.version,
                guards=[each.as_json() for each in passed.answers] if is_said else [],
                override=passed.override if is_said else None,
            )
        )
        before = after
    StatusTransition.objects.bulk_create(rows)
    return rows[-1].seq


def _finish(incident: Incident, now: datetime) -> None:
    """Meter those who hold roles until now."""
    for assignment in RoleAssignment.objects.filter(incident=incident, ended_at=None):
        meter_interval(incident=incident, assignment=assignment, until=now)


def _draft(incident: Incident, transition_seq: int, to: Status, actor: Actor, now: datetime) -> None:
    """Have the postmortem drafted: early, while people remember, and for good once it is over."""
    run = start_run(
        tenant_id=incident.tenant_id,
        workflow=POSTMORTEM_WORKFLOW,
        input={"incident_id": str(incident.id)},
        actor=actor,
        now=now,
        subject=incident.ref,
        environment_id=incident.environment_id,
        dedup_key=f"{incident.id}:{to.lower()}:{transition_seq}",
    )
    topology.link_run(incident=incident, run=run, actor=actor, now=now)
