"""What an incident's record shows, check by check: nothing passes on what nobody wrote, answered or decided."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from evidence.bundles.findings import EXCEPTION, NOT_CHECKED, PASS, Finding, conclusion_of
from evidence.workflows.incident.findings import findings_of
from incidents.integrity.proof import entry_as_json
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.postmortem.draft.written import SILENT, UNWRITTEN
from incidents.record.chain import chained

BEGAN = datetime(2026, 11, 20, 10, tzinfo=UTC)
Record = dict[str, Any]
Change = Callable[[Record], None]


def _entries() -> list[dict[str, Any]]:
    told = [(EventKind.UPDATE_POSTED, "Rolled back."), (EventKind.NOTE_ADDED, "Traffic is back.")]
    events = [
        TimelineEvent(
            seq=seq, kind=kind, body=body, data={}, occurred_at=BEGAN, recorded_at=BEGAN, actor="tenancy.user:1",
            actor_name="Cora", source="console", receipt_id=f"00000000-0000-0000-0000-00000000000{seq}",
        )
        for seq, (kind, body) in enumerate(told, start=1)
    ]  # fmt: skip
    return [entry_as_json(each) for each in chained(events, previous="")]


def _section(key: str, text: str, *, edited: bool = True) -> dict[str, Any]:
    return {"key": key, "title": key, "blocks": [{"text": text, "sources": [1]}], "edited": edited}


def _conformance() -> dict[str, Any]:
    asked = [
        "impact",
        "cause",
        "milestones",
        "severity_assessment",
        "reporting_assessment",
        "postmortem",
        "action_items",
    ]
    stated = ["impact_started", "detected", "identified", "impact_ended"]
    return {
        "severity": "SEV2",
        "acknowledge_within_minutes": 15,
        "must_record": dict.fromkeys(asked, True),
        "roles": [{"role": "COMMANDER", "first_held_at": "2026-11-20T10:00:00Z", "by": "Cora"}],
        "updates": {
            "every_seconds": 1800, "missed": [], "posted": 2, "longest_silence_seconds": 1500, "too_long": [],
        },
        "moves": [{"to": "RESOLVED", "guards": [{"guard": "update_posted", "met": True, "why": ""}]}],
        "milestones": dict.fromkeys(stated, "2026-11-20T10:00:00Z"),
        "assessment": {"impact": "SOME", "urgency": "STOPPED", "severity_by_matrix": "SEV2", "reasons": []},
        "reporting": {
            "questions": [{"key": "personal_data", "question": "Is personal data affected?", "reply": "NO"}],
            "obligations": [],
        },
        "action_items": [
            {"code": "A-1", "title": "Alert earlier", "status": "OPEN", "owner": "Ben", "due_date": "2026-12-24"}
        ],
        "notices": {"sent": 2, "failed": 0},
    }  # fmt: skip


def _record() -> Record:
    """Return the collected record of an incident that was handled as its policy asks."""
    entries = _entries()
    vouch = [{"seq": each["seq"], "chain_digest": each["proof"]["chain_digest"]} for each in entries]
    return {
        "incident": {
            "severity": "SEV2",
            "status": "RESOLVED",
            "declared_at": "2026-11-20T10:00:00Z",
            "acknowledged_at": "2026-11-20T10:01:00Z",
            "resolved_at": "2026-11-20T10:50:00Z",
        },
        "timeline": entries,
        "transitions": [{"to": "MITIGATED", "inferred": False}, {"to": "RESOLVED", "inferred": False}],
        "receipts": [
            {"id": each["receipt"], "entries": [made]} for each, made in zip(entries, vouch, strict=True)
        ],
        "decisions": [{"action": action, "allow": True} for action in ("incidents.declare", "incidents.resolve")],
        "postmortem": {
            "version": 2,
            "status": "APPROVED",
            "approved_at": "2026-11-21T10:00:00Z",
            "approved_by": "Ana",
            "sections": [_section(key, "We know.") for key in ("factors", "helped", "harder", "lessons")],
        },
        "conformance": _conformance(),
    }  # fmt: skip


def _put(*path: Any, to: Any) -> Change:
    """Return a change that writes `to` at `path`."""

    def change(record: Record) -> None:
        place: Any = record
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return change


def _found(*changes: Change) -> dict[str, Finding]:
    record = copy.deepcopy(_record())
    for change in changes:
        change(record)
    return {each.check: each for each in findings_of(**record)}


@pytest.mark.fault("console-F2")
def test_a_response_as_its_policy_asks_passes_every_check() -> None:
    found = _found()

    assert [each for each in found.values() if each.result != PASS] == []
    assert list(found) == [f"I{number}" for number in range(1, 17)]
    assert conclusion_of(each.as_json() for each in found.values()) == "NO_EXCEPTIONS"


def _section_at(key: str, text: str, *, edited: bool = True) -> Change:
    place = ["factors", "helped", "harder", "lessons"].index(key)
    return _put("postmortem", "sections", place, to=_section(key, text, edited=edited))


def _duty(**more: Any) -> Change:
    duty = {"regime": "GDPR", "title": "Authority", "state": "FILED", "due_at": None, "filed_at": None, "missed": False}
    return _put("conformance", "reporting", "obligations", to=[{**duty, **more}])


MISSING: dict[str, tuple[str, Change, str]] = {
    "nobody acknowledged": ("I1", _put("incident", "acknowledged_at", to=None), "Nobody did"),
    "acknowledged late": ("I1", _put("incident", "acknowledged_at", to="2026-11-20T10:15:01Z"), "15m 01s after"),
    "no commander": ("I2", _put("conformance", "roles", 0, "first_held_at", to=None), "commander: nobody"),
    "no entry": ("I3", _put("timeline", to=[]), "0 entries"),
    "text rewritten": ("I3", _put("timeline", 0, "text", to="x"), "its text is not what was written"),
    "facts rewritten": ("I3", _put("timeline", 1, "facts", to={"to": "x"}), "its facts are not what was written"),
    "sentence rewritten": ("I3", _put("timeline", 0, "says", to="All is well"), "its sentence is not"),
    "author rewritten": ("I3", _put("timeline", 0, "actor", "ref", to="tenancy.user:9"), "entry 1: it does not follow"),
    "an entry without receipt": ("I3", _put("receipts", to=[]), "no receipt vouches for it"),
    "the tail cut off": ("I3", lambda record: record["timeline"].pop(), "for one that is not there"),
    "redacted by nobody": ("I3", _put("timeline", 0, "redacted_at", to="2026-11-20T11:00:00Z"), "without approval"),
    "recorded early": ("I3", _put("timeline", 0, "recorded_at", to="2026-11-20T09:00:00Z"), "before it happened"),
    "not resolved": ("I4", _put("incident", "resolved_at", to=None), "It stands at"),
    "no move": ("I4", _put("transitions", to=[]), "It stands at"),
    "no decision": ("I5", _put("decisions", to=[]), "No decision on incidents.declare, incidents.resolve"),
    "no postmortem": ("I6", _put("postmortem", to=None), "There is none"),
    "a draft": ("I6", _put("postmortem", "approved_at", to=None), "approved by nobody"),
    "an unsourced statement": ("I6", _put("postmortem", "sections", 0, "blocks", 0, "sources", to=[]), "3 of 4"),
    "no impact": ("I7", _put("conformance", "assessment", "impact", to=None), "how many are affected"),
    "no begin": ("I7", _put("conformance", "milestones", "impact_started", to=None), "when the impact began"),
    "no end": ("I7", _put("conformance", "milestones", "impact_ended", to=None), "when the impact ended"),
    "no cause": ("I8", _put("conformance", "milestones", "identified", to=None), "when the cause was found"),
    "no factors": ("I8", _section_at("factors", UNWRITTEN), "contributing factors"),
    "not detected": ("I9", _put("conformance", "milestones", "detected", to=None), "when it was detected"),
    "mitigation inferred": ("I9", _put("transitions", 0, "inferred", to=True), "when it was mitigated"),
    "no urgency": ("I10", _put("conformance", "assessment", "urgency", to=None), "the urgency"),
    "another severity": ("I10", _put("conformance", "assessment", "severity_by_matrix", to="SEV1"), "gave a reason"),
    "no answer": ("I11", _put("conformance", "reporting", "questions", 0, "reply", to=None), "not answered: Is"),
    "not known": ("I11", _put("conformance", "reporting", "questions", 0, "reply", to="UNKNOWN"), "not known yet"),
    "no question": ("I11", _put("conformance", "reporting", "questions", to=[]), "0 of 0 questions"),
    "duty undecided": ("I11", _duty(state="ASSESSING"), "not decided: GDPR"),
    "duty missed": ("I11", _duty(state="APPLICABLE", missed=True), "deadline missed: GDPR"),
    "duty late": ("I11", _duty(due_at="2026-11-20T11:00:00Z", filed_at="2026-11-20T11:00:00.5Z"), "deadline missed"),
    "missed update": ("I12", _put("conformance", "updates", "missed", to=["2026-11-20T10:30:00Z"]), "update missed"),
    "silence": ("I12", _put("conformance", "updates", "too_long", to=[{"since": "x", "seconds": 1801}]), "30m 01s of"),
    "no action item": ("I13", _put("conformance", "action_items", to=[]), "None"),
    "all dropped": ("I13", _put("conformance", "action_items", 0, "status", to="DROPPED"), "None; 1 dropped"),
    "no owner": ("I13", _put("conformance", "action_items", 0, "owner", to=None), "A-1 has no owner"),
    "no date": ("I13", _put("conformance", "action_items", 0, "due_date", to=None), "A-1 has no due date"),
    "no lessons": ("I14", _section_at("lessons", UNWRITTEN), "lessons"),
    "nothing helped": ("I14", _section_at("helped", SILENT), "what helped"),
    "by machine": ("I14", _section_at("harder", "It was hard.", edited=False), "what made it harder"),
    "guard overridden": (
        "I15",
        _put("conformance", "moves", 0, "guards", to=[{"guard": "type_set", "met": False, "why": "It has no type."}]),
        "It has no type",
    ),
    "a notice failed": ("I16", _put("conformance", "notices", to={"sent": 0, "failed": 1}), "0 delivered, 1 not"),
}  # fmt: skip


@pytest.mark.fault("console-F2", "proof-3")
@pytest.mark.parametrize("name", MISSING)
def test_what_is_missing_is_an_exception_by_name(name: str) -> None:
    check, change, words = MISSING[name]

    found = _found(change)

    assert found[check].result == EXCEPTION
    assert words in f"{found[check].actual} {found[check].detail}"
    assert conclusion_of(each.as_json() for each in found.values()) == "EXCEPTIONS"


UNTESTED: dict[str, tuple[str, Change, str]] = {
    "no role asked for": ("I2", _put("conformance", "roles", to=[]), "Not asked for"),
    "no update was due": ("I12", _put("conformance", "updates", "posted", to=0), "before one was due"),
    "no guard": ("I15", _put("conformance", "moves", to=[]), "It asked nothing"),
    "guards that found nothing": (
        "I15",
        _put("conformance", "moves", 0, "guards", to=[{"guard": "g", "met": True, "why": "", "empty": "No task."}]),
        "0 of 1 met",
    ),
    "nobody notified": ("I16", _put("conformance", "notices", to={"sent": 0, "failed": 0}), "Nobody was notified"),
    **{
        f"{what} not asked for": (check, _put("conformance", "must_record", what, to=False), "Not asked for")
        for check, what in {
            "I7": "impact", "I8": "cause", "I9": "milestones", "I10": "severity_assessment",
            "I11": "reporting_assessment", "I6": "postmortem", "I14": "postmortem", "I13": "action_items",
        }.items()
    },
}  # fmt: skip


@pytest.mark.fault("console-F2")
@pytest.mark.parametrize("name", UNTESTED)
def test_where_nothing_was_asked_or_due_nothing_passes(name: str) -> None:
    check, change, words = UNTESTED[name]

    found = _found(change)[check]

    assert found.result == NOT_CHECKED
    assert words in found.actual


def test_the_checks_print_what_they_are_held_against() -> None:
    no_limit = _found(_put("conformance", "acknowledge_within_minutes", to=None))["I1"]

    assert _found()["I1"].expected == "Somebody took it, within 15m of its declaration"
    assert (no_limit.expected, no_limit.result) == ("Somebody took it, the policy sets no time", PASS)
    assert _found()["I2"].expected == "commander, as SEV2 needs"


def test_a_severity_that_differs_with_a_reason_passes_and_moves_that_follow_are_counted() -> None:
    differs = _put("conformance", "assessment", "severity_by_matrix", to="SEV1")
    reasoned = _found(differs, _put("conformance", "assessment", "reasons", to=["One region only."]))
    inferred = _found(_put("transitions", 0, "inferred", to=True))

    assert (reasoned["I10"].result, reasoned["I10"].detail) == (PASS, "Reason: One region only.")
    assert inferred["I4"].detail == "1 of 2 moves follow from later ones"


def test_an_impact_on_nobody_needs_no_interval() -> None:
    gone = [_put("conformance", "milestones", key, to=None) for key in ("impact_started", "impact_ended")]

    assert _found(_put("conformance", "assessment", "impact", to="NONE"), *gone)["I7"].result == PASS
