"""The senders of alerts: listed, added, tried out, mapped, given another secret and ended."""

from __future__ import annotations

from typing import Any

from ninja import Router
from ninja.responses import Status

from conductor.api.requests.answers import kept_as
from conductor.lib.clock import now
from conductor.tenancy.actors import require
from conductor.tenancy.requests import TenantRequest
from incidents.alerts import sources
from incidents.alerts.receiving import try_out
from incidents.alerts.schemas import MappingIn, NewSourceOut, RotationIn, SourceIn, SourceOut
from incidents.alerts.selectors import alert_source, alert_sources
from incidents.alerts.sources import map_severities
from incidents.record.schemas import IntakeOut

router = Router(tags=["alerts"])


@router.get("", response=list[SourceOut], operation_id="list_alert_sources")
def list_alert_sources(request: TenantRequest) -> Any:
    """Every alert source, live and ended, without its secret."""
    require(actor=request.actor, permission="manage_adapters")
    return alert_sources()


@router.post("", response={201: NewSourceOut}, operation_id="add_alert_source")
def add_alert_source(request: TenantRequest, payload: SourceIn) -> Any:
    """Let a sender of alerts in. The answer is the only sight of its secret."""
    made = sources.add_alert_source(
        tenant_id=request.tenant.id,
        name=payload.name,
        shape=payload.shape,
        severity_words=payload.severity_words,
        actor=request.actor,
        now=now(),
    )
    return Status(201, made)


@router.post("/{name}/rotation", response=NewSourceOut, operation_id="rotate_alert_source")
def rotate_alert_source(request: TenantRequest, name: str, payload: RotationIn) -> Any:
    """Give the source another secret. The old one is still taken for 24 hours."""
    require(actor=request.actor, permission="manage_adapters")
    source = alert_source(name=name)
    return sources.rotate_alert_source(source=source, secret=payload.secret, actor=request.actor, now=now())


@router.post("/{name}/test", response=IntakeOut, operation_id="test_alert_source")
@kept_as(IntakeOut)
def test_alert_source(request: TenantRequest, name: str) -> Any:
    """Send the source a signed test. It declares no incident."""
    require(actor=request.actor, permission="manage_adapters")
    return try_out(source=alert_source(name=name), now=now())


@router.put("/{name}/severities", response=SourceOut, operation_id="map_alert_severities")
def map_alert_severities(request: TenantRequest, name: str, payload: MappingIn) -> Any:
    """Replace the mapping of the sender's severity words."""
    require(actor=request.actor, permission="manage_adapters")
    source = alert_source(name=name)
    return map_severities(source=source, words=payload.severity_words, actor=request.actor, now=now())


@router.post("/{name}/end", response=SourceOut, operation_id="end_alert_source")
def end_alert_source(request: TenantRequest, name: str) -> Any:
    """Take nothing from the source any more."""
    require(actor=request.actor, permission="manage_adapters")
    return sources.end_alert_source(source=alert_source(name=name), actor=request.actor, now=now())
