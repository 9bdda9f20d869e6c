"""The variables of templates/evidence/packs/document.html: plain values, so that rendering reads no row and no clock.

Everything about the bundle comes from its sealed manifest and artifacts, not from rows that may have changed since.
"""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from conductor.console.documents.documents import qr_code
from conductor.console.format.values import exact_moment
from conductor.console.staged import STAGED
from evidence.bundles.findings import counts
from evidence.bundles.naming import INCIDENT_BUNDLE
from evidence.bundles.verification import BAD, NOBODY, ChainReport
from evidence.models import EvidenceBundle, Pack
from evidence.packs.document import conclusion, identity, index
from evidence.packs.document.material import Material, material_of
from evidence.packs.document.receipts import told

NOT_VERIFIED = "NOT VERIFIED"
ALARMED = 10
"""Changed fields that the cover names."""
SHORT, LONG = 8, 1200
"""Rows up to which a table stays whole, if its cells hold fewer characters than this."""
_ON_COVER = 6
"""Primary controls of one framework that the cover names."""
_SECTIONS = (
    ("", "about", "What this document is, and is not"),
    ("A", "identity", "Identity"),
    ("B", "procedure", "Control and procedure"),
    ("C", "sources", "Where the files come from"),
    ("D", "population", "Population and sample"),
    ("E", "completeness", "Completeness and accuracy"),
    ("F", "record", "Record of the incident"),
    ("G", "attributes", "Attributes tested"),
    ("H", "exceptions", "Exceptions"),
    ("I", "conclusion", "Conclusion and order of evidence"),
    ("J", "signs", "Sign-off"),
    ("K", "index", "Evidence index"),
    ("L", "checking", "Receipts, and how to check"),
)


def document_context(*, pack: Pack) -> dict[str, Any]:
    """Return the document of the pack, as the verification finds the bundle now. Needs the tenant's scope."""
    return context_of(material_of(pack=pack))


def context_of(material: Material) -> dict[str, Any]:
    """Return the document of what was gathered. No query: equal material gives an equal document."""
    bundle = material.bundle
    cover = conclusion.on_cover(material)
    findings = _findings(material)
    return {
        "document": {
            "kind": f"Evidence bundle {bundle.code}",
            "heading": bundle.title,
            "subtitle": bundle.purpose or f"Evidence for {len(material.manifest['controls'])} controls.",
            "running": f"Evidence bundle {bundle.code}: {cover['title'].lower()}, {_signed(material)}",
            "tenant": material.organisation,
            "staged": STAGED if material.manifest["bundle"].get("staged") else "",
            "conclusion": cover,
            "figures": conclusion.figures(material),
            "facts": _facts(material),
            "independence": _independence(material),
            "root": {
                "label": "Manifest, SHA-256.",
                "says": "It stands at the foot of every page; section L says how to recompute it.",
                "digest": bundle.manifest_digest,
            },
            "foot": f"Manifest {bundle.manifest_digest}",
            "sections": [_section(*each) for each in _SECTIONS],
            "verdict": material.report.verdict,
            **_qr(material),
            **_alarm(material.report),
        },
        "about": _about(material),
        "identity": identity.facts(material),
        "controls": identity.controls(material),
        "procedure": identity.procedure(material),
        "sources": index.sources(material),
        "organisation": material.organisation,
        "population": identity.population(material),
        "completeness": identity.completeness(material),
        "record": index.record(material),
        "findings": findings,
        "tally": _tally(bundle),
        "is_short": len(findings) <= SHORT and sum(len(each["actual"] + each["detail"]) for each in findings) < LONG,
        "exceptions": conclusion.exceptions(material),
        "order": conclusion.order(material),
        "signs": conclusion.sign_off(material),
        "index": index.files(material),
        "notaries": [_notary(material, each) for each in material.notaries],
        "nobody": "" if material.vouched_outside else NOBODY,
        "receipts": told(material.receipts),
        "checking": {
            "name": material.name,
            "root": bundle.manifest_digest,
            "seal_key": material.seal_key,
            "log_key": material.log_key,
            "organisation": material.organisation,
        },
    }


def _signed(material: Material) -> str:
    """Return what fits into the head of a page: whether a person has signed."""
    return conclusion.standing(material) if material.is_concluded_by_person else "not signed"


def _section(letter: str, key: str, title: str) -> dict[str, str]:
    return {
        "id": f"s{letter or '0'}",
        "letter": letter,
        "key": key,
        "title": title,
        "template": f"evidence/packs/paper/{key}.html",
    }


def _findings(material: Material) -> list[dict[str, str]]:
    numbered = conclusion.exception_ids(material)
    return [
        {
            **each,
            **conclusion.RESULTS[each["result"]],
            "detail": conclusion.detail(each),
            "exception": numbered.get(each["check"], ""),
        }
        for each in material.bundle.findings
    ]


def _tally(bundle: EvidenceBundle) -> str:
    counted = counts(bundle.findings)
    return (
        f"{counted.total} checks: {counted.passed} made and found no exception, {counted.exceptions} found one, "
        f"{counted.not_checked} not made."
    )


def _facts(material: Material) -> list[tuple[str, list[str]]]:
    bundle = material.bundle
    retain = bundle.retain_until
    by_framework: dict[str, list[str]] = {}
    listed = identity.controls(material)
    for control in listed:
        if control["part"] == "PRIMARY":
            by_framework.setdefault(control["framework"], []).append(control["code"])
    named = [
        f"{name}: {', '.join(codes[:_ON_COVER])}{' …' if len(codes) > _ON_COVER else ''}"
        for name, codes in by_framework.items()
    ]
    supporting = sum(control["part"] != "PRIMARY" for control in listed)
    return [
        ("Controls", named + ([f"{supporting} more in support, section B"] if supporting else [])),
        ("Period", identity.period(bundle)),
        ("Handling", ["Confidential", *([f"Keep until {retain.day} {retain:%b %Y}"] if retain else [])]),
    ]


def _independence(material: Material) -> dict[str, str]:
    outside = material.vouched_outside
    if not outside:
        return {
            "says": f"Nobody outside {material.organisation} has vouched for this.",
            "because": "The seal and its time are Conductor’s own. Anyone who holds its keys could have made another.",
        }
    names = ", ".join(sorted({each.adapter.name for each in outside}))
    times = [each.attested_at for each in outside if each.attested_at]
    when = f" on {exact_moment(min(times))}" if times else ""
    return {
        "says": f"Time-stamped by {names}{when}.",
        "because": f"It is not {material.organisation}’s own, and it saw the digest of the manifest, not the files.",
    }


def _about(material: Material) -> dict[str, list[str]]:
    run = material.manifest["links"]["run"]
    is_incident = bool(run) and run["workflow"] == INCIDENT_BUNDLE
    what = "one incident" if is_incident else "one run of a workflow" if run else "what people attached and recorded"
    opinion = "An auditor’s opinion."
    if not material.is_concluded_by_person:
        opinion = "An auditor’s opinion, nor a conclusion of management: nobody has signed it."
    return {
        "is": [
            f"A test of {material.organisation}’s own, of {what}, check by check.",
            "Sealed as it stands, with what is missing. A later answer goes into a later bundle that names this one.",
        ],
        "not": [
            opinion,
            "A statement on anything outside the period and the sources that it names, which the organisation chose.",
            "Proof that the sources were right. Their content was kept as it was read.",
        ],
    }


def _qr(material: Material) -> dict[str, Any]:
    """Return the code of the bundle's page, only where somebody outside could open it."""
    if not is_public(material.address):
        return {}
    code = material.bundle.code
    return {
        "qr": qr_code(url=material.address, title=f"Open {code} online"),
        "qr_caption": [f"Opens {code} online"],
    }


def is_public(address: str) -> bool:
    """Return whether the address can mean anything to a reader elsewhere: https, and no name or number of a LAN."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    try:
        return parts.scheme == "https" and ipaddress.ip_address(host).is_global
    except ValueError:
        local = (".local", ".localhost", ".internal", ".lan", ".test", ".example", ".invalid")
        return parts.scheme == "https" and "." in host and not host.endswith(local)


def _alarm(report: ChainReport) -> dict[str, str]:
    if report.is_verified:
        return {}
    faults = [f"{link.title}: {link.detail}." for link in report.links if link.state == BAD]
    damaged = f" Damaged or missing: {', '.join(report.damaged)}." if report.damaged else ""
    changed = "".join(f" {each}." for each in report.differences[:ALARMED])
    shown = f"{changed} This document shows what was signed." if changed else ""
    reason = " ".join(faults) or "The seal is not in the log yet."
    return {"alarm": NOT_VERIFIED, "alarm_reason": f"{reason}{damaged}{shown}"}


def _notary(material: Material, record: Any) -> dict[str, Any]:
    is_outside = record.adapter.kind in material.outside_kinds
    return {
        "name": record.adapter.name,
        "kind": record.adapter.kind if is_outside else "our own key, a self-witness",
        "is_outside": is_outside,
        "at": exact_moment(record.attested_at),
        "anchor": record.trust_anchor.removeprefix("sha256:"),
        "is_digest": record.trust_anchor.startswith("sha256:"),
    }
