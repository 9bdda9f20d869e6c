"""Whether the record of an incident holds: its timeline against digests and receipts, its decisions by policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conductor.lib.clock import parse_rfc3339
from evidence.bundles.findings import EXCEPTION, PASS, Finding
from incidents.integrity.proof import broken_entries

Rows = Sequence[Mapping[str, Any]]


def complete(timeline: Rows, receipts: Rows) -> Finding:
    """I3: numbers without gaps, every text, fact and link as its digest says, and a receipt for each entry."""
    ids = {each["id"] for each in receipts}
    vouched = [entry for receipt in receipts for entry in receipt["entries"]]
    faults = [f"entry {each.seq}: {_lower(each.what)}" for each in broken_entries(timeline, vouched=vouched)]
    faults += [f"entry {each['seq']} has no receipt" for each in timeline if each["receipt"] not in ids]
    faults += [
        f"entry {each['seq']} was recorded before it happened"
        for each in timeline
        if parse_rfc3339(each["recorded_at"]) < parse_rfc3339(each["occurred_at"])
    ]
    redacted = sum(each["redacted_at"] is not None for each in timeline)
    actual = f"{len(timeline)} entries, {redacted} redacted, {len(faults)} faults"
    expected = "No gap; each entry as its digests say, with a receipt that vouches for it"
    result = EXCEPTION if faults or not timeline else PASS
    return Finding("I3", "Timeline complete and unchanged", expected, actual, result, "; ".join(faults[:5]))


def decided(decisions: Rows) -> Finding:
    """I5: policy allowed what needs its decision."""
    title, expected = "Decided by policy", "Declaring and resolving were allowed"
    allowed = {decision["action"] for decision in decisions if decision["allow"]}
    missing = sorted({"incidents.declare", "incidents.resolve"} - allowed)
    denied = sum(not decision["allow"] for decision in decisions)
    actual = f"{len(decisions)} decisions, {denied} of them denials"
    result = EXCEPTION if missing else PASS
    return Finding("I5", title, expected, actual, result, f"No decision on {', '.join(missing)}" if missing else "")


def _lower(what: str) -> str:
    return f"{what[:1].lower()}{what[1:]}".rstrip(".")
