"""Whether people learned from the incident: a reviewed postmortem in their own words, and action items with owners."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evidence.bundles.findings import EXCEPTION, PASS, Finding
from evidence.workflows.incident.assessment import missing_of, not_asked
from incidents.models.choices import Recorded
from incidents.postmortem.draft.written import is_statement, is_written

Facts = Mapping[str, Any]
WRITTEN_BY_PEOPLE = {"helped": "what helped", "harder": "what made it harder", "lessons": "lessons"}
REVIEWED = ("APPROVED", "PUBLISHED")


def reviewed(postmortem: Facts | None, conformance: Facts) -> Finding:
    """I6: somebody other than its authors approved it, and each statement that it makes has its source."""
    title, expected = (
        "Postmortem reviewed",
        "Approved by somebody other than its authors; every statement has its source",
    )
    if (skipped := not_asked("I6", title, Recorded.POSTMORTEM, conformance)) is not None:
        return skipped
    if postmortem is None:
        return Finding("I6", title, expected, "There is none", EXCEPTION, "No postmortem")
    blocks = [block for section in postmortem["sections"] for block in section["blocks"]]
    stated = [block for block in blocks if is_statement(block)]
    sourced = sum(bool(block["sources"]) for block in stated)
    approval = f"approved by {postmortem['approved_by']}" if postmortem["approved_at"] else "approved by nobody"
    actual = f"Version {postmortem['version']}, {approval}; {sourced} of {len(stated)} statements have a source"
    faults = []
    if postmortem["status"] not in REVIEWED or not postmortem["approved_at"]:
        faults.append("It is a draft that nobody has approved")
    if sourced < len(stated) or not stated:
        faults.append("Not every statement has a source")
    return Finding("I6", title, expected, actual, EXCEPTION if faults else PASS, "; ".join(faults))


def action_items(conformance: Facts) -> Finding:
    """I13: at least one that was not dropped, each with an owner and a date."""
    title, expected = "Action items", "At least one, each with an owner and a due date"
    if (skipped := not_asked("I13", title, Recorded.ACTION_ITEMS, conformance)) is not None:
        return skipped
    kept = [each for each in conformance["action_items"] if each["status"] != "DROPPED"]
    if not kept:
        dropped = len(conformance["action_items"])
        actual = f"None; {dropped} dropped" if dropped else "None"
        return Finding("I13", title, expected, actual, EXCEPTION, "No action item is on record")
    faults = [f"{each['code']} has no owner" for each in kept if not each["owner"]]
    faults += [f"{each['code']} has no due date" for each in kept if not each["due_date"]]
    done = sum(each["status"] == "DONE" for each in kept)
    actual = f"{len(kept)} on record, {done} done"
    return Finding("I13", title, expected, actual, EXCEPTION if faults else PASS, "; ".join(faults))


def learned(postmortem: Facts | None, conformance: Facts) -> Finding:
    """I14: the sections that only people can write are written by people."""
    title, expected = "Lessons written", "What helped, what made it harder and lessons, each written by a person"
    if (skipped := not_asked("I14", title, Recorded.POSTMORTEM, conformance)) is not None:
        return skipped
    sections = postmortem["sections"] if postmortem else []
    written = {each["key"] for each in sections if is_written(each)}
    missing = [words for key, words in WRITTEN_BY_PEOPLE.items() if key not in written]
    return missing_of("I14", title, expected, missing, "Written by people")
