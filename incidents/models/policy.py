"""A tenant's response policy: guards, roles and cadence as data, one row for each version."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from conductor.tenancy.models import TenantModel


class ResponsePolicy(TenantModel):
    """A version of the rules by which this tenant responds. Append-only: the highest version is in force.

    A tenant without one follows the built-in policy, which is version 0 (incidents/data/response-policy.json).
    """

    version = models.PositiveIntegerField()
    content = models.JSONField()
    """As incidents.response.policy.Content describes it."""
    digest = models.CharField(max_length=64)
    """SHA-256 of the content as canonical JSON."""
    reason = models.TextField()
    changed_by = models.CharField(max_length=120)
    changed_by_name = models.CharField(max_length=200)
    changed_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "version"], name="response_policy_version_unique")
        ]

    def __str__(self) -> str:
        return f"response policy {self.version}"
