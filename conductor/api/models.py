"""IdempotentResponse: that a request was answered and with which rows, so that a repeat does nothing."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from conductor.tenancy.models import TenantModel


class IdempotentResponse(TenantModel):
    """What became of one (token, Idempotency-Key), for 24 hours. It holds none of the words that were answered."""

    actor = models.CharField(max_length=120)
    """Ref of the token."""
    key = models.CharField(max_length=200)
    request_digest = models.CharField(max_length=64)
    """SHA-256 over method, path and content: the same key with another request is refused."""
    status = models.PositiveSmallIntegerField(null=True)
    """NULL while the first request is still at work; 0 for the operation's usual one."""
    answer = models.JSONField(default=dict)
    """What the answer is made from again (conductor.api.requests.answers)."""
    permissions = models.JSONField(default=list)
    """What the first request was asked for, and a repeat is asked for again."""
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "actor", "key"], name="idempotent_response_unique")
        ]

    def __str__(self) -> str:
        return self.key
