"""Breaker: whether a notary is asked at the moment, and by whom."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from adapters.models.adapter import AdapterConfig
from conductor.tenancy.models import TenantModel


class Breaker(TenantModel):
    """The circuit breaker before one notary, and whose turn it is to ask (adapters.configuration.breaker).

    Closed without `opened_at`; else open until `retry_at`, and half-open from then on.
    """

    adapter = models.ForeignKey(AdapterConfig, on_delete=models.CASCADE, related_name="+")
    failures = models.PositiveSmallIntegerField(default=0)
    """Questions in a row that were not answered."""
    opened_at = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    code = models.CharField(max_length=40, blank=True)
    """Stable name of the last failure; empty after an answer."""
    error = models.CharField(max_length=500, blank=True)
    turn_of = models.CharField(max_length=32, blank=True)
    """Token of the worker whose turn it is; empty where it is nobody's."""
    turn_ends_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "adapter"], name="breaker_once"),
            models.CheckConstraint(
                condition=Q(opened_at=None, retry_at=None) | Q(opened_at__isnull=False, retry_at__isnull=False),
                name="breaker_open_until",
            ),
        ]

    def __str__(self) -> str:
        return "closed" if self.opened_at is None else f"open until {self.retry_at:%H:%M:%S}"
