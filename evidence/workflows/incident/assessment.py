"""Whether people assessed the incident: impact, cause, milestones, severity, and what has to be reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conductor.lib.clock import parse_rfc3339
from evidence.bundles.findings import EXCEPTION, NOT_CHECKED, PASS, Finding
from incidents.models.choices import Impact, Recorded, Reply, Urgency
from incidents.postmortem.draft.written import is_written
from incidents.record.phrases import name_list

Facts = Mapping[str, Any]
DECIDED = ("NOT_APPLICABLE", "FILED", "APPLICABLE")
NOT_ASKED = "The policy does not ask for it at {severity}"


def not_asked(check: str, title: str, what: Recorded, conformance: Facts) -> Finding | None:
    """Return the finding of a check that the policy does not ask for; None where it does."""
    if conformance["must_record"][what.value]:
        return None
    return Finding(check, title, NOT_ASKED.format(severity=conformance["severity"]), "Not asked for", NOT_CHECKED)


def missing_of(check: str, title: str, expected: str, missing: Sequence[str], actual: str) -> Finding:
    """Return an exception that names what is missing, or that the check passed with `actual`."""
    if missing:
        words = name_list(list(missing))
        return Finding(check, title, expected, f"Missing: {words}", EXCEPTION, f"{words[:1].upper()}{words[1:]}")
    return Finding(check, title, expected, actual, PASS)


def impact(incident: Facts, conformance: Facts) -> Finding:
    """I7: how many are affected, and from when to when."""
    title = "Impact stated"
    if (skipped := not_asked("I7", title, Recorded.IMPACT, conformance)) is not None:
        return skipped
    given, moments = conformance["assessment"]["impact"], conformance["milestones"]
    missing = [] if given else ["how many are affected"]
    if given != Impact.NONE:
        missing += [] if moments["impact_started"] else ["when the impact began"]
        missing += [] if moments["impact_ended"] else ["when the impact ended"]
    words = str(Impact(given).label) if given else ""
    if given != Impact.NONE:
        words += f", from {moments['impact_started']} to {moments['impact_ended']}"
    return missing_of("I7", title, "How many are affected, from when to when", missing, words)


def cause(postmortem: Facts | None, conformance: Facts) -> Finding:
    """I8: when the cause was found, and what it was in somebody's own words."""
    title = "Cause found"
    if (skipped := not_asked("I8", title, Recorded.CAUSE, conformance)) is not None:
        return skipped
    at = conformance["milestones"]["identified"]
    sections = postmortem["sections"] if postmortem else []
    factors = [each for each in sections if each["key"] == "factors" and is_written(each)]
    missing = [] if at else ["when the cause was found"]
    missing += [] if factors else ["the contributing factors, written by a person"]
    return missing_of("I8", title, "When it was found, and its contributing factors", missing, f"Found {at}; written")


def milestones(incident: Facts, transitions: Sequence[Facts], conformance: Facts) -> Finding:
    """I9: each milestone as somebody stated it; what follows from a later move is nobody's statement."""
    title = "Milestones"
    if (skipped := not_asked("I9", title, Recorded.MILESTONES, conformance)) is not None:
        return skipped
    mitigated = [move for move in transitions if move["to"] == "MITIGATED" and not move["inferred"]]
    known = {
        "detected": conformance["milestones"]["detected"],
        "acknowledged": incident["acknowledged_at"],
        "mitigated": mitigated,
        "resolved": incident["resolved_at"],
    }
    missing = [f"when it was {name}" for name, value in known.items() if not value]
    return missing_of("I9", title, "Detected, acknowledged, mitigated and resolved, each stated", missing, "All stated")


def severity(incident: Facts, conformance: Facts) -> Finding:
    """I10: the severity follows from impact and urgency by the policy's matrix, or differs with a reason."""
    title = "Severity assessed"
    if (skipped := not_asked("I10", title, Recorded.SEVERITY, conformance)) is not None:
        return skipped
    given, stands = conformance["assessment"], incident["severity"]
    expected = "By impact and urgency, as the policy's matrix says, or another one with a reason"
    missing = [name for name in ("impact", "urgency") if not given[name]]
    if missing:
        return missing_of("I10", title, expected, [f"the {name}" for name in missing], "")
    matrix = given["severity_by_matrix"]
    words = f"{Impact(given['impact']).label}; {str(Urgency(given['urgency']).label).lower()}"
    actual = f"{stands}; the matrix gives {matrix} for “{words}”"
    if stands == matrix:
        return Finding("I10", title, expected, actual, PASS)
    if given["reasons"]:
        return Finding("I10", title, expected, actual, PASS, f"Reason: {given['reasons'][-1]}")
    return Finding("I10", title, expected, actual, EXCEPTION, "Nobody gave a reason for the difference")


def reporting(conformance: Facts) -> Finding:
    """I11: every question has a reply that settles it, and each reporting obligation was decided and met in time."""
    title = "Reporting assessed"
    if (skipped := not_asked("I11", title, Recorded.REPORTING, conformance)) is not None:
        return skipped
    questions, duties = conformance["reporting"]["questions"], conformance["reporting"]["obligations"]
    settled = [each for each in questions if each["reply"] in (Reply.YES, Reply.NO)]
    faults = [f"not answered: {each['question']}" for each in questions if not each["reply"]]
    faults += [f"not known yet: {each['question']}" for each in questions if each["reply"] == Reply.UNKNOWN]
    for duty in duties:
        name = f"{duty['regime']}, “{duty['title']}”"
        if duty["state"] not in DECIDED:
            faults.append(f"not decided: {name}")
        elif duty["missed"] or (duty["filed_at"] and duty["due_at"] and _is_late(duty)):
            faults.append(f"deadline missed: {name}")
    undecided = sum(duty["state"] not in DECIDED for duty in duties)
    actual = (
        f"{len(settled)} of {len(questions)} questions answered yes or no, "
        f"{len(duties) - undecided} of {len(duties)} obligations decided"
    )
    expected = "Every question answered, every reporting obligation decided"
    is_fault = bool(faults) or not questions
    return Finding("I11", title, expected, actual, EXCEPTION if is_fault else PASS, "; ".join(faults))


def _is_late(duty: Facts) -> bool:
    return parse_rfc3339(duty["filed_at"]) > parse_rfc3339(duty["due_at"])
