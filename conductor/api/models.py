"""IdempotentResponse: the answer already given to a request, so that a repeat gets it again."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from conductor.tenancy.models import TenantModel


class IdempotentResponse(TenantModel):
    """The stored answer to one (actor, Idempotency-Key). Kept for 24 hours at least."""

    actor = models.CharField(max_length=120)
    key = models.CharField(max_length=200)
    request_digest = models.CharField(max_length=64)
    """SHA-256 over method, path and body: the same key with another request is refused."""
    status = models.PositiveSmallIntegerField(null=True)
    """NULL while the first request is still at work."""
    body = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "actor", "key"], name="idempotent_response_unique")
        ]

    def __str__(self) -> str:
        return self.key
