"""What the record of an incident shows of its response, check by check. Pure: collected JSON in, findings out.

The yardstick is the response policy that was in force, as incidents.response.conformance reports it. A check passes on
what the record holds, never on what it does not: what nobody wrote, answered or decided is an exception, by name. Where
the policy asks nothing, or nothing fell due, the check was not made, and says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from conductor.console.format.values import duration
from conductor.lib.clock import elapsed, parse_rfc3339
from evidence.bundles.findings import EXCEPTION, NOT_CHECKED, PASS, Finding
from evidence.workflows.incident.assessment import cause, impact, milestones, reporting, severity
from evidence.workflows.incident.learning import action_items, learned, reviewed
from evidence.workflows.incident.record import Rows, complete, decided
from incidents.models.choices import Role
from incidents.record.phrases import name_list, role_word


def _between(incident: Mapping[str, Any], start: str, end: str) -> timedelta:
    return elapsed(parse_rfc3339(incident[start]), parse_rfc3339(incident[end]))


def findings_of(
    *,
    incident: Mapping[str, Any],
    timeline: Rows,
    transitions: Rows,
    receipts: Rows,
    decisions: Rows,
    postmortem: Mapping[str, Any] | None,
    conformance: Mapping[str, Any],
) -> list[Finding]:
    """Return the findings I1 to I16 in order."""
    return [
        _acknowledged(incident, conformance),
        _staffed(incident, conformance),
        complete(timeline, receipts),
        _resolved(incident, transitions),
        decided(decisions),
        reviewed(postmortem, conformance),
        impact(incident, conformance),
        cause(postmortem, conformance),
        milestones(incident, transitions, conformance),
        severity(incident, conformance),
        reporting(conformance),
        _informed(conformance),
        action_items(conformance),
        learned(postmortem, conformance),
        _guarded(conformance),
        _notified(conformance),
    ]


def _acknowledged(incident: Mapping[str, Any], conformance: Mapping[str, Any]) -> Finding:
    minutes = conformance["acknowledge_within_minutes"]
    limit = f"within {duration(minutes * 60, coarse=True)} of its declaration" if minutes else "the policy sets no time"
    title, expected = "Acknowledged", f"Somebody took it, {limit}"
    if not incident["acknowledged_at"]:
        return Finding("I1", title, expected, "Nobody did", EXCEPTION)
    took = _between(incident, "declared_at", "acknowledged_at")
    is_late = bool(minutes) and took.total_seconds() > minutes * 60
    actual = f"{duration(took)} after it was declared"
    return Finding("I1", title, expected, actual, EXCEPTION if is_late else PASS)


def _staffed(incident: Mapping[str, Any], conformance: Mapping[str, Any]) -> Finding:
    title, roles = "Roles filled", conformance["roles"]
    if not roles:
        asked = f"The policy asks for no role at {incident['severity']}"
        return Finding("I2", title, asked, "Not asked for", NOT_CHECKED)
    expected = f"{name_list([_label(each) for each in roles])}, as {incident['severity']} needs"
    held = [f"{_label(each)}: {each['by']}" for each in roles if each["first_held_at"]]
    vacant = [_label(each) for each in roles if not each["first_held_at"]]
    actual = "; ".join([*held, *(f"{each}: nobody" for each in vacant)])
    detail = f"Nobody held and accepted the role of {name_list(vacant)} before it was resolved" if vacant else ""
    return Finding("I2", title, expected, actual, EXCEPTION if vacant else PASS, detail)


def _label(role: Mapping[str, Any]) -> str:
    return role_word(Role(role["role"]))


def _resolved(incident: Mapping[str, Any], transitions: Rows) -> Finding:
    title, expected = "Brought to its end", "Resolved, every status on record"
    if not incident["resolved_at"] or not transitions or transitions[-1]["to"] != "RESOLVED":
        return Finding("I4", title, expected, f"It stands at {incident['status'].lower()}", EXCEPTION)
    took = _between(incident, "declared_at", "resolved_at")
    inferred = sum(move["inferred"] for move in transitions)
    detail = f"{inferred} of {len(transitions)} moves follow from later ones" if inferred else ""
    return Finding("I4", title, expected, f"After {duration(took)}, {len(transitions)} moves", PASS, detail)


def _informed(conformance: Mapping[str, Any]) -> Finding:
    """Updates against the cadence: a silence that was allowed proves nothing about updates that were not due."""
    title, updates = "Kept informed", conformance["updates"]
    expected = f"An update at least every {duration(updates['every_seconds'], coarse=True)} until it is resolved"
    posted, longest = updates["posted"], updates["longest_silence_seconds"]
    said = f"{posted} update{'' if posted == 1 else 's'}"
    if longest is None:
        return Finding("I12", title, expected, f"{said}; it is not resolved, or took no time", EXCEPTION)
    actual = f"{said}, the longest silence {duration(longest)}"
    faults = [f"{duration(each['seconds'])} of silence from {each['since']}" for each in updates["too_long"]]
    faults += [f"update missed at {at}" for at in updates["missed"]]
    if faults:
        return Finding("I12", title, expected, actual, EXCEPTION, "; ".join(faults[:5]))
    if not posted:
        return Finding("I12", title, expected, "No update was posted, and it was over before one was due", NOT_CHECKED)
    return Finding("I12", title, expected, actual, PASS)


def _guarded(conformance: Mapping[str, Any]) -> Finding:
    """What the policy asked at each move. A guard that found nothing to look at was not tested."""
    title, expected = "Guards of its moves", "What the policy asked at each move was so"
    asked = [(move, guard) for move in conformance["moves"] for guard in move["guards"]]
    unmet = [f"at the move to {move['to'].lower()}: {guard['why']}" for move, guard in asked if not guard["met"]]
    empty = [f"at the move to {move['to'].lower()}: {guard['empty']}" for move, guard in asked if guard.get("empty")]
    met = len(asked) - len(unmet) - len(empty)
    actual = f"{met} of {len(asked)} met, {len(unmet)} overridden, {len(empty)} with nothing to test"
    detail = "; ".join([*unmet, *empty][:5])
    if unmet:
        return Finding("I15", title, expected, actual, EXCEPTION, detail)
    return Finding(
        "I15", title, expected, actual if asked else "It asked nothing", PASS if met else NOT_CHECKED, detail
    )


def _notified(conformance: Mapping[str, Any]) -> Finding:
    title, expected = "Notices delivered", "Each notice that was sent arrived; the policy asks for none"
    sent, failed = conformance["notices"]["sent"], conformance["notices"]["failed"]
    if failed:
        return Finding("I16", title, expected, f"{sent} delivered, {failed} not", EXCEPTION)
    if not sent:
        return Finding("I16", title, expected, "Nobody was notified: no notice left Conductor", NOT_CHECKED)
    return Finding("I16", title, expected, f"{sent} delivered", PASS)
