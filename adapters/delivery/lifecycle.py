"""Have messages delivered: once per adapter and key, each outcome committed by itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import F

from adapters.configuration import opening
from adapters.configuration.receipts import ERROR_CHARACTERS
from adapters.models.adapter import AdapterConfig, Delivery
from adapters.ports.protocols import AdapterError, Message, Port
from conductor.lib.refs import Ref
from conductor.observability.metrics import DELIVERIES
from conductor.tenancy.database.scope import tenant_scope


def deliver(
    *,
    tenant_id: UUID,
    event: str,
    subject: Ref,
    payload: Mapping[str, Any],
    key: str,
    now: datetime,
    environment_id: UUID | None = None,
) -> list[Delivery]:
    """Send a message through every enabled notification adapter of the environment; return the deliveries.

    Not inside a transaction: each outcome is committed by itself. What was SENT under this `key` is not sent again.
    After a lost answer it is, under the same key, by which the receiver can tell. A failure for good is recorded
    and holds nobody else up; a temporary one is raised after all were tried, so that the engine tries again.
    """
    message = Message.of(event=event, subject=subject, payload=payload, at=now)
    trouble: AdapterError | None = None
    with tenant_scope(tenant_id):
        recipients = AdapterConfig.serving(port=Port.NOTIFICATION.value, environment_id=environment_id)
        prepared = [_prepare(config, message, key, now) for config in recipients]
    for delivery in prepared:
        if delivery.status == Delivery.Status.PENDING:
            trouble = _longer(trouble, _send(delivery, now))
    with tenant_scope(tenant_id):
        ids = [delivery.id for delivery in prepared]
        found = list(Delivery.objects.filter(id__in=ids).select_related("adapter").order_by("adapter__name"))
    if trouble is not None:
        raise trouble
    return found


def _longer(one: AdapterError | None, other: AdapterError | None) -> AdapterError | None:
    """Return which of two failures asks to be left alone for longer."""
    found = [each for each in (one, other) if each is not None]
    return max(found, key=lambda each: each.retry_after or timedelta(0), default=None)


def _prepare(config: AdapterConfig, message: Message, key: str, now: datetime) -> Delivery:
    delivery, _created = Delivery.objects.get_or_create(
        tenant_id=config.tenant_id,
        adapter=config,
        key=key[:160],
        defaults={
            "subject": message.subject,
            "event": message.event,
            "message": message.as_json(),
            "created_at": now,
        },
    )
    return delivery


def _send(delivery: Delivery, now: datetime) -> AdapterError | None:
    """Send one message and record how it went; return a temporary failure for the caller to raise."""
    message = Message.of(
        event=delivery.event, subject=delivery.subject, payload=delivery.message, at=delivery.created_at
    )
    fields: dict[str, Any]
    failure: AdapterError | None = None
    recipient = ""
    try:
        with tenant_scope(delivery.tenant_id):
            adapter = opening.notification(delivery.adapter)
        recipient = adapter.recipient
        sent = adapter.send(message=message, key=delivery.key, now=now)
        fields = {"status": Delivery.Status.SENT, "sent_at": now, "provider_id": sent.provider_id[:200]}
        fields["error"] = sent.warning[:ERROR_CHARACTERS]
    except AdapterError as error:
        status = Delivery.Status.FAILED if error.permanent else Delivery.Status.PENDING
        fields = {"status": status, "error": error.message[:ERROR_CHARACTERS]}
        failure = None if error.permanent else error
    with tenant_scope(delivery.tenant_id):
        pending = Delivery.objects.filter(id=delivery.id, status=Delivery.Status.PENDING)
        pending.update(attempts=F("attempts") + 1, recipient=recipient[:200], **fields)
    DELIVERIES.labels(delivery.adapter.kind, str(fields["status"]).lower()).inc()
    return failure
