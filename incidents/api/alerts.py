"""The door for alerts."""

from __future__ import annotations

from typing import Any

from ninja import Router

from conductor.lib.clock import now
from conductor.tenancy.requests import TenantRequest
from incidents.alerts import AlertmanagerWebhook, take_in
from incidents.api.schemas import IntakeOut

router = Router(tags=["alerts"])


@router.post("/alertmanager", response=IntakeOut, operation_id="receive_alertmanager")
def receive_alertmanager(request: TenantRequest, payload: AlertmanagerWebhook) -> Any:
    """Take a notification of Alertmanager (webhook version 4) in, and say what became of each alert."""
    dispositions = take_in(tenant_id=request.tenant.id, webhook=payload, actor=request.actor, now=now())
    return {"dispositions": dispositions, "truncated_alerts": payload.truncated_alerts}
