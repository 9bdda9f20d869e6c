"""Gapless numbers per tenant: INC-1, INC-2, … A number exists only if its row was committed."""

from __future__ import annotations

from uuid import UUID

from django.db import connection

from conductor.lib.ids import uuid7

_NEXT = """
    INSERT INTO conductor_numberseries (id, tenant_id, series, last) VALUES (%s, %s, %s, 1)
    ON CONFLICT (tenant_id, series) DO UPDATE SET last = conductor_numberseries.last + 1
    RETURNING last
"""


def next_number(*, tenant_id: UUID, series: str) -> int:
    """Return the next number of the series. Must run inside the transaction that uses it.

    The row lock makes writers of one series wait for one another, which is the price of no gaps.
    """
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, [uuid7(), tenant_id, series])
        number: int = cursor.fetchone()[0]
    return number
