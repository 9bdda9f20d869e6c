"""The doors for alerts: three shapes of notification, the ledger of dispositions, and a person's word on one."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from ninja import Field, Router
from ninja.responses import Status

from conductor.api.answers import kept_as
from conductor.lib.clock import now
from conductor.tenancy.actors import require
from conductor.tenancy.requests import TenantRequest
from incidents import lifecycle, selectors
from incidents.alerts import AlertmanagerWebhook, GrafanaWebhook, PagerDutyEvent, take_in
from incidents.api.response_schemas import (
    AlertDecisionIn,
    AlertPageOut,
    AlertRecordOut,
    SourceIn,
    SourceOut,
)
from incidents.api.schemas import AlertOutcome, IntakeOut
from incidents.models import AlertRecord

router = Router(tags=["alerts"])


@router.post("/alertmanager", response=IntakeOut, operation_id="receive_alertmanager")
@kept_as(IntakeOut)
def receive_alertmanager(request: TenantRequest, payload: AlertmanagerWebhook) -> Any:
    """Take a notification of Alertmanager (webhook version 4) in, and say what became of each alert."""
    dispositions = take_in(tenant_id=request.tenant.id, signals=payload.signals(), actor=request.actor, now=now())
    return {"dispositions": dispositions, "truncated_alerts": payload.truncated_alerts}


@router.post("/grafana", response=IntakeOut, operation_id="receive_grafana")
@kept_as(IntakeOut)
def receive_grafana(request: TenantRequest, payload: GrafanaWebhook) -> Any:
    """Take a notification of Grafana's webhook contact point in, and say what became of each alert."""
    dispositions = take_in(tenant_id=request.tenant.id, signals=payload.signals(), actor=request.actor, now=now())
    return {"dispositions": dispositions, "truncated_alerts": payload.truncated_alerts}


@router.post("/pagerduty", response={202: IntakeOut}, operation_id="receive_pagerduty_event")
@kept_as(IntakeOut)
def receive_pagerduty_event(request: TenantRequest, payload: PagerDutyEvent) -> Any:
    """Take an event in the shape of PagerDuty's Events API v2 in: for tools that can only speak to PagerDuty."""
    dispositions = take_in(tenant_id=request.tenant.id, signals=payload.signals(), actor=request.actor, now=now())
    return Status(202, {"dispositions": dispositions, "truncated_alerts": 0})


@router.get("", response=AlertPageOut, operation_id="list_alerts")
def list_alerts(
    request: TenantRequest,
    outcome: AlertOutcome | None = None,
    before: UUID | None = None,
    limit: Annotated[int, Field(ge=1, le=200)] = 50,
) -> Any:
    """Every alert that came in, newest first, with its disposition; those of incidents that you may see."""
    require(actor=request.actor, permission="view_incidents")
    found, older = selectors.alerts(outcome=outcome.value if outcome else "", before=before, limit=limit)
    return {"items": found, "next_before": older, "waiting": selectors.alerts_waiting()}


@router.post("/{alert_id}/disposition", response=AlertRecordOut, operation_id="decide_alert")
def decide_alert(request: TenantRequest, alert_id: UUID, payload: AlertDecisionIn) -> Any:
    """Decide about an alert that waits: make it an incident, or say why it is none."""
    require(actor=request.actor, permission="respond")
    alert = selectors.alert_by_id(alert_id=alert_id)
    if payload.declare:
        lifecycle.declare_from_alert(alert=alert, actor=request.actor, now=now())
    else:
        lifecycle.dismiss_alert(alert=alert, reason=payload.reason, actor=request.actor, now=now())
    return AlertRecord.objects.select_related("incident").get(id=alert.id)


@router.post("/sources", response={201: SourceOut}, operation_id="add_alert_source")
def add_alert_source(request: TenantRequest, payload: SourceIn) -> Any:
    """Let a sender of signed webhooks in. The answer is the only sight of its secret."""
    made = lifecycle.add_alert_source(
        tenant_id=request.tenant.id, name=payload.name, shape=payload.shape, actor=request.actor, now=now()
    )
    path = f"/hooks/{request.tenant.slug}/alerts/{made.source.name}"
    return Status(201, {"name": made.source.name, "path": path, "secret": made.secret})
