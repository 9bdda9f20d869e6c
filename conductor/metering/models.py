"""MeterEvent and PriceBook: what was used, and what a unit of it costs."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from conductor.tenancy.models import TenantModel


class MeterEvent(TenantModel):
    """A quantity used. `key` makes recording it twice harmless."""

    meter = models.CharField(max_length=60)
    """Dotted name with its unit last: `engine.step_seconds`, `evidence.artifact_bytes`."""
    quantity = models.DecimalField(max_digits=20, decimal_places=6)
    subject = models.CharField(max_length=120, blank=True)
    """Ref of what it was used for: a run, an incident, a bundle."""
    key = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "key"], name="meter_event_once"),
            models.CheckConstraint(condition=models.Q(quantity__gte=0), name="meter_event_not_negative"),
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "subject", "meter"], name="meter_event_subject")]

    def __str__(self) -> str:
        return f"{self.meter} {self.quantity}"


class PriceBook(models.Model):
    """The price of one unit of a meter from a date on, for the whole installation.

    What was used costs what was in force then: old prices stay, so old costs stay what they were.
    """

    meter = models.CharField(max_length=60)
    unit_price = models.DecimalField(max_digits=24, decimal_places=15)
    """Per second or byte: a gigabyte for two cents is 0.00000000002."""
    currency = models.CharField(max_length=3, default="USD")
    valid_from = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["meter", "valid_from"], name="price_unique"),
            models.CheckConstraint(condition=models.Q(unit_price__gte=0), name="price_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.meter} {self.unit_price.normalize():f} {self.currency}"
