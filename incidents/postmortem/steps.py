"""The steps of the incident workflows: doors between the engine and the verbs."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from adapters.delivery.lifecycle import deliver
from adapters.models.adapter import Delivery
from conductor.console.documents.documents import Attachment, render_pdf
from conductor.engine.define.context import StepContext, Wait
from conductor.ledger import blobs
from conductor.lib.canonical import canonical_json
from conductor.lib.refs import ref
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.followups.action_items import record_reminder
from incidents.followups.reminders import moments, next_look
from incidents.models.action_item import ActionItem
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.models.postmortem import Postmortem
from incidents.postmortem.document.context import document_context, file_name
from incidents.postmortem.draft.measures import chart_files
from incidents.postmortem.lifecycle import draft_postmortem as draft
from incidents.postmortem.lifecycle import store_rendering
from incidents.postmortem.measurement import read_charts
from incidents.record.notices import payload_of
from incidents.timeline.lifecycle import record_notices

DECLARED_EVENT = "incidents.incident.declared"
PAGED_EVENT = "incidents.responder.paged"
REMINDER_EVENT = "incidents.action_item.reminded"
TEMPLATE = "incidents/postmortem/document.html"
MEASURE_TRIES = 3
"""A postmortem does not wait longer for a metrics source that is away."""


def notify_declared(ctx: StepContext) -> dict[str, Any]:
    """Tell every enabled notification adapter that an incident was declared; once each, however often this runs."""
    with tenant_scope(ctx.tenant_id):
        incident = _incident(ctx)
        payload = payload_of(incident=incident, tenant_slug=ctx.tenant_slug)
    ctx.heartbeat()
    deliveries = deliver(
        tenant_id=ctx.tenant_id,
        event=DECLARED_EVENT,
        subject=incident.ref,
        payload=payload,
        key=ctx.idempotency_key,
        now=ctx.now(),
        environment_id=incident.environment_id,
    )
    sent = sum(delivery.status == Delivery.Status.SENT for delivery in deliveries)
    failed = len(deliveries) - sent
    if deliveries:
        with tenant_scope(ctx.tenant_id):
            record_notices(
                incident=incident,
                event="declaration",
                sent=sent,
                failed=failed,
                key=ctx.idempotency_key,
                actor=ctx.actor,
                now=ctx.now(),
            )
    ctx.log("notices sent" if sent else "nobody was notified", sent=sent, failed=failed)
    return {"sent": sent, "failed": failed}


def collect_measures(ctx: StepContext) -> dict[str, Any]:
    """Ask the metrics sources about the time of the impact. After some tries it goes on without those that are away."""
    with tenant_scope(ctx.tenant_id):
        incident = _incident(ctx)
    charts = read_charts(incident=incident, now=ctx.now(), beat=ctx.heartbeat, give_up=ctx.attempt >= MEASURE_TRIES)
    blob = blobs.put(tenant_id=ctx.tenant_id, data=canonical_json(charts))
    missing = sum(chart["state"] != "ok" for chart in charts)
    ctx.log("measures read", read=len(charts) - missing, missing=missing)
    return {"digest": blob.digest, "read": len(charts) - missing, "missing": missing}


def draft_postmortem(ctx: StepContext) -> dict[str, Any]:
    """Draft the next version of the postmortem from the timeline and what the metrics sources said."""
    charts = json.loads(blobs.read(tenant_id=ctx.tenant_id, digest=ctx.outputs["incidents.collect_measures"]["digest"]))
    with tenant_scope(ctx.tenant_id):
        postmortem = draft(
            incident=_incident(ctx),
            charts=charts,
            actor=ctx.actor,
            now=ctx.now(),
            idempotency_key=ctx.idempotency_key,
        )
    ctx.log("postmortem drafted", version=postmortem.version, entries=postmortem.through_seq)
    return {
        "postmortem": ref("incidents.postmortem", postmortem.id),
        "postmortem_id": str(postmortem.id),
        "version": postmortem.version,
        "content_digest": postmortem.content_digest,
    }


def render_postmortem(ctx: StepContext) -> dict[str, Any]:
    """Render the drafted or approved version as PDF and keep it by its digest. Same version and state, same bytes."""
    drafted = ctx.outputs.get("incidents.draft_postmortem", ctx.input)
    with tenant_scope(ctx.tenant_id):
        postmortem = Postmortem.objects.select_related("incident__environment").get(id=UUID(drafted["postmortem_id"]))
        tenant = Tenant.objects.get(id=ctx.tenant_id)
    incident = postmortem.incident
    name = file_name(incident=incident, postmortem=postmortem, suffix="pdf")
    pdf = render_pdf(
        template=TEMPLATE,
        context=document_context(
            incident=incident, postmortem=postmortem, tenant_name=tenant.name, is_staged=tenant.is_staged
        ),
        created=postmortem.drafted_at,
        identifier=f"{incident.code}-postmortem-v{postmortem.version}",
        title=f"Postmortem of {incident.code}: {incident.title}",
        attachments=[
            Attachment(name, data, description, postmortem.drafted_at)
            for name, data, description in chart_files(postmortem.charts)
        ],
    )
    ctx.heartbeat()
    blob = blobs.put(tenant_id=ctx.tenant_id, data=pdf)
    with tenant_scope(ctx.tenant_id):
        store_rendering(postmortem=postmortem, blob=blob, name=name, actor=ctx.actor, now=ctx.now())
    ctx.log("postmortem rendered", name=name, size_bytes=blob.size_bytes)
    return {"name": name, "digest": blob.digest, "size_bytes": blob.size_bytes}


def page(ctx: StepContext) -> dict[str, Any]:
    """Tell every enabled notification adapter who is called into the incident, and why."""
    with tenant_scope(ctx.tenant_id):
        incident = _incident(ctx)
        called = TimelineEvent.objects.get(incident=incident, seq=ctx.input["entry"])
        payload = payload_of(incident=incident, tenant_slug=ctx.tenant_slug)
    whom = called.data["to"]["name"]
    payload["title"] = f"{whom}: you are called to {payload['title']}"
    people = ", ".join(each["name"] for each in called.data["to"].get("people", ()))
    facts = {
        "Called": whom,
        "People": people,
        "By": called.actor_name,
        "Why": "" if incident.is_private else called.body,
    }
    payload["facts"] |= {label: value for label, value in facts.items() if value}
    ctx.heartbeat()
    sent = [each for each in _deliver(ctx, incident, PAGED_EVENT, payload) if each.status == Delivery.Status.SENT]
    ctx.log("page sent" if sent else "the page reached nobody", sent=len(sent))
    return {"sent": len(sent)}


def _deliver(ctx: StepContext, incident: Incident, event: str, payload: dict[str, Any]) -> list[Delivery]:
    return deliver(
        tenant_id=ctx.tenant_id,
        event=event,
        subject=incident.ref,
        payload=payload,
        key=ctx.idempotency_key,
        now=ctx.now(),
        environment_id=incident.environment_id,
    )


def remind_owner(ctx: StepContext) -> dict[str, Any]:
    """Remind the owner of an open action item when a reminder is due, then sleep until the next morning."""
    with tenant_scope(ctx.tenant_id):
        item = ActionItem.objects.select_related("incident__environment").get(id=UUID(ctx.input["action_item_id"]))
        payload = _reminder(item, ctx.tenant_slug, ctx.now())
    if not item.is_open:
        return {"reminders": item.reminders, "ended": item.status}
    due = [moment for moment in moments(item) if moment <= ctx.now()]
    if len(due) > item.reminders:
        ctx.heartbeat()
        deliver(
            tenant_id=ctx.tenant_id,
            event=REMINDER_EVENT,
            subject=item.ref,
            payload=payload,
            key=f"{ctx.idempotency_key}:{due[-1]:%Y%m%d}",
            now=ctx.now(),
            environment_id=item.incident.environment_id,
        )
        with tenant_scope(ctx.tenant_id):
            record_reminder(item=item, count=len(due))
        ctx.log("owner reminded", reminder=len(due))
    if len(due) == len(moments(item)):
        return {"reminders": len(due), "ended": "given up"}
    raise Wait(until=next_look(ctx.now()), reason=f"{item.code} is open")


def _reminder(item: ActionItem, tenant_slug: str, now: datetime) -> dict[str, Any]:
    """Return the notice. Of a private incident it says no word: only whose turn it is, and where to read."""
    if item.incident.is_private:
        title, text = f"{item.code}: action item of a private incident", ""
    else:
        title, text = f"{item.code}: {item.title}", item.detail
    late = f"{(now.date() - item.due_date).days} days overdue" if item.due_date and now.date() > item.due_date else ""
    facts = {
        "Action item": item.code,
        "Incident": item.incident.code,
        "Owner": item.owner_name or "Nobody",
        "Due": item.due_date.isoformat() if item.due_date else "No date",
        "Overdue": late,
    }
    return {
        "title": title,
        "text": text,
        "url": f"{settings.CONDUCTOR_BASE_URL}/t/{tenant_slug}/incidents/actions/{item.code}/",
        "facts": {label: value for label, value in facts.items() if value},
    }


def _incident(ctx: StepContext) -> Incident:
    return Incident.objects.select_related("environment").get(id=UUID(ctx.input["incident_id"]))
