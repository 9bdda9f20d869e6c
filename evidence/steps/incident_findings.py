"""What the record of an incident shows of its response, check by check. Pure: collected JSON in, findings out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conductor.console.formatting import duration
from conductor.lib.clock import parse_rfc3339
from evidence.findings import EXCEPTION, NOT_CHECKED, PASS, Finding

Rows = Sequence[Mapping[str, Any]]
COMMANDED = ("SEV1", "SEV2")
"""Severities at which somebody must have been in command."""


def findings_of(
    *,
    incident: Mapping[str, Any],
    timeline: Rows,
    transitions: Rows,
    roles: Rows,
    decisions: Rows,
    postmortem: Mapping[str, Any] | None,
) -> list[Finding]:
    """Return the findings I1 to I6 in order."""
    return [
        _acknowledged(incident),
        _commanded(incident, roles),
        _complete(timeline),
        _resolved(incident, transitions),
        _decided(decisions),
        _learned(postmortem),
    ]


def _acknowledged(incident: Mapping[str, Any]) -> Finding:
    title, expected = "Acknowledged", "Somebody took it"
    if not incident["acknowledged_at"]:
        return Finding("I1", title, expected, "Nobody did", EXCEPTION)
    took = parse_rfc3339(incident["acknowledged_at"]) - parse_rfc3339(incident["declared_at"])
    return Finding("I1", title, expected, f"{duration(took)} after it was declared", PASS)


def _commanded(incident: Mapping[str, Any], roles: Rows) -> Finding:
    title = "Somebody in command"
    names = list(dict.fromkeys(role["name"] for role in roles if role["role"] == "COMMANDER"))
    needed = incident["severity"] in COMMANDED
    expected = (
        f"A commander, as {incident['severity']} needs one" if needed else f"Not needed for {incident['severity']}"
    )
    if names:
        return Finding("I2", title, expected, ", ".join(names), PASS)
    return Finding("I2", title, expected, "Nobody", EXCEPTION if needed else PASS)


def _complete(timeline: Rows) -> Finding:
    """Numbers without gaps, a receipt for each entry, and nothing recorded before it happened."""
    faults = []
    for expected_seq, entry in enumerate(timeline, start=1):
        if entry["seq"] != expected_seq:
            faults.append(f"entry {expected_seq} is missing")
            break
    faults += [f"entry {each['seq']} has no receipt" for each in timeline if not each["receipt"]]
    faults += [
        f"entry {each['seq']} was recorded before it happened"
        for each in timeline
        if parse_rfc3339(each["recorded_at"]) < parse_rfc3339(each["occurred_at"])
    ]
    actual = f"{len(timeline)} entries, {len(faults)} faults"
    result = EXCEPTION if faults or not timeline else PASS
    return Finding(
        "I3", "Timeline complete", "No gap, a receipt for every entry", actual, result, "; ".join(faults[:5])
    )


def _resolved(incident: Mapping[str, Any], transitions: Rows) -> Finding:
    title, expected = "Brought to its end", "Resolved, every status on record"
    if not incident["resolved_at"] or not transitions or transitions[-1]["to"] != "RESOLVED":
        return Finding("I4", title, expected, f"It stands at {incident['status'].lower()}", EXCEPTION)
    took = parse_rfc3339(incident["resolved_at"]) - parse_rfc3339(incident["declared_at"])
    inferred = sum(move["inferred"] for move in transitions)
    detail = f"{inferred} of {len(transitions)} moves follow from later ones" if inferred else ""
    return Finding("I4", title, expected, f"After {duration(took)}, {len(transitions)} moves", PASS, detail)


def _decided(decisions: Rows) -> Finding:
    title, expected = "Decided by policy", "Declaring and resolving were allowed"
    allowed = {decision["action"] for decision in decisions if decision["allow"]}
    missing = sorted({"incidents.declare", "incidents.resolve"} - allowed)
    denied = sum(not decision["allow"] for decision in decisions)
    actual = f"{len(decisions)} decisions, {denied} of them denials"
    result = EXCEPTION if missing else PASS
    return Finding("I5", title, expected, actual, result, f"No decision on {', '.join(missing)}" if missing else "")


def _learned(postmortem: Mapping[str, Any] | None) -> Finding:
    title, expected = "Postmortem", "Drafted, every statement with its source"
    if postmortem is None:
        return Finding("I6", title, expected, "There is none yet", NOT_CHECKED)
    blocks = [block for section in postmortem["sections"] for block in section["blocks"]]
    sourced = sum(bool(block["sources"]) for block in blocks)
    actual = f"Version {postmortem['version']}, {sourced} of {len(blocks)} statements have a source"
    return Finding("I6", title, expected, actual, PASS if sourced == len(blocks) else EXCEPTION)
