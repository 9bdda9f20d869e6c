"""The one verb of metering."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from conductor.lib.refs import Ref
from conductor.metering.models import MeterEvent


def record(*, tenant_id: UUID, meter: str, quantity: Decimal | float, subject: Ref, key: str, now: datetime) -> None:
    """Record a quantity used. Recording the same `key` again changes nothing."""
    MeterEvent.objects.bulk_create(
        [
            MeterEvent(
                tenant_id=tenant_id, meter=meter, quantity=Decimal(str(quantity)), subject=subject, key=key, at=now
            )
        ],
        ignore_conflicts=True,
    )
