"""Celery's doors into evidence. A receipt wakes them up; the sweep finds what a lost message left."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from celery import shared_task
from django.conf import settings

from adapters.notaries.lifecycle import work_off
from conductor.engine.claim.wake import send
from conductor.ledger.export.stamping import REQUESTED
from conductor.ledger.models import Receipt
from conductor.lib.clock import now
from conductor.lib.deadlines import conversation
from conductor.lib.refs import parse_ref
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenant_refs
from evidence.anchoring import anchor_checkpoint, stamp_receipts
from evidence.bundles.naming import postmortem_cause
from evidence.bundles.verification import SEALED
from evidence.workflows.incident.lifecycle import collect_for_incident
from evidence.workflows.incident.selectors import incidents_without_evidence
from incidents.models.incident import Incident

RENDERED = "incidents.postmortem.rendered"
COLLECT = "evidence.collect_for_incident"
STAMP = "evidence.stamp_receipts"
NOTARIZE = "evidence.notarize_seals"
ANCHOR = "evidence.anchor_log"
NOTARY_SECONDS = 60.0
"""For all that one task asks a tenant's notaries. What it did not get to waits in their backlog."""


@shared_task(name=COLLECT, ignore_result=True)
def collect(*, tenant_id: str, incident_id: str, cause: str, **_later: Any) -> None:
    """Start collecting the evidence of an incident whose postmortem was rendered."""
    with tenant_scope(UUID(tenant_id)):
        incident = Incident.objects.get(id=UUID(incident_id))
        if not incident.is_active:
            collect_for_incident(incident=incident, cause=cause, actor=Actor.system(), now=now())


@shared_task(name="evidence.sweep_incidents", ignore_result=True)
def sweep_incidents(**_later: Any) -> None:
    """Start what a lost message left: resolved incidents with a rendered postmortem that no run has collected."""
    for tenant in tenant_refs():
        with tenant_scope(tenant.id):
            for incident, cause in incidents_without_evidence():
                collect_for_incident(incident=incident, cause=cause, actor=Actor.system(), now=now())


@shared_task(name="evidence.anchor_checkpoints", ignore_result=True)
def sweep_logs(**_later: Any) -> None:
    """Have each tenant's log stamped by a task of its own: slow notaries of one hold nobody else's up."""
    for tenant in tenant_refs():
        send(ANCHOR, {"tenant_id": str(tenant.id)}, expires=settings.CONDUCTOR_ANCHOR_SECONDS)


@shared_task(name=ANCHOR, ignore_result=True)
def anchor(*, tenant_id: str, **_later: Any) -> None:
    """Have what is new in the tenant's log stamped by its notaries."""
    with conversation(NOTARY_SECONDS):
        anchor_checkpoint(tenant_id=UUID(tenant_id), now=now())
        stamp_receipts(tenant_id=UUID(tenant_id), now=now())


@shared_task(name=STAMP, ignore_result=True)
def stamp(*, tenant_id: str, **_later: Any) -> None:
    """Have the tenant's receipts stamped that somebody asked for."""
    with conversation(NOTARY_SECONDS):
        stamp_receipts(tenant_id=UUID(tenant_id), now=now())


@shared_task(name=NOTARIZE, ignore_result=True)
def notarize_seals(*, tenant_id: str, **_later: Any) -> None:
    """Ask the tenant's notaries about what a seal put into their backlog; `anchor` finds what a lost message left."""
    with conversation(NOTARY_SECONDS):
        work_off(tenant_id=UUID(tenant_id), now=now())


def wake_notaries(receipt: Receipt) -> None:
    """Receipt subscriber: a bundle was sealed by hand. A run asks notaries in a step of its own."""
    if receipt.action == SEALED and not any(link.startswith("conductor.run:") for link in receipt.links):
        send(NOTARIZE, {"tenant_id": str(receipt.tenant_id)})


def wake_stamper(receipt: Receipt) -> None:
    """Receipt subscriber: somebody wants a time stamp."""
    if receipt.action == REQUESTED:
        send(STAMP, {"tenant_id": str(receipt.tenant_id)})


def wake_collector(receipt: Receipt) -> None:
    """Receipt subscriber: the rendered postmortem of a resolved incident means that its record is complete."""
    if receipt.action != RENDERED or not receipt.body.get("is_final"):
        return
    postmortem = next((link for link in receipt.links if link.startswith("incidents.postmortem:")), receipt.subject)
    cause = postmortem_cause(postmortem, is_approved=bool(receipt.body.get("is_approved")))
    incident_id = parse_ref(receipt.subject)[1]
    send(COLLECT, {"tenant_id": str(receipt.tenant_id), "incident_id": incident_id, "cause": cause})
