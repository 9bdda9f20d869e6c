"""Verbs on reporting obligations: they are armed by facts, decided by people, and filed with what was submitted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction

from conductor.lib.clock import rfc3339
from conductor.lib.errors import Conflict, Invalid
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, require
from incidents.models.choices import EventKind, Question, Reply
from incidents.models.incident import Incident
from incidents.models.obligation import Obligation, ReportingMoment
from incidents.record.follow_up_runs import keep_deadlines
from incidents.record.input_cleaning import Complaints, check_moment
from incidents.record.moves import REASON_CHARACTERS
from incidents.record.writer import Entry, lock, touch, write
from incidents.reporting.due_dates import due
from incidents.reporting.rules import ANCHORS, FILED, Anchor, Rule, as_json, rules_in_force

State = Obligation.State


class NothingToDecide(Conflict):
    """No duty of this regime is armed for the incident."""

    code = "obligation_not_armed"


class NotApplicable(Conflict):
    """This duty is not running: decide first that it applies."""

    code = "obligation_not_running"


def sync_obligations(*, incident: Incident, actor: Actor, now: datetime) -> list[Obligation]:
    """Arm what the incident's facts ask for, and reopen decisions whose facts have changed since. Needs the row lock.

    Called by the verbs that change facts, in their transaction. What is armed stays armed: only a person's decision
    lets it go.
    """
    known = {each.rule_key: each for each in Obligation.objects.filter(incident=incident)}
    changed = []
    for rule in rules_in_force():
        if rule.key not in known and (why := _armed_because(rule, incident)):
            changed.append(_arm(incident, rule, why, actor, now))
    reopened = [each for each in known.values() if _is_stale(each, incident)]
    for each in reopened:
        changed.append(_reopen(incident, each, actor, now))
    if changed:
        keep_deadlines(incident=incident, actor=actor, now=now)
    return changed


def assert_reporting_moment(
    *, incident: Incident, key: str, at: datetime, reason: str, actor: Actor, now: datetime
) -> ReportingMoment:
    """Decide when something happened that starts a clock, such as awareness, and say why. Due dates follow.

    It is never taken from an alert's time: who was aware, and when, is a judgement. Needs "decide_reporting".
    """
    require(actor=actor, permission="decide_reporting")
    complaints = Complaints()
    if key not in ANCHORS:
        complaints.add("key", f"Choose one of {', '.join(ANCHORS)}.")
    why = complaints.text("reason", reason, required=True)
    check_moment(complaints, "at", at, now)
    complaints.refuse()
    with transaction.atomic():
        locked = lock(incident)
        row = ReportingMoment.objects.create(
            tenant_id=locked.tenant_id,
            incident=locked,
            key=key,
            at=at,
            reason=why,
            asserted_by=actor.ref,
            asserted_by_name=actor.name,
            recorded_at=now,
        )
        data = {"key": key, "at": rfc3339(at)}
        _say(locked, EventKind.REPORTING_MOMENT, why, data, actor, now)
        _recompute(locked)
        keep_deadlines(incident=locked, actor=actor, now=now)
    incident.refresh_from_db()
    return row


def decide_obligations(
    *, incident: Incident, regime: str, applies: bool, reason: str, actor: Actor, now: datetime
) -> list[Obligation]:
    """Sign whether a regime applies to the incident: all its stages that are not filed, with the facts as they are.

    "Not reportable" rests on those facts; when one of them changes it is asked again. Needs "decide_reporting" and
    a reason. Raise NothingToDecide for a regime that is not armed.
    """
    require(actor=actor, permission="decide_reporting")
    complaints = Complaints()
    why = complaints.text("reason", reason)
    if len(why) < REASON_CHARACTERS:
        complaints.add("reason", f"Say why, in at least {REASON_CHARACTERS} characters.")
    complaints.refuse()
    state = State.APPLICABLE if applies else State.NOT_APPLICABLE
    with transaction.atomic():
        locked = lock(incident)
        found = list(Obligation.objects.filter(incident=locked, regime=regime).exclude(state=State.FILED))
        if not found:
            raise NothingToDecide
        for each in found:
            facts = facts_of(each.rule["facts"], locked)
            Obligation.objects.filter(id=each.id).update(
                state=state,
                decided_by=actor.ref,
                decided_by_name=actor.name,
                decided_at=now,
                decision_reason=why,
                decision_facts=facts,
            )
        data = {"regime": regime, "applies": applies, "facts": facts_of(_all_facts(found), locked)}
        _say(locked, EventKind.OBLIGATION_DECIDED, why, data, actor, now, links=[_ref(each) for each in found])
        _recompute(locked)
        keep_deadlines(incident=locked, actor=actor, now=now)
    incident.refresh_from_db()
    return list(Obligation.objects.filter(incident=incident, regime=regime).order_by("rule_key"))


def file_obligation(
    *,
    obligation: Obligation,
    submitted: bytes,
    reference: str,
    filed_at: datetime,
    actor: Actor,
    now: datetime,
    late_reason: str = "",
) -> Obligation:
    """Record that a stage was filed: when, under which number, and the digest of exactly what was submitted.

    After its due date it needs `late_reason`. Stages whose clock starts with this filing get their due date. Filed
    already: nothing is written. Raise NotApplicable unless it is running.
    """
    require(actor=actor, permission="decide_reporting")
    complaints = Complaints()
    number, late = complaints.line("reference", reference, required=True), complaints.text("late_reason", late_reason)
    check_moment(complaints, "filed_at", filed_at, now)
    if not submitted:
        complaints.add("submitted", "Attach what was submitted.")
    complaints.refuse()
    with transaction.atomic():
        locked = lock(obligation.incident)
        obligation.refresh_from_db()
        if obligation.state == State.FILED:
            return obligation
        if obligation.state != State.APPLICABLE:
            raise NotApplicable
        if obligation.due_at is not None and filed_at > obligation.due_at and not late:
            raise Invalid(
                f"It was due {rfc3339(obligation.due_at)}. Say why it is late.",
                fields={"late_reason": ["Needed after the due date."]},
            )
        digest = hashlib.sha256(submitted).hexdigest()
        Obligation.objects.filter(id=obligation.id).update(
            state=State.FILED,
            filed_at=filed_at,
            filed_by_name=actor.name,
            filing_reference=number,
            filing_digest=digest,
            late_reason=late,
        )
        data = {"rule": obligation.rule_key, "title": obligation.rule["title"], "reference": number, "digest": digest}
        data |= {"late": True} if late else {}
        _say(locked, EventKind.OBLIGATION_FILED, late, data, actor, now, links=[_ref(obligation)])
        _recompute(locked)
        keep_deadlines(incident=locked, actor=actor, now=now)
    obligation.refresh_from_db()
    return obligation


def facts_of(names: Iterable[str], incident: Incident) -> dict[str, Any]:
    """Return the named facts as they are: a question's answer, all answers, severity, impact or service."""
    facts: dict[str, Any] = {}
    for name in names:
        if name == "answers":
            facts |= {question: incident.answers.get(question, "") for question in Question.values}
        elif name in Question.values:
            facts[name] = incident.answers.get(name, "")
        else:
            facts[name] = getattr(incident, name)
    return facts


def _armed_because(rule: Rule, incident: Incident) -> str:
    for question in rule.armed_by:
        reply = incident.answers.get(question, "")
        if reply in (Reply.YES, Reply.UNKNOWN):
            return f"{Question(question).label} {Reply(reply).label}."
    if incident.severity in rule.armed_at_severity:
        return f"The incident is {incident.severity}."
    return ""


def _arm(incident: Incident, rule: Rule, why: str, actor: Actor, now: datetime) -> Obligation:
    found = due(rule, _moments(incident))
    obligation = Obligation.objects.create(
        tenant_id=incident.tenant_id,
        incident=incident,
        rule_key=rule.key,
        rule=as_json(rule),
        regime=rule.regime,
        armed_at=now,
        armed_because=why,
        due_at=found.at,
        running_since=found.since,
        explanation=found.explanation,
    )
    data = {"rule": rule.key, "title": rule.title, "regime": rule.regime, "because": why}
    _say(incident, EventKind.OBLIGATION_ARMED, "", data, actor, now, links=[_ref(obligation)])
    return obligation


def _is_stale(obligation: Obligation, incident: Incident) -> bool:
    return obligation.state == State.NOT_APPLICABLE and obligation.decision_facts != facts_of(
        obligation.rule["facts"], incident
    )


def _reopen(incident: Incident, obligation: Obligation, actor: Actor, now: datetime) -> Obligation:
    facts = facts_of(obligation.rule["facts"], incident)
    changed = sorted(name for name, value in facts.items() if obligation.decision_facts.get(name) != value)
    Obligation.objects.filter(id=obligation.id, state=State.NOT_APPLICABLE).update(state=State.ASSESSING)
    data = {"rule": obligation.rule_key, "title": obligation.rule["title"], "changed": changed}
    _say(incident, EventKind.OBLIGATION_REOPENED, "", data, actor, now, links=[_ref(obligation)])
    obligation.refresh_from_db()
    return obligation


def _recompute(incident: Incident) -> None:
    """Derive every open due date anew from the moments that are known."""
    moments = _moments(incident)
    for each in Obligation.objects.filter(incident=incident).exclude(state=State.FILED):
        found = due(Rule.model_validate(each.rule), moments)
        if (found.at, found.since, found.explanation) != (each.due_at, each.running_since, each.explanation):
            Obligation.objects.filter(id=each.id).update(
                due_at=found.at, running_since=found.since, explanation=found.explanation
            )


def _moments(incident: Incident) -> dict[str, datetime]:
    asserted = ReportingMoment.objects.filter(incident=incident).order_by("recorded_at", "id")
    filed = Obligation.objects.filter(incident=incident, state=State.FILED).values_list("rule_key", "filed_at")
    moments = {Anchor.DECLARATION.value: incident.declared_at}
    moments |= dict(asserted.values_list("key", "at"))
    return moments | {f"{FILED}{key}": at for key, at in filed if at is not None}


def _all_facts(obligations: Iterable[Obligation]) -> list[str]:
    return sorted({name for each in obligations for name in each.rule["facts"]})


def _ref(obligation: Obligation) -> str:
    return ref("incidents.obligation", obligation.id)


def _say(
    incident: Incident,
    kind: EventKind,
    text: str,
    data: dict[str, Any],
    actor: Actor,
    now: datetime,
    links: Iterable[str] = (),
) -> None:
    entry = Entry(kind, text, data)
    write(incident=incident, action=str(kind), entries=[entry], actor=actor, now=now, body=data, links=links)
    touch(incident)
