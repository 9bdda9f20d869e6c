"""Remembers the answer to a delivery: a sender that tries again gets the same, and nothing happens twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from conductor.lib.canonical import sha256_hex
from incidents.models.alert import AlertDelivery, AlertSource

REMEMBERED = timedelta(days=7)
"""Longer than any sender tries again: PagerDuty does for two days, senders of Standard Webhooks for about one."""

Answer = dict[str, Any]


def deliver_once(
    *, source: AlertSource, delivery_id: str, now: datetime, take: Callable[[], Answer]
) -> tuple[Answer, bool]:
    """Return the answer to the delivery, and whether it was given before; `take` runs for the first one only.

    The row is inserted before `take` runs and committed with its effects: a second delivery waits for the first, and
    one that failed leaves its id free. What has expired is forgotten here.
    """
    digest = sha256_hex(delivery_id.encode("utf-8", "ignore"))
    AlertDelivery.objects.filter(source=source, expires_at__lt=now).delete()
    row = AlertDelivery(tenant_id=source.tenant_id, source=source, id_digest=digest, expires_at=now + REMEMBERED)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return AlertDelivery.objects.get(source=source, id_digest=digest).answer, True
    with transaction.atomic():
        row.answer = take()
        row.save(update_fields=["answer"])
    return row.answer, False
