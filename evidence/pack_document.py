"""The variables of templates/evidence/pack_pdf.html: plain values, so that rendering reads no row and no clock.

Everything about the bundle comes from its sealed manifest and artifacts, not from rows that may have changed since.
"""

from __future__ import annotations

import json
from typing import Any

from adapters.demands import independent_kinds
from conductor.console.documents import qr_code
from conductor.console.formatting import byte_size, clock_time, day, exact_moment, number
from conductor.console.staged import STAGED
from conductor.ledger import blobs
from conductor.ledger.keyring import keyring
from conductor.ledger.keys import LOG, SEAL
from conductor.ledger.models import Receipt
from conductor.lib.clock import parse_rfc3339
from conductor.tenancy.models import Tenant
from controls.models import Framework
from evidence.findings import EXCEPTION, NOT_CHECKED, PASS, FindingCounts, counts
from evidence.models import EvidenceBundle, Pack
from evidence.naming import bundle_url, pack_name
from evidence.packing import notary_records, receipts_behind
from evidence.sealed import artifacts_of, as_signed
from evidence.verification import BAD, NOBODY, OK, ChainReport, verify_bundle

NOT_VERIFIED = "NOT VERIFIED"
ALARMED = 10
"""Changed fields that the cover names."""
TONES = {OK: "ok", BAD: "bad"}
HOW = {
    "artifacts": "SHA-256 of each stored object against the manifest",
    "manifest": "Digest of the canonical manifest recomputed, every field of the database compared",
    "seal": "Signature of the seal's receipt, its files, its place in the log",
    "notary": "The notaries' answers to the manifest's digest",
}


def document_context(*, pack: Pack) -> dict[str, Any]:
    """Return the document of the pack, as the verification finds the bundle now. Needs the tenant's scope."""
    report = verify_bundle(pack.bundle)
    bundle = as_signed(pack.bundle)
    tenant = Tenant.objects.get(id=pack.tenant_id)
    receipts = receipts_behind(bundle)
    parts = _parts(bundle)
    sections = [{"id": f"s{place}", **section} for place, section in enumerate(_sections(parts), start=1)]
    notary = [_notarization(record) for record in notary_records(pack)]
    return {
        "document": {
            "kind": f"Evidence Pack {bundle.code}",
            "heading": bundle.title,
            "subtitle": bundle.purpose or f"Evidence for {len(parts['controls'])} controls.",
            "tenant": tenant.name,
            "staged": STAGED if (bundle.manifest or {}).get("bundle", {}).get("staged") else "",
            "facts": _facts(bundle, parts, receipts),
            "foot": f"Manifest root {bundle.manifest_digest}",
            "root": {
                "label": "Manifest root, SHA-256.",
                "says": "It stands at the foot of every page.",
                "digest": bundle.manifest_digest,
            },
            "qr": qr_code(url=bundle_url(tenant_slug=tenant.slug, bundle=bundle), title=f"Open {bundle.code} online"),
            "qr_caption": [bundle_url(tenant_slug=tenant.slug, bundle=bundle).partition("://")[2]],
            "sections": sections,
            "reading_note": _reading_note(len(sections)),
            "verdict": report.verdict,
            **_alarm(report),
        },
        "summary": _summary(bundle, report, receipts),
        **parts,
        "receipts": [_receipt(receipt) for receipt in receipts],
        "notary": notary,
        "nobody": "" if any(each["is_outside"] for each in notary) else NOBODY,
        "verify": _verify(pack),
    }


def _parts(bundle: EvidenceBundle) -> dict[str, Any]:
    """Return what the sealed manifest and artifacts hold, section by section."""
    document = bundle.manifest or {}
    timeline = _artifact_json(bundle, "incident/timeline.json")
    postmortem = _artifact_json(bundle, "postmortem/postmortem.json")
    return {
        "controls": _controls(document["controls"]),
        "findings": [_finding(each) for each in document["findings"]],
        "superseded": [_superseded(each) for each in document.get("superseded_findings", [])],
        "timeline": [_entry(each) for each in timeline["entries"]] if timeline else [],
        "postmortem": _postmortem(postmortem) if postmortem else None,
        "artifacts": [_artifact(each) for each in document["artifacts"]],
    }


def _controls(listed: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the controls under their frameworks' names, primary ones first."""
    names = dict(Framework.objects.values_list("key", "name"))
    named = [{**each, "framework": f"{names.get(each['framework'], each['framework'])}"} for each in listed]
    return sorted(named, key=lambda each: each["part"])


def _sections(parts: dict[str, Any]) -> list[dict[str, str]]:
    titles = {
        "summary": "Summary",
        "controls": "Controls covered",
        "findings": "What was tested",
        "timeline": "Timeline",
        "postmortem": "Postmortem",
        "artifacts": "Artifacts",
        "receipts": "Attestations and receipts",
        "verify": "Verify this pack yourself",
    }
    return [{"key": key, "title": title} for key, title in titles.items() if parts.get(key, True)]


def _facts(bundle: EvidenceBundle, parts: dict[str, Any], receipts: list[Receipt]) -> list[tuple[str, list[str]]]:
    by_framework: dict[str, list[str]] = {}
    for control in parts["controls"]:
        if control["part"] == "PRIMARY":
            by_framework.setdefault(control["framework"], []).append(control["code"])
    named = [f"{framework}: {', '.join(codes)}" for framework, codes in by_framework.items()]
    supporting = sum(control["part"] != "PRIMARY" for control in parts["controls"])
    assert bundle.sealed_at is not None
    contents = [f"{number(len(parts['artifacts']))} artifacts,", f"{number(len(receipts))} receipts"]
    return [
        ("Controls", named + ([f"and {supporting} in support"] if supporting else [])),
        ("Period", _period(bundle)),
        ("Sealed", [exact_moment(bundle.sealed_at), f"by {bundle.sealed_by_name}"]),
        ("Contents", contents),
        ("Conclusion", [bundle.get_conclusion_display(), _tally(counts(bundle.findings))]),
        ("Handling", ["Confidential", *([f"Retain to {_date(bundle)}"] if bundle.retain_until else [])]),
    ]


def _period(bundle: EvidenceBundle) -> list[str]:
    begin, end = bundle.effective_from, bundle.effective_to or bundle.effective_from
    if day(begin) == day(end):
        return [day(begin), f"{clock_time(begin)} to {clock_time(end)} UTC"]
    return [f"{exact_moment(begin)} to", exact_moment(end)]


def _date(bundle: EvidenceBundle) -> str:
    assert bundle.retain_until is not None
    return f"{bundle.retain_until.day} {bundle.retain_until:%b %Y}"


def _tally(counted: FindingCounts) -> str:
    """Return the numbers with what they are out of."""
    if not counted.total:
        return "No checks were recorded"
    unchecked = f", {counted.not_checked} not checked" if counted.not_checked else ""
    return f"{counted.passed} of {counted.total} checks passed{unchecked}"


def _alarm(report: ChainReport) -> dict[str, str]:
    if report.is_verified:
        return {}
    faults = [f"{link.title}: {link.detail}." for link in report.links if link.state == BAD]
    damaged = f" Damaged or missing: {', '.join(report.damaged)}." if report.damaged else ""
    changed = "".join(f" {each}." for each in report.differences[:ALARMED])
    shown = f"{changed} This document shows what was signed." if changed else ""
    reason = " ".join(faults) or "The seal is not in the log yet."
    return {"alarm": NOT_VERIFIED, "alarm_reason": f"{reason}{damaged}{shown}"}


def _reading_note(last: int) -> str:
    return (
        "Every page carries the manifest root in its footer. If it equals the digest that you recompute from the "
        f"files (section {last}), nothing in this bundle has changed since it was sealed. Findings are tests of the "
        "organisation's own; they are no auditor's opinion. All times are UTC."
    )


def _summary(bundle: EvidenceBundle, report: ChainReport, receipts: list[Receipt]) -> dict[str, Any]:
    run, incident = bundle.run, bundle.incident
    facts = [
        ("Conclusion", f"{bundle.get_conclusion_display()}. {_tally(counts(bundle.findings))}."),
        ("Environment", bundle.environment.name if bundle.environment else "Not tied to one"),
        ("Collected by", f"{run.code}, {run.title} (version {run.workflow_version})" if run else bundle.opened_by_name),
        ("Incident", f"{incident.code}, {incident.severity}, {incident.title}" if incident else ""),
        ("Opened", f"{exact_moment(bundle.opened_at)} by {bundle.opened_by_name}"),
        ("Supersedes", bundle.supersedes.code if bundle.supersedes else ""),
    ]
    checks = [
        {"name": link.title, "how": HOW[link.key], "result": link.detail, "tone": TONES.get(link.state, "wait")}
        for link in report.links
    ]
    signed = sum(receipt.envelope is not None for receipt in receipts)
    checks.insert(
        3,
        {
            "name": "Receipts",
            "how": "Those that led to the seal, signed and numbered in the log",
            "result": f"{signed} of {len(receipts)}",
            "tone": "ok" if signed == len(receipts) else "bad",
        },
    )
    return {"lead": _lead(bundle), "facts": [fact for fact in facts if fact[1]], "checks": checks}


def _lead(bundle: EvidenceBundle) -> str:
    """Return what was found, in a sentence that does not go beyond it."""
    counted = counts(bundle.findings)
    if not counted.total:
        return "No checks were recorded with this bundle; it holds the artifacts as they were collected."
    unchecked = f" {counted.not_checked} could not be made." if counted.not_checked else ""
    replaced = _replaced(bundle)
    if counted.exceptions:
        failed = ", ".join(each["title"].lower() for each in bundle.findings if each["result"] == EXCEPTION)
        return f"{counted.exceptions} of {counted.total} checks found an exception: {failed}.{unchecked}{replaced}"
    none = "" if replaced else ", and none found an exception"
    return f"{counted.passed} of {counted.total} checks passed{none}.{unchecked}{replaced}"


def _replaced(bundle: EvidenceBundle) -> str:
    """Name the exceptions that were recorded first and replaced: they are part of what was found."""
    entries = [
        (finding["title"].lower(), entry["reason"])
        for entry in bundle.superseded_findings
        for finding in entry["findings"]
        if finding["result"] == EXCEPTION
    ]
    return "".join(f" An exception was recorded and replaced: {title} ({reason})." for title, reason in entries)


def _superseded(entry: dict[str, Any]) -> dict[str, Any]:
    """Return what was recorded and replaced, with who replaced it, when and why."""
    at = exact_moment(parse_rfc3339(entry["at"]))
    return {
        "findings": [_finding(each) for each in entry["findings"]],
        "by": f"Replaced {at} by {entry['by']['name']}: {entry['reason']}",
    }


def _finding(finding: dict[str, str]) -> dict[str, str]:
    words = {PASS: ("ok", "Passed"), NOT_CHECKED: ("wait", "Not checked")}
    tone, word = words.get(finding["result"], ("bad", "Exception"))
    return {**finding, "tone": tone, "word": word}


def _entry(entry: dict[str, Any]) -> dict[str, str]:
    at = parse_rfc3339(entry["occurred_at"])
    return {"at": f"{day(at)}, {clock_time(at)}", "says": entry["says"], "text": entry["text"]}


def _postmortem(content: dict[str, Any]) -> dict[str, Any]:
    drafted = exact_moment(parse_rfc3339(content["drafted_at"]))
    return {
        "byline": f"Version {content['version']}, drafted by {content['drafted_by']}, {drafted}. "
        "Numbers name the entries of the timeline that each statement rests on.",
        "sections": [
            {
                "title": section["title"],
                "blocks": [
                    {"text": block["text"], "by": block.get("by", ""), "sources": _numbers(block["sources"])}
                    for block in section["blocks"]
                ],
            }
            for section in content["sections"]
            if section["blocks"] and section["key"] != "timeline"
        ],
    }


def _numbers(sources: list[int]) -> str:
    """Return the first few numbers: a statement about the whole record would name every entry."""
    return ", ".join(map(str, sources[:6])) + (" …" if len(sources) > 6 else "")


def _artifact(artifact: dict[str, Any]) -> dict[str, str]:
    at = parse_rfc3339(artifact["collected_at"])
    return {
        "path": artifact["path"],
        "digest": artifact["digest"],
        "role": artifact["role"],
        "by": artifact["collected_by"]["name"],
        "size": byte_size(artifact["size_bytes"]),
        "at": clock_time(at),
        "day": day(at),
    }


def _receipt(receipt: Receipt) -> dict[str, str]:
    return {
        "action": receipt.action,
        "name": receipt.subject_name,
        "actor": receipt.actor_name,
        "authenticated": receipt.authenticated,
        "at": exact_moment(receipt.occurred_at),
        "entry": str(receipt.leaf_index),
    }


def _notarization(record: Any) -> dict[str, Any]:
    is_outside = record.adapter.kind in independent_kinds()
    return {
        "name": record.adapter.name,
        "kind": record.adapter.kind if is_outside else "our own key, a self-witness",
        "is_outside": is_outside,
        "at": exact_moment(record.attested_at),
        "anchor": record.trust_anchor,
    }


def _verify(pack: Pack) -> dict[str, str]:
    ring = keyring()
    return {
        "name": pack_name(pack),
        "root": pack.bundle.manifest_digest,
        "seal_key": ring.keys(SEAL)[0].fingerprint,
        "log_key": ring.keys(LOG)[0].fingerprint,
    }


def _artifact_json(bundle: EvidenceBundle, path: str) -> Any:
    """Return the content of a sealed JSON artifact; None if there is none, or it can no longer be read."""
    digest = next((each.digest for each in artifacts_of(bundle) if each.path == path), None)
    if digest is None or not blobs.verify(tenant_id=bundle.tenant_id, digest=digest):
        return None
    return json.loads(blobs.read(tenant_id=bundle.tenant_id, digest=digest))
