"""Every pair of statuses has an answer, and history is kept whatever happens to the status."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from conductor.engine.models import Run
from conductor.ledger.models import Receipt
from conductor.lib.errors import Invalid
from conductor.metering.models import MeterEvent
from conductor.policy.decisions import Decision, PolicyDenied, citation_of
from conductor.policy.models import PolicyDecision
from conductor.tenancy.actors import Actor, PermissionMissing
from incidents.incident.status import (
    mitigate_incident,
    move_incident,
    reopen_incident,
    resolve_incident,
    start_monitoring,
)
from incidents.models.choices import SIDE_EXITS, STEPS, EventKind, Kind, Question, Severity, Status
from incidents.models.history import StatusTransition, TimelineEvent
from incidents.models.incident import Incident
from incidents.record.moves import MOVES, find_move
from incidents.record.refusals import (
    GuardsNotMet,
    IncidentAlreadyResolved,
    IncidentIsHistory,
    IncidentMoved,
    ReasonTooShort,
    TransitionNotAllowed,
)
from incidents.response.policy import policy_in_force
from incidents.response.roles import assign_role
from incidents.timeline.lifecycle import post_update

AtStatus = Callable[..., Incident]
REASON = "The error rate is climbing again."

FORWARD, BACK, ASIDE, MERGE, REFUSED, BY_POLICY, SAME = (
    "forward", "back", "aside", "merge", "refused", "by policy", "same",
)  # fmt: skip
COLUMNS = ("TRIAGE", "OPEN", "MITIGATED", "MONITORING", "RESOLVED", "DECLINED", "CANCELED", "DUPLICATE")
MATRIX = {
    "TRIAGE": (SAME, FORWARD, REFUSED, REFUSED, REFUSED, ASIDE, REFUSED, MERGE),
    "OPEN": (REFUSED, SAME, FORWARD, FORWARD, BY_POLICY, REFUSED, ASIDE, MERGE),
    "MITIGATED": (REFUSED, BACK, SAME, FORWARD, FORWARD, REFUSED, REFUSED, MERGE),
    "MONITORING": (REFUSED, BACK, BACK, SAME, FORWARD, REFUSED, REFUSED, MERGE),
    "RESOLVED": (REFUSED, BACK, REFUSED, REFUSED, SAME, REFUSED, REFUSED, REFUSED),
    "DECLINED": (REFUSED, BACK, REFUSED, REFUSED, REFUSED, SAME, REFUSED, REFUSED),
    "CANCELED": (REFUSED, BACK, REFUSED, REFUSED, REFUSED, REFUSED, SAME, REFUSED),
    "DUPLICATE": (REFUSED, BACK, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, SAME),
}
ANSWERS = {
    (before, after): answer
    for before, row in MATRIX.items()
    for after, answer in zip(COLUMNS, row, strict=True)
}  # fmt: skip


def rows(incident: Incident) -> tuple[int, int, int, int]:
    """What a move writes, counted."""
    return (
        StatusTransition.objects.filter(incident=incident).count(),
        TimelineEvent.objects.filter(incident=incident).count(),
        Receipt.objects.filter(subject=incident.ref).count(),
        Run.objects.filter(subject=incident.ref).count(),
    )


def test_the_matrix_below_has_every_pair() -> None:
    assert set(ANSWERS) == {(before, after) for before in Status.values for after in Status.values}
    assert set(MOVES) == set(Status)
    assert all(move.to != before for before, moves in MOVES.items() for move in moves)


@pytest.mark.parametrize(("before", "after"), ANSWERS)
def test_transition_matrix_exhaustive(
    at_status: AtStatus, declare: AtStatus, commander: Actor, now: datetime, before: str, after: str
) -> None:
    incident, answer = at_status(before), ANSWERS[before, after]
    original = declare(title="Another") if answer == MERGE else None
    written = rows(incident)

    match answer:
        case "refused":
            with pytest.raises(TransitionNotAllowed) as refused:
                move_incident(incident=incident, to=after, reason=REASON, actor=commander, now=now)
            assert refused.value.allowed == [move.to for move in MOVES[Status(before)]]
            assert refused.value.status == 409
        case "by policy":
            with pytest.raises(PolicyDenied) as denied:
                move_incident(incident=incident, to=after, reason=REASON, actor=commander, now=now)
            assert denied.value.decision.codes == ["incident_not_mitigated"]
        case "same":
            move_incident(incident=incident, to=after, actor=commander, now=now)
        case "back":
            with pytest.raises(ReasonTooShort):
                move_incident(incident=incident, to=after, reason="too short", actor=commander, now=now)
            assert rows(incident) == written
            move_incident(incident=incident, to=after, reason=REASON, actor=commander, now=now)
        case "aside":
            with pytest.raises(GuardsNotMet) as lacking:
                move_incident(incident=incident, to=after, actor=commander, now=now)
            assert [each["guard"] for each in lacking.value.unmet] == ["reason", "closure"]
            assert rows(incident) == written
            move_incident(incident=incident, to=after, reason=REASON, closure="TEST", actor=commander, now=now)
        case "merge":
            with pytest.raises(GuardsNotMet) as lacking:
                move_incident(incident=incident, to=after, actor=commander, now=now)
            assert [each["guard"] for each in lacking.value.unmet] == ["original"]
            move_incident(incident=incident, to=after, original=original, actor=commander, now=now)
        case "forward":
            move_incident(incident=incident, to=after, actor=commander, now=now)

    moved = answer in {FORWARD, BACK, ASIDE, MERGE}
    assert Incident.objects.get(id=incident.id).status == (after if moved else before)
    assert (rows(incident) != written) is moved


def test_all_four_verbs_move(at_status: AtStatus, commander: Actor, now: datetime) -> None:
    incident = at_status("OPEN")

    assert mitigate_incident(incident=incident, actor=commander, now=now).status == "MITIGATED"
    assert start_monitoring(incident=incident, actor=commander, now=now).status == "MONITORING"
    assert resolve_incident(incident=incident, actor=commander, now=now).status == "RESOLVED"
    assert reopen_incident(incident=incident, reason=REASON, actor=commander, now=now).status == "OPEN"


def test_a_resolved_incident_says_how_to_go_on(at_status: AtStatus, commander: Actor, now: datetime) -> None:
    incident = at_status("RESOLVED")

    with pytest.raises(IncidentAlreadyResolved) as refused:
        mitigate_incident(incident=incident, actor=commander, now=now)

    assert refused.value.code == "incident_already_resolved"
    assert "Reopen it first" in refused.value.detail
    assert refused.value.fields == {"to": ["Not allowed from RESOLVED. Allowed: OPEN."]}


def test_a_status_that_does_not_exist_is_named(incident: Incident, commander: Actor, now: datetime) -> None:
    with pytest.raises(Invalid) as refused:
        move_incident(incident=incident, to="CLOSED", actor=commander, now=now)

    assert refused.value.fields["to"] == [f"Choose one of {', '.join(Status.values)}."]


def test_monitoring_from_open_implies_mitigation_and_says_that_nobody_said_so(
    incident: Incident, commander: Actor, now: datetime
) -> None:
    later = now + timedelta(minutes=9)

    start_monitoring(incident=incident, actor=commander, now=later)

    path = StatusTransition.objects.filter(incident=incident).values_list("from_status", "to_status", "inferred")
    assert list(path) == [("", "OPEN", False), ("OPEN", "MITIGATED", True), ("MITIGATED", "MONITORING", False)]
    said = TimelineEvent.objects.filter(incident=incident, kind=EventKind.STATUS_CHANGED).order_by("seq")
    assert [event.data for event in said] == [
        {"from": "OPEN", "to": "MITIGATED", "inferred": True},
        {"from": "MITIGATED", "to": "MONITORING"},
    ]
    assert (incident.mitigated_at, incident.monitoring_at) == (later, later)


def test_the_short_way_to_resolved_implies_mitigation_where_the_rules_let_it_through(
    incident: Incident, commander: Actor, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = Decision(allow=True, reasons=[], codes=[], record=None)
    monkeypatch.setattr("incidents.incident.transition_check.require_policy", lambda **asked: allowed)

    resolve_incident(incident=incident, actor=commander, now=now)

    path = StatusTransition.objects.filter(incident=incident).values_list("to_status", "inferred")
    assert list(path) == [("OPEN", False), ("MITIGATED", True), ("RESOLVED", False)]
    assert incident.monitoring_at is None


def test_reopen_keeps_history_and_metrics(at_status: AtStatus, commander: Actor, now: datetime) -> None:
    incident = at_status("RESOLVED")
    first = {"mitigated_at": incident.mitigated_at, "monitoring_at": incident.monitoring_at}
    before = list(StatusTransition.objects.filter(incident=incident).values())
    later = now + timedelta(hours=1)

    reopen_incident(incident=incident, reason=REASON, actor=commander, now=later)
    mitigate_incident(incident=incident, actor=commander, now=later + timedelta(hours=1))
    resolve_incident(incident=incident, actor=commander, now=later + timedelta(hours=2))

    assert list(StatusTransition.objects.filter(incident=incident).values())[: len(before)] == before
    assert incident.mitigated_at == first["mitigated_at"]
    assert incident.monitoring_at == first["monitoring_at"]
    assert incident.resolved_at == later + timedelta(hours=2)
    seqs = list(StatusTransition.objects.filter(incident=incident).values_list("seq", flat=True))
    assert seqs == list(range(1, len(seqs) + 1))


def test_reopening_forgets_when_it_was_resolved_until_it_is_again(
    at_status: AtStatus, commander: Actor, now: datetime
) -> None:
    incident = at_status("RESOLVED")

    reopen_incident(incident=incident, reason=REASON, actor=commander, now=now)

    assert incident.resolved_at is None
    event = TimelineEvent.objects.filter(incident=incident).latest("seq")
    assert (event.kind, event.body) == (EventKind.REOPENED, REASON)


def test_whoever_looks_at_an_old_status_is_told(incident: Incident, commander: Actor, now: datetime) -> None:
    seen = Incident.objects.get(id=incident.id)
    mitigate_incident(incident=incident, actor=commander, now=now)
    written = rows(incident)

    with pytest.raises(IncidentMoved) as refused:
        start_monitoring(incident=seen, actor=commander, now=now)

    assert refused.value.code == "incident_moved"
    assert "was Open when you looked and is Mitigated now" in refused.value.detail
    assert rows(incident) == written


def test_two_who_say_the_same_are_both_right_and_one_is_written(
    incident: Incident, commander: Actor, now: datetime
) -> None:
    seen = Incident.objects.get(id=incident.id)
    mitigate_incident(incident=incident, actor=commander, now=now)
    written = rows(incident)

    assert mitigate_incident(incident=seen, actor=commander, now=now).status == "MITIGATED"

    assert rows(incident) == written


QUESTIONS = " ".join(str(each.label) for each in Question)


def test_resolving_asks_policy_and_the_receipt_names_the_answer(
    at_status: AtStatus, commander: Actor, now: datetime
) -> None:
    incident = at_status("MONITORING", severity="SEV1")

    resolve_incident(incident=incident, actor=commander, now=now)

    decision = PolicyDecision.objects.get(action="incidents.resolve", subject=incident.ref)
    receipt = Receipt.objects.get(action="incidents.incident.resolved", subject=incident.ref)
    assert decision.allow
    assert receipt.links == [f"conductor.policy_decision:{decision.id}"]
    vouched = receipt.body.pop("entries")
    assert [each["kind"] for each in vouched] == ["status.changed"]
    assert receipt.body == {
        "incident": incident.code,
        "from": "MONITORING",
        "to": "RESOLVED",
        "inferred": [],
        "reason": "",
        "guards": [
            {"guard": "blocking_tasks_closed", "met": True, "why": "", "empty": "There was no blocking task."},
            {"guard": "reporting_decided", "met": True, "why": "", "empty": f"Nobody has answered: {QUESTIONS}"},
            {"guard": "update_posted", "met": True, "why": ""},
        ],
        "policy_version": 0,
        "policy_digest": policy_in_force().digest,
        "decision": citation_of(decision),
    }


def test_a_responder_resolves_a_sev1_only_as_its_commander(
    at_status: AtStatus, responder: Actor, commander: Actor, now: datetime, ben: object
) -> None:
    incident = at_status("MITIGATED", severity="SEV1")

    with pytest.raises(PolicyDenied) as denied:
        resolve_incident(incident=incident, actor=responder, now=now)
    assert denied.value.decision.codes == ["commander_required"]
    assert not PolicyDecision.objects.get(action="incidents.resolve", subject=incident.ref).allow
    assign_role(incident=incident, role="COMMANDER", user=ben, actor=commander, now=now)  # type: ignore[arg-type]

    assert resolve_incident(incident=incident, actor=responder, now=now).status == "RESOLVED"


def test_all_reasons_against_resolving_come_at_once(
    declare: Callable[..., Incident], responder: Actor, now: datetime
) -> None:
    incident = declare(severity="SEV1")

    with pytest.raises(GuardsNotMet) as refused:
        resolve_incident(incident=incident, actor=responder, now=now)

    assert [each["guard"] for each in refused.value.unmet] == [
        "update_posted",
        "commander_required",
        "incident_not_acknowledged",
        "incident_not_mitigated",
    ]
    assert refused.value.fields["update_posted"] == ["Nobody has posted an update. Post one that says where it stands."]


def test_an_auditor_moves_nothing(incident: Incident, cleo: object, actor: Callable[..., Actor], now: datetime) -> None:
    with pytest.raises(PermissionMissing):
        mitigate_incident(incident=incident, actor=actor(cleo), now=now)

    assert Incident.objects.get(id=incident.id).status == "OPEN"


def test_each_mitigation_and_each_resolution_has_a_postmortem_drafted(
    at_status: AtStatus, commander: Actor, now: datetime
) -> None:
    incident = at_status("RESOLVED")
    runs = Run.objects.filter(workflow="incidents.postmortem_draft", subject=incident.ref)
    assert runs.count() == 2

    reopen_incident(incident=incident, reason=REASON, actor=commander, now=now)
    mitigate_incident(incident=incident, actor=commander, now=now)
    resolve_incident(incident=incident, actor=commander, now=now)

    assert runs.count() == 4
    assert set(runs.values_list("priority", flat=True)) == {Run.Priority.INCIDENT}


def test_resolving_meters_the_time_of_those_who_hold_roles(
    at_status: AtStatus, commander: Actor, cora: object, now: datetime
) -> None:
    incident = at_status("MITIGATED")
    assign_role(incident=incident, role="COMMANDER", user=cora, actor=commander, now=now)  # type: ignore[arg-type]

    resolve_incident(incident=incident, actor=commander, now=now + timedelta(minutes=10))

    metered = MeterEvent.objects.filter(meter="incidents.role_seconds", subject=incident.ref)
    assert [event.quantity for event in metered] == [600]


def test_reopened_time_is_metered_apart_and_the_pause_is_not(
    at_status: AtStatus, commander: Actor, cora: object, now: datetime
) -> None:
    incident = at_status("MITIGATED")
    assign_role(incident=incident, role="COMMANDER", user=cora, actor=commander, now=now)  # type: ignore[arg-type]
    resolve_incident(incident=incident, actor=commander, now=now + timedelta(minutes=10))

    reopen_incident(incident=incident, reason=REASON, actor=commander, now=now + timedelta(hours=5))
    mitigate_incident(incident=incident, actor=commander, now=now + timedelta(hours=5))
    resolve_incident(incident=incident, actor=commander, now=now + timedelta(hours=5, minutes=3))

    metered = MeterEvent.objects.filter(meter="incidents.role_seconds", subject=incident.ref).order_by("at")
    assert [event.quantity for event in metered] == [600, 180]


def test_a_reason_is_kept_with_the_move(incident: Incident, commander: Actor, now: datetime) -> None:
    mitigate_incident(incident=incident, reason=" Rolled back \r\nto 4.17. \x00", actor=commander, now=now)

    assert StatusTransition.objects.get(incident=incident, seq=2).reason == "Rolled back \nto 4.17."


def test_timeline_numbers_have_no_gaps(at_status: AtStatus, commander: Actor, now: datetime) -> None:
    incident = at_status("MITIGATED")
    post_update(incident=incident, text="Watching.", actor=commander, now=now)
    resolve_incident(incident=incident, actor=commander, now=now)

    seqs = list(TimelineEvent.objects.filter(incident=incident).order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, len(seqs) + 1))
    receipts = set(Receipt.objects.filter(subject=incident.ref).values_list("id", flat=True))
    assert set(TimelineEvent.objects.filter(incident=incident).values_list("receipt_id", flat=True)) <= receipts


def test_history_is_not_moved(incident: Incident, commander: Actor, now: datetime) -> None:
    Incident.objects.filter(id=incident.id).update(kind=Kind.IMPORTED)
    incident.refresh_from_db()

    with pytest.raises(IncidentIsHistory):
        mitigate_incident(incident=incident, actor=commander, now=now)


def test_every_move_backwards_needs_a_reason() -> None:
    order = [Status.TRIAGE, *STEPS, *SIDE_EXITS]
    for before in Status:
        for after in STEPS:
            move = find_move(before=before, to=after)
            if move is not None:
                assert move.needs_reason is (order.index(after) < order.index(before))


def test_severities_are_ordered_by_their_words() -> None:
    assert sorted(Severity.values) == Severity.values
