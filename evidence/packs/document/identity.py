"""Sections A to E: whose bundle it is, what was done, which population, and whether all of it is there."""

from __future__ import annotations

from typing import Any

from conductor.console.format.values import clock_time, day, exact_moment, number
from conductor.lib.clock import parse_rfc3339
from evidence.bundles.findings import counts
from evidence.bundles.naming import INCIDENT_BUNDLE
from evidence.bundles.sealed import resources_of
from evidence.bundles.verification import BAD, OK
from evidence.models import EvidenceBundle
from evidence.packs.document.material import CONFORMANCE, INCIDENT, Material

_INSPECTED, _REPERFORMED, _INQUIRED = "Inspection", "Reperformance", "Inquiry"
_PROCEDURES = {
    "controls.backup_restore_verification": (
        ("A dump of the source was taken, with rows and a checksum of every table from the same moment", _REPERFORMED),
        ("The dump was restored into a database of its own, against the clock", _REPERFORMED),
        ("Tables, columns, rows and checksums of the copy were compared with those of the source", _REPERFORMED),
        ("Copy and dump were destroyed, and the server's list of databases was read again", _INSPECTED),
    ),
    INCIDENT_BUNDLE: (
        ("The incident's record was read: facts, timeline, moves, roles, decisions and receipts", _INSPECTED),
        ("Each entry was compared with its digests and with the receipt that vouches for it", _REPERFORMED),
        ("The record was compared with the response policy that was in force, rule by rule", _INSPECTED),
        ("Nobody was asked anything. What people have not written is an exception, or was not tested", "None"),
    ),
}
_QUESTIONS = {
    "artifacts": "Does each file have the digest that the manifest gives?",
    "manifest": "Is the manifest the one that was signed, and does the database say the same?",
    "seal": "Is the seal signed, does it name these files, and is it in the ledger?",
    "notary": "Has somebody outside seen the manifest?",
}
_FOUND = {OK: ("none", "As expected"), BAD: ("exc", "Not as expected")}


def facts(material: Material) -> list[dict[str, str]]:
    """Return section A as rows of a label, a text and perhaps a digest."""
    bundle, document = material.bundle, material.manifest
    run, decision = document["links"]["run"], document["decision"]
    rows = [
        ("Organisation", f"{material.organisation}, {material.environment or 'not tied to an environment'}", ""),
        ("Bundle", f"{bundle.code}, {bundle.title}", ""),
        ("In place of", material.supersedes, ""),
        ("Incident", _incident(material), ""),
        ("Resources", ", ".join(f"{each['kind']} {each['name']}" for each in resources_of(material.bundle)), ""),
        ("Policy in force", _policy(material), ""),
        ("Run", f"{run['code']}, {_title(material)}, version {run['version']}" if run else "", run and run["digest"]),
        ("Opened", f"{document['bundle']['opened']['by']['name']}, {_at(document['bundle']['opened']['at'])}", ""),
        ("Sealed", f"{bundle.sealed_by_name}, {exact_moment(bundle.sealed_at)}" if bundle.sealed_at else "", ""),
        ("Decision", f"Policy allowed the seal, {_at(decision['decided_at'])}", decision["policy_digest"]),
        ("Made with", f"Maestro Conductor {document['tools'].get('maestro-conductor', 'of an unknown release')}", ""),
    ]
    return [{"label": label, "text": text, "digest": digest or ""} for label, text, digest in rows if text]


def period(bundle: EvidenceBundle) -> list[str]:
    """Return the period as lines of the cover."""
    begin, end = bundle.effective_from, bundle.effective_to or bundle.effective_from
    if day(begin) == day(end):
        return [day(begin), f"{clock_time(begin)} to {clock_time(end)} UTC"]
    return [f"{exact_moment(begin)} to", exact_moment(end)]


def controls(material: Material) -> list[dict[str, str]]:
    """Return the controls under their frameworks' names, primary ones first."""
    names = material.frameworks
    named = [
        {**each, "framework": f"{names.get(each['framework'], each['framework'])} ({each['release']})"}
        for each in _listed(material)
    ]
    return sorted(named, key=lambda each: each["part"])


def procedure(material: Material) -> dict[str, Any]:
    """Return section B's steps: what was done by which method; by hand where no workflow did it."""
    steps = _PROCEDURES.get(_workflow(material), ())
    counted = counts(material.bundle.findings)
    by_hand = (
        f"No workflow collected this. {number(len(material.manifest['artifacts']))} files were attached and "
        f"{number(counted.total)} checks recorded by people or programs of the organisation. Conductor kept who did "
        "it, when, and the SHA-256 of each file; it tested nothing itself."
    )
    return {"steps": [{"what": what, "method": method} for what, method in steps], "by_hand": "" if steps else by_hand}


def population(material: Material) -> str:
    """Return section D's sentence: what was tested out of what."""
    if _workflow(material) == INCIDENT_BUNDLE:
        return (
            "The population is this one incident, tested on every check of section G, so no sample was drawn. It says "
            "nothing about other incidents of the period."
        )
    if material.manifest["links"]["run"]:
        return (
            "One operation of the control was tested, the run of section A, so no sample was drawn. How often the "
            "control was due in the period, and how often it operated, this bundle does not say."
        )
    return "No population is on record, and no sample was drawn from one. Which items were tested, the files say."


def completeness(material: Material) -> list[dict[str, str]]:
    """Return section E: what was verified when the pack was made, each with what was found."""
    rows = [_verified(each.key, each.state, each.detail) for each in material.report.links]
    signed = sum(each.envelope is not None for each in material.receipts)
    whole = signed == len(material.receipts)
    state, word = _FOUND[OK if whole else BAD]
    receipts = {
        "question": "Is each receipt that led to the seal signed and numbered in the ledger?",
        "found": f"{signed} of {len(material.receipts)}",
        "state": state,
        "word": word,
    }
    rows = [*rows[:3], receipts, *rows[3:], _stated(material)]
    return [{"id": f"E{place}", **row} for place, row in enumerate(rows, start=1)]


def _verified(key: str, state: str, detail: str) -> dict[str, str]:
    shape, word = _FOUND.get(state, ("open", "Nobody yet" if key == "notary" else "Not yet"))
    return {"question": _QUESTIONS[key], "found": detail, "state": shape, "word": word}


def _stated(material: Material) -> dict[str, str]:
    listed = material.manifest["artifacts"]
    stated = [each for each in listed if each.get("stated_digest")]
    equal = sum(each["stated_digest"] == each["digest"] for each in stated)
    row = {"question": "Do files have the digest that their sender stated?", "found": f"{equal} of {len(stated)}"}
    if not stated:
        return {**row, "found": "No sender stated one", "state": "na", "word": "Not applicable"}
    state, word = _FOUND[OK if equal == len(stated) else BAD]
    return {**row, "state": state, "word": word}


def _listed(material: Material) -> list[dict[str, str]]:
    found: list[dict[str, str]] = material.manifest["controls"]
    return found


def _workflow(material: Material) -> str:
    run = material.manifest["links"]["run"]
    return str(run["workflow"]) if run else ""


def _title(material: Material) -> str:
    run = material.bundle.run
    return run.title if run else "run"


def _incident(material: Material) -> str:
    about = material.files.get(INCIDENT)
    if about is None:
        incident = material.manifest["links"]["incident"]
        return str(incident["code"]) if incident else ""
    service = f"; service {about['service']}" if about.get("service") else ""
    return f"{about['code']}, {about['severity']}, {about['title']}{service}"


def _policy(material: Material) -> str:
    policy = (material.files.get(CONFORMANCE) or {}).get("policy")
    if not policy:
        return ""
    return f"Response policy, version {policy['version']}" if policy.get("version") else "Response policy as delivered"


def _at(text: str) -> str:
    return exact_moment(parse_rfc3339(text))
