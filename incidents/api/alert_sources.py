"""The senders of alerts: listed, added, tried out, mapped, given another secret and ended."""

from __future__ import annotations

from typing import Any

from ninja import Router
from ninja.responses import Status

from conductor.api.answers import kept_as
from conductor.lib.clock import now
from conductor.tenancy.actors import require
from conductor.tenancy.requests import TenantRequest
from incidents import lifecycle, selectors
from incidents.alerts import try_out
from incidents.api.alert_schemas import MappingIn, NewSourceOut, RotationIn, SourceIn, SourceOut
from incidents.api.schemas import IntakeOut

router = Router(tags=["alerts"])


@router.get("", response=list[SourceOut], operation_id="list_alert_sources")
def list_alert_sources(request: TenantRequest) -> Any:
    """Every alert source, live and ended, without its secret."""
    require(actor=request.actor, permission="manage_adapters")
    return selectors.alert_sources()


@router.post("", response={201: NewSourceOut}, operation_id="add_alert_source")
def add_alert_source(request: TenantRequest, payload: SourceIn) -> Any:
    """Let a sender of alerts in. The answer is the only sight of its secret."""
    made = lifecycle.add_alert_source(
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
    source = selectors.alert_source(name=name)
    return lifecycle.rotate_alert_source(source=source, secret=payload.secret, actor=request.actor, now=now())


@router.post("/{name}/test", response=IntakeOut, operation_id="test_alert_source")
@kept_as(IntakeOut)
def test_alert_source(request: TenantRequest, name: str) -> Any:
    """Send the source a signed test. It declares no incident."""
    require(actor=request.actor, permission="manage_adapters")
    return try_out(source=selectors.alert_source(name=name), now=now())


@router.put("/{name}/severities", response=SourceOut, operation_id="map_alert_severities")
def map_alert_severities(request: TenantRequest, name: str, payload: MappingIn) -> Any:
    """Say what the sender's severity words mean, in place of what was said before."""
    require(actor=request.actor, permission="manage_adapters")
    source = selectors.alert_source(name=name)
    return lifecycle.map_severities(source=source, words=payload.severity_words, actor=request.actor, now=now())


@router.post("/{name}/end", response=SourceOut, operation_id="end_alert_source")
def end_alert_source(request: TenantRequest, name: str) -> Any:
    """Take nothing from the source any more."""
    require(actor=request.actor, permission="manage_adapters")
    return lifecycle.end_alert_source(source=selectors.alert_source(name=name), actor=request.actor, now=now())
