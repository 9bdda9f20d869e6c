"""A bundle is opened, collects, or is given up. Sealing is next door."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from conductor.engine.models import Run
from conductor.ledger.models import Receipt
from conductor.ledger.receipts import append
from conductor.lib.clock import rfc3339
from conductor.lib.errors import Conflict, Invalid
from conductor.lib.moments import OUT_OF_RANGE, is_usable
from conductor.lib.refs import Ref, ref
from conductor.tenancy.actors import Actor, require
from conductor.tenancy.database.numbers import next_number
from conductor.tenancy.models import Environment
from controls.models import Control, WorkflowBinding
from controls.selectors import controls_by_ids, parts_of
from evidence.bundles import graph
from evidence.models import BundleControl, EvidenceBundle
from incidents.models.incident import Incident

Status = EvidenceBundle.Status


class BundleNotCollecting(Conflict):
    """The bundle is not collecting: nothing can be added to it or changed in it."""

    code = "bundle_not_collecting"


class BundleNotSealed(Conflict):
    """The bundle is not sealed."""

    code = "bundle_not_sealed"


class BundleSuperseded(Conflict):
    """Another bundle supersedes this one already."""

    code = "bundle_superseded"


def open_bundle(
    *,
    tenant_id: UUID,
    title: str,
    purpose: str,
    control_ids: Iterable[str],
    actor: Actor,
    effective_from: datetime,
    now: datetime,
    run_id: UUID | None = None,
    incident: Incident | None = None,
    environment: Environment | None = None,
    supersedes: EvidenceBundle | None = None,
    idempotency_key: str = "",
) -> EvidenceBundle:
    """Open a draft bundle for the controls (keys or aliases) and return it; with a known key, return the one it made.

    A control's part is what its live binding to the run's workflow says, else primary. A sealed bundle is superseded
    by naming it. Raise Invalid for no control, an unknown one or one named twice, an empty title, or a period that has
    not begun.
    """
    require(actor=actor, permission="collect_evidence")
    if found := _opened_before(idempotency_key):
        return found
    _refuse_unusable(title, effective_from, supersedes, now)
    controls = _controls(list(control_ids))
    run = Run.objects.get(id=run_id) if run_id else None
    try:
        with transaction.atomic():
            bundle = EvidenceBundle.objects.create(
                tenant_id=tenant_id,
                number=next_number(tenant_id=tenant_id, series="bundle"),
                title=title.strip(),
                purpose=purpose,
                environment=environment,
                run=run,
                incident=incident,
                supersedes=supersedes,
                effective_from=effective_from,
                opened_by=actor.ref,
                opened_by_name=actor.name,
                opened_at=now,
                idempotency_key=idempotency_key,
            )
            _cover(bundle, controls)
            append_receipt(bundle, "evidence.bundle.opened", actor, now, _opening(bundle, controls))
            graph.place_bundle(bundle=bundle, actor=actor, now=now)
    except IntegrityError:
        if found := _opened_before(idempotency_key):
            return found
        if supersedes is not None:
            raise BundleSuperseded from None
        raise
    return bundle


def start_collecting(*, bundle: EvidenceBundle, actor: Actor, now: datetime) -> EvidenceBundle:
    """Let artifacts in. Raise BundleNotCollecting unless the bundle is a draft."""
    require(actor=actor, permission="collect_evidence")
    return _move(bundle, [Status.DRAFT], Status.COLLECTING, "evidence.bundle.collecting", actor, now, {})


def abandon_bundle(*, bundle: EvidenceBundle, reason: str, actor: Actor, now: datetime) -> EvidenceBundle:
    """Give the bundle up, with the reason on record. It keeps its artifacts and can never be sealed."""
    require(actor=actor, permission="collect_evidence")
    if not reason.strip():
        raise Invalid(fields={"reason": ["Say why the bundle is given up."]})
    body = {"reason": reason.strip()}
    return _move(
        bundle, [Status.DRAFT, Status.COLLECTING], Status.ABANDONED, "evidence.bundle.abandoned", actor, now, body
    )


def append_receipt(
    bundle: EvidenceBundle,
    action: str,
    actor: Actor,
    now: datetime,
    body: dict[str, Any],
    subjects: Iterable[dict[str, str]] = (),
    links: Iterable[Ref] = (),
) -> Receipt:
    """Append a receipt about the bundle, linked to its run and incident. Needs the verb's transaction."""
    return append(
        tenant_id=bundle.tenant_id,
        action=action,
        subject=bundle.ref,
        subject_name=bundle.code,
        actor=actor,
        now=now,
        body=body,
        subjects=subjects,
        links=[*_links(bundle), *links],
    )


def _links(bundle: EvidenceBundle) -> list[Ref]:
    links = [ref("conductor.run", bundle.run_id)] if bundle.run_id else []
    return links + ([ref("incidents.incident", bundle.incident_id)] if bundle.incident_id else [])


def _move(
    bundle: EvidenceBundle,
    before: list[EvidenceBundle.Status],
    after: EvidenceBundle.Status,
    action: str,
    actor: Actor,
    now: datetime,
    body: dict[str, Any],
) -> EvidenceBundle:
    with transaction.atomic():
        if not EvidenceBundle.objects.filter(id=bundle.id, status__in=before).update(status=after):
            bundle.refresh_from_db()
            raise BundleNotCollecting(f"{bundle.code} is {bundle.get_status_display().lower()}.")
        append_receipt(bundle, action, actor, now, body)
    bundle.refresh_from_db()
    return bundle


def _opened_before(idempotency_key: str) -> EvidenceBundle | None:
    return EvidenceBundle.objects.filter(idempotency_key=idempotency_key).first() if idempotency_key else None


def _refuse_unusable(title: str, effective_from: datetime, supersedes: EvidenceBundle | None, now: datetime) -> None:
    fields: dict[str, list[str]] = {}
    if not title.strip() or len(title.strip()) > 200:
        fields["title"] = ["Give a title of at most 200 characters."]
    if effective_from.tzinfo is None:
        fields["effective_from"] = ["Name the time zone."]
    elif not is_usable(effective_from):
        fields["effective_from"] = [OUT_OF_RANGE]
    elif effective_from > now:
        fields["effective_from"] = ["The period must have begun."]
    if fields:
        raise Invalid(fields=fields)
    if supersedes is not None and not supersedes.is_sealed:
        raise BundleNotSealed(f"{supersedes.code} is not sealed, so it can still be changed itself.")


def _controls(control_ids: list[str]) -> list[Control]:
    """Return the controls; raise Invalid for none, and for one that is named twice, by key or by alias."""
    if not control_ids:
        raise Invalid(fields={"controls": ["Name at least one control that this is evidence for."]})
    controls = controls_by_ids(control_ids)
    if len({control.id for control in controls}) < len(control_ids):
        raise Invalid(fields={"controls": ["A control is named twice."]})
    return controls


def _cover(bundle: EvidenceBundle, controls: list[Control]) -> None:
    parts = parts_of(workflow=bundle.run.workflow, controls=controls) if bundle.run else {}
    BundleControl.objects.bulk_create(
        BundleControl(
            tenant_id=bundle.tenant_id,
            bundle=bundle,
            control=control,
            part=parts.get(control.id, WorkflowBinding.Part.PRIMARY),
        )
        for control in controls
    )


def _opening(bundle: EvidenceBundle, controls: list[Control]) -> dict[str, Any]:
    return {
        "title": bundle.title,
        "controls": [control.key for control in controls],
        "environment": bundle.environment.slug if bundle.environment else None,
        "effective_from": rfc3339(bundle.effective_from),
        "supersedes": bundle.supersedes.ref if bundle.supersedes else None,
    }
