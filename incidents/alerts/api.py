"""Alerts in the API: three shapes of notification, the ledger of dispositions, and a person's word on one."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Router
from ninja.responses import Status

from conductor.api.requests.answers import kept_as
from conductor.api.requests.auth import BearerToken
from conductor.lib.clock import now
from conductor.tenancy.actors import require
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenant_id_for_slug
from conductor.tenancy.requests import TenantRequest
from incidents.alerts import source_api
from incidents.alerts.intake import take_in
from incidents.alerts.lifecycle import declare_from_alert, dismiss_alert
from incidents.alerts.parsers.alertmanager import read_alertmanager
from incidents.alerts.parsers.pagerduty import read_event
from incidents.alerts.parsers.signal import Notification
from incidents.alerts.parsers.values import document_of
from incidents.alerts.receiving import answer_of, event_answer, key_in, receive_event
from incidents.alerts.selectors import alert_by_id, alerts, alerts_waiting
from incidents.alerts.shapes import EVENT, NOTIFICATION, body
from incidents.alerts.sources import source_by_key
from incidents.models.alert import AlertRecord, AlertSource
from incidents.record.schemas import AlertOutcome, EventTakenOut, IntakeOut
from incidents.response.schemas import AlertDecisionIn, AlertPageOut, AlertRecordOut

router = Router(tags=["alerts"])
router.add_router("/sources", source_api.router)


@router.post("/alertmanager", response=IntakeOut, operation_id="receive_alertmanager", openapi_extra=body(NOTIFICATION))
@kept_as(IntakeOut)
def receive_alertmanager(request: TenantRequest) -> Any:
    """Take a notification of Alertmanager (webhook version 4) in, and say what became of each alert."""
    return _group(request, "alertmanager")


@router.post("/grafana", response=IntakeOut, operation_id="receive_grafana", openapi_extra=body(NOTIFICATION))
@kept_as(IntakeOut)
def receive_grafana(request: TenantRequest) -> Any:
    """Take a notification of Grafana's webhook contact point in, and say what became of each alert."""
    return _group(request, "grafana")


def _group(request: TenantRequest, source: str) -> Any:
    require(actor=request.actor, permission="respond")
    notification = read_alertmanager(document_of(request.body), source=source, words={})
    return _taken(request, notification)


def _taken(request: TenantRequest, notification: Notification) -> dict[str, Any]:
    found = take_in(tenant_id=request.tenant.id, notification=notification, actor=request.actor, now=now())
    return answer_of(notification, found)


def _source_of_event(request: HttpRequest) -> AlertSource | None:
    """Return the source that the routing key in the event's body names; None (401) where it names none."""
    slug = request.resolver_match.kwargs.get("tenant", "") if request.resolver_match else ""
    tenant_id = tenant_id_for_slug(slug)
    if tenant_id is None:
        return None
    request.event = document_of(request.body)  # type: ignore[attr-defined]
    with tenant_scope(tenant_id):
        return source_by_key(routing_key=key_in(request.event), now=now())  # type: ignore[attr-defined]


@router.post(
    "/pagerduty",
    response={202: EventTakenOut},
    operation_id="receive_pagerduty_event",
    auth=[BearerToken(), _source_of_event],
    openapi_extra=body(EVENT),
)
@kept_as(EventTakenOut)
def receive_pagerduty_event(request: TenantRequest) -> Any:
    """Take an event of PagerDuty's Events API v2 in: for tools that can only speak to PagerDuty.

    A token lets it in, or the `routing_key` of an alert source.
    """
    source = request.auth  # type: ignore[attr-defined]
    if isinstance(source, AlertSource):
        with tenant_scope(source.tenant_id):
            return Status(202, receive_event(source=source, document=request.event, now=now()))  # type: ignore[attr-defined]
    require(actor=request.actor, permission="respond")
    notification = read_event(document_of(request.body), source="pagerduty", words={})
    return Status(202, event_answer(notification, _taken(request, notification)))


@router.get("", response=AlertPageOut, operation_id="list_alerts")
def list_alerts(
    request: TenantRequest,
    outcome: AlertOutcome | None = None,
    before: UUID | None = None,
    limit: Annotated[int, Field(ge=1, le=200)] = 50,
) -> Any:
    """Every alert that came in, newest first, with its disposition; those of incidents that you may see."""
    require(actor=request.actor, permission="view_incidents")
    found, older = alerts(outcome=outcome.value if outcome else "", before=before, limit=limit)
    return {"items": found, "next_before": older, "waiting": alerts_waiting()}


@router.post("/{alert_id}/disposition", response=AlertRecordOut, operation_id="decide_alert")
def decide_alert(request: TenantRequest, alert_id: UUID, payload: AlertDecisionIn) -> Any:
    """Decide about an alert that waits: make it an incident, or say why it is none."""
    require(actor=request.actor, permission="respond")
    alert = alert_by_id(alert_id=alert_id)
    if payload.declare:
        declare_from_alert(alert=alert, actor=request.actor, now=now())
    else:
        dismiss_alert(alert=alert, reason=payload.reason, actor=request.actor, now=now())
    return AlertRecord.objects.select_related("incident").get(id=alert.id)
