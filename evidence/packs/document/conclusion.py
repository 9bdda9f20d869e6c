"""What is concluded and who answers for it: the cover's statement, and sections H, I and J."""

from __future__ import annotations

from typing import Any

from conductor.console.format.values import exact_moment, number
from conductor.ledger.models import Receipt
from conductor.lib.clock import parse_rfc3339
from evidence.bundles.findings import EXCEPTION, NOT_CHECKED, PASS, FindingCounts, conclusions_from, counts
from evidence.bundles.verification import SEALED
from evidence.models import EvidenceBundle
from evidence.packs.document.material import Material

RESULTS = {
    PASS: {"state": "none", "word": "None found"},
    EXCEPTION: {"state": "exc", "word": "Exception"},
    NOT_CHECKED: {"state": "open", "word": "Not tested"},
}
_STATES = {"NO_EXCEPTIONS": "none", "EXCEPTIONS": "exceptions", "INCONCLUSIVE": "open"}
_STEPS = {
    "evidence.bundle.opened": "Opened",
    "evidence.artifact.attached": "Collected",
    "evidence.bundles.findings.recorded": "Tested",
    "evidence.bundle.sealed": "Sealed",
}


def concluded(material: Material) -> str:
    """Return the conclusion that may be printed: the signed one, unless the signed findings contradict it.

    Sealing refuses such a pair, so it can only come from a manifest that somebody has changed.
    """
    allowed = conclusions_from(material.bundle.findings)
    return material.bundle.conclusion if material.bundle.conclusion in allowed else allowed[0]


def on_cover(material: Material) -> dict[str, str]:
    """Return the cover's statement: what was found, and whether a person has signed it."""
    bundle, stated = material.bundle, concluded(material)
    assert bundle.sealed_at is not None
    at = exact_moment(bundle.sealed_at)
    by = f"Proposed by {bundle.sealed_by_name} on {at}. Until a person signs, this is a proposal (section J)."
    if material.is_concluded_by_person:
        by = f"Signed by {bundle.sealed_by_name} on {at} (section J)."
    return {
        "state": _STATES[stated],
        "standing": f"Conclusion, {standing(material)}",
        "title": EvidenceBundle.Conclusion(stated).label,
        "text": lead(bundle),
        "by": by,
    }


def standing(material: Material) -> str:
    """Return "signed by Cora Commander", or that nobody has signed."""
    if material.is_concluded_by_person:
        return f"signed by {material.bundle.sealed_by_name}"
    return "proposed, signed by nobody yet"


def lead(bundle: EvidenceBundle) -> str:
    """Return what was found, in a sentence that does not go beyond it."""
    counted = counts(bundle.findings)
    if not counted.total:
        return "No checks were recorded with this bundle; it holds the files as they were collected."
    unchecked = f" {counted.not_checked} could not be made." if counted.not_checked else ""
    replaced = _replaced(bundle)
    if counted.exceptions:
        failed = ", ".join(_lower(each["title"]) for each in bundle.findings if each["result"] == EXCEPTION)
        found = f"{counted.exceptions} of {counted.total} checks found an exception."
        return f"{found} Not as expected: {failed}.{unchecked}{replaced}"
    none = "" if replaced else ", and none found an exception"
    return f"{counted.passed} of {counted.total} checks were made{none}.{unchecked}{replaced}"


def figures(material: Material) -> list[tuple[str, str]]:
    """Return the cover's four numbers, each with what it counts."""
    counted = counts(material.bundle.findings)
    return [
        (number(counted.exceptions), "checks that found an exception (k), section H"),
        (number(counted.passed), "checks made that found none, section G"),
        (number(counted.not_checked), "checks not made, with the reason in section G"),
        (number(len(material.manifest["artifacts"])), "files with their digests, section K"),
    ]


def exceptions(material: Material) -> dict[str, Any]:
    """Return section H: each exception with both figures, then what was recorded first and replaced."""
    bundle = material.bundle
    found = [each for each in bundle.findings if each["result"] == EXCEPTION]
    cards = [{**each, "detail": detail(each), "id": f"H{place}"} for place, each in enumerate(found, start=1)]
    return {
        "cards": cards,
        "none": "" if cards else _none(counts(bundle.findings)),
        "replaced": [_superseded(each) for each in bundle.superseded_findings],
    }


def exception_ids(material: Material) -> dict[str, str]:
    """Return the number in section H of each check with an exception, by the check's own id."""
    return {each["check"]: each["id"] for each in exceptions(material)["cards"]}


def order(material: Material) -> list[dict[str, str]]:
    """Return section I's order of evidence: each step with its time and its place in the ledger."""
    rows = [_step(word, [r for r in material.receipts if r.action == action]) for action, word in _STEPS.items()]
    rows += [
        {"step": f"Time-stamped by {each.adapter.name}", "at": exact_moment(each.attested_at), "place": "none"}
        for each in material.vouched_outside
        if each.attested_at
    ]
    if not material.is_concluded_by_person:
        rows.append({"step": "Concluded by a person", "at": "not yet", "place": "none"})
    return rows


def sign_off(material: Material) -> dict[str, Any]:
    """Return section J: who prepared it and who concluded, how they signed in, or that nobody has."""
    bundle, header = material.bundle, material.manifest["bundle"]
    assert bundle.sealed_at is not None
    seal = next((each for each in reversed(material.receipts) if each.action == SEALED), None)
    return {
        "prepared": {
            "name": header["opened"]["by"]["name"],
            "at": exact_moment(parse_rfc3339(header["opened"]["at"])),
            "how": _how(material.receipts, "evidence.bundle.opened"),
        },
        "concluded": {
            "name": bundle.sealed_by_name if material.is_concluded_by_person else "",
            "sealer": bundle.sealed_by_name,
            "says": EvidenceBundle.Conclusion(concluded(material)).label,
            "at": exact_moment(bundle.sealed_at),
            "how": seal.authenticated if seal else "",
            "place": str(seal.leaf_index) if seal else "",
        },
    }


def detail(finding: dict[str, str]) -> str:
    """Return the finding's detail, or nothing where what was found says the same."""
    said = finding["detail"]
    return "" if said.casefold() in finding["actual"].casefold() else said


def _none(counted: FindingCounts) -> str:
    if not counted.total:
        return "No checks were recorded, so none could find an exception."
    unchecked = f" {counted.not_checked} of {counted.total} were not made (section G)." if counted.not_checked else ""
    if not counted.passed:
        return f"No check was made, so none could find an exception.{unchecked}"
    return f"None of the {counted.passed} checks that were made found an exception.{unchecked}"


def _replaced(bundle: EvidenceBundle) -> str:
    """Name the exceptions that were recorded first and replaced: they are part of what was found."""
    entries = [
        (_lower(finding["title"]), entry["reason"])
        for entry in bundle.superseded_findings
        for finding in entry["findings"]
        if finding["result"] == EXCEPTION
    ]
    return "".join(f" An exception was recorded and replaced: {title} ({reason})." for title, reason in entries)


def _superseded(entry: dict[str, Any]) -> dict[str, Any]:
    """Return what was recorded and replaced, with who replaced it, when and why."""
    return {
        "findings": [{**each, "detail": detail(each), **RESULTS[each["result"]]} for each in entry["findings"]],
        "by": entry["by"]["name"],
        "at": exact_moment(parse_rfc3339(entry["at"])),
        "reason": entry["reason"],
    }


def _step(word: str, receipts: list[Receipt]) -> dict[str, str]:
    if not receipts:
        return {"step": word, "at": "not on record", "place": "none"}
    first, last = receipts[0], receipts[-1]
    if first is last:
        return {"step": word, "at": exact_moment(first.occurred_at), "place": str(first.leaf_index)}
    return {
        "step": word,
        "at": f"{exact_moment(first.occurred_at)} to {exact_moment(last.occurred_at)}",
        "place": f"{first.leaf_index} to {last.leaf_index}",
    }


def _how(receipts: list[Receipt], action: str) -> str:
    return next((each.authenticated for each in receipts if each.action == action), "")


def _lower(title: str) -> str:
    """Return the title inside a sentence; one that begins with an abbreviation stays as it is."""
    return title if title[1:2].isupper() else f"{title[:1].lower()}{title[1:]}"
