"""Gapless numbers per tenant: INC-1, INC-2, … A number exists only if its row was committed."""

from __future__ import annotations

from uuid import UUID

from django.db.models import F

from conductor.tenancy.models import NumberSeries


def next_number(*, tenant_id: UUID, series: str) -> int:
    """Return the next number of the series. Must run inside the transaction that uses it.

    The row lock makes writers of one series wait for one another, which is the price of no gaps.
    """
    NumberSeries.objects.bulk_create([NumberSeries(tenant_id=tenant_id, series=series)], ignore_conflicts=True)
    row = NumberSeries.objects.select_for_update().get(tenant_id=tenant_id, series=series)
    NumberSeries.objects.filter(id=row.id).update(last=F("last") + 1)
    return row.last + 1
