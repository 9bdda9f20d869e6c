"""Verbs on postmortems: ask for a draft, write one, keep its rendering."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from conductor.engine.lifecycle.starting import start_run
from conductor.engine.models import Run
from conductor.ledger import receipts
from conductor.ledger.blobs import BlobInfo
from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.lib.refs import ref
from conductor.metering.lifecycle import record
from conductor.tenancy.actors import Actor, require
from incidents.incident.status import POSTMORTEM_WORKFLOW
from incidents.integrity.checks import require_unbroken
from incidents.integrity.postmortem_digest import content_digest
from incidents.models.choices import EventKind, Status
from incidents.models.incident import Incident
from incidents.models.postmortem import Postmortem
from incidents.postmortem.control_findings import UNKNOWN, ControlFinding, FindingState, count_of, findings_around
from incidents.postmortem.draft.sections import redrafted
from incidents.postmortem.measures import Chart
from incidents.postmortem.record import read_story
from incidents.record import topology
from incidents.record.writer import Entry, last_seq, lock, touch, write


def request_postmortem(*, incident: Incident, actor: Actor, now: datetime) -> Run:
    """Start the workflow that drafts and renders a new version; while one is under way, return that one."""
    require(actor=actor, permission="respond")
    with transaction.atomic():
        locked = lock(incident)
        runs = Run.objects.filter(workflow=POSTMORTEM_WORKFLOW, subject=locked.ref)
        if (under_way := runs.exclude(status__in=Run.OVER).first()) is not None:
            return under_way
        run = start_run(
            tenant_id=locked.tenant_id,
            workflow=POSTMORTEM_WORKFLOW,
            input={"incident_id": str(locked.id)},
            actor=actor,
            now=now,
            subject=locked.ref,
            environment_id=locked.environment_id,
        )
        topology.link_run(incident=locked, run=run, actor=actor, now=now)
    return run


def draft_postmortem(
    *,
    incident: Incident,
    actor: Actor,
    now: datetime,
    charts: Sequence[Chart] = (),
    idempotency_key: str = "",
) -> Postmortem:
    """Write the next version from the timeline as it is now. The same `idempotency_key` returns its version again.

    `charts` is what the metrics sources said; an entry vouches for it, and another for what evidence says of controls.
    Sections that people edited stay as they wrote them. Earlier versions stay as they are. Raise TimelineBroken where
    the record is not what was written.
    """
    require(actor=actor, permission="respond")
    with transaction.atomic():
        locked = lock(incident)
        if idempotency_key and (known := Postmortem.objects.filter(idempotency_key=idempotency_key).first()):
            return known
        require_unbroken(incident=locked)
        if charts:
            _vouch_for_charts(locked, charts, actor, now)
        if findings := findings_around(incident=locked, now=now):
            _vouch_for_findings(locked, findings, actor, now)
        version = Postmortem.objects.filter(incident=locked).count() + 1
        postmortem = _insert(locked, version, charts, findings, actor, now, idempotency_key)
        facts = {"version": version, "entries": postmortem.through_seq}
        write(
            incident=locked,
            action="postmortem.drafted",
            entries=[Entry(EventKind.POSTMORTEM_DRAFTED, data=facts)],
            actor=actor,
            now=now,
            body=facts,
            links=[ref("incidents.postmortem", postmortem.id)],
            subjects=[{"name": f"{locked.code}-postmortem-v{version}.json", "digest": postmortem.content_digest}],
        )
        touch(locked)
    return postmortem


def store_rendering(*, postmortem: Postmortem, blob: BlobInfo, name: str, actor: Actor, now: datetime) -> Postmortem:
    """Keep the digest of the rendered PDF on the version. Rendered already: nothing is written."""
    with transaction.atomic():
        unrendered = Postmortem.objects.filter(id=postmortem.id, pdf_digest="")
        if unrendered.update(pdf_digest=blob.digest, pdf_size_bytes=blob.size_bytes):
            _record_rendering(postmortem, blob, name, actor, now)
    postmortem.refresh_from_db()
    return postmortem


def _vouch_for_charts(incident: Incident, charts: Sequence[Chart], actor: Actor, now: datetime) -> None:
    missing = sum(chart["state"] != "ok" for chart in charts)
    facts = {
        "read": len(charts) - missing,
        "missing": missing,
        "sources": sorted({chart["source"] for chart in charts if chart["source"]}),
        "digest": sha256_hex(canonical_json(list(charts))),
    }
    entry = Entry(EventKind.MEASURES_READ, data=facts)
    write(incident=incident, action="measures.read", entries=[entry], actor=actor, now=now, body=facts)


def _vouch_for_findings(incident: Incident, findings: Sequence[ControlFinding], actor: Actor, now: datetime) -> None:
    totals: dict[str, int] = {"passed": 0, "failed": 0, "missing": 0, "unknown": 0}
    for finding in findings:
        totals[_total(FindingState(finding["state"]))] += count_of(finding)
    bundles = {each["ref"]: {"name": each["bundle"], "digest": each["manifest_digest"]} for each in findings}
    facts = {
        "controls": sum(totals.values()),
        **totals,
        "bundles": [{"ref": about, **told} for about, told in bundles.items() if about],
        "digest": sha256_hex(canonical_json(list(findings))),
    }
    write(
        incident=incident,
        action="controls.read",
        entries=[Entry(EventKind.CONTROLS_READ, data=facts)],
        actor=actor,
        now=now,
        body=facts,
        links=[about for about in bundles if about],
    )


def _total(state: FindingState) -> str:
    if state in UNKNOWN:
        return "unknown"
    return state.value if state in {FindingState.PASSED, FindingState.FAILED} else "missing"


def _insert(
    incident: Incident,
    version: int,
    charts: Sequence[Chart],
    findings: Sequence[ControlFinding],
    actor: Actor,
    now: datetime,
    key: str,
) -> Postmortem:
    story = read_story(incident=incident, charts=charts, findings=findings)
    before = Postmortem.objects.filter(incident=incident).order_by("-version").first()
    sections = redrafted(story=story, edited=before.sections if before else ())
    metrics = [metric.as_json() for metric in story.metrics]
    return Postmortem.objects.create(
        tenant_id=incident.tenant_id,
        incident=incident,
        version=version,
        sections=sections,
        metrics=metrics,
        charts=story.charts,
        content_digest=content_digest(sections=sections, metrics=metrics, charts=story.charts),
        through_seq=last_seq(incident),
        idempotency_key=key,
        drafted_at=now,
        drafted_by=actor.name,
        authors=before.authors if before else [],
        is_final=incident.status == Status.RESOLVED,
    )


def _record_rendering(postmortem: Postmortem, blob: BlobInfo, name: str, actor: Actor, now: datetime) -> None:
    incident = postmortem.incident
    receipts.append(
        tenant_id=incident.tenant_id,
        action="incidents.postmortem.rendered",
        subject=incident.ref,
        subject_name=str(incident)[:200],
        actor=actor,
        now=now,
        body={
            "incident": incident.code,
            "version": postmortem.version,
            "size_bytes": blob.size_bytes,
            "is_final": postmortem.is_final,
            "is_approved": postmortem.approved_at is not None,
        },
        links=[ref("incidents.postmortem", postmortem.id)],
        subjects=[{"name": name, "digest": blob.digest}],
    )
    record(
        tenant_id=incident.tenant_id,
        meter="incidents.document_bytes",
        quantity=blob.size_bytes,
        subject=incident.ref,
        key=f"postmortem:{postmortem.id}:{blob.digest[:16]}",
        now=now,
    )
