"""PolicyBundle and PolicyDecision: which rules were in force, and what they said of each key action."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from conductor.tenancy.models import TenantModel


class PolicyBundle(models.Model):
    """The built-in Rego files as one revision, kept so that an old decision can be read with its rules."""

    digest = models.CharField(max_length=64, primary_key=True)
    """SHA-256 over the sorted (name, content) of the files."""
    files = models.JSONField()
    """{file name: Rego text}."""
    loaded_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.digest[:12]


class PolicyDecision(TenantModel):
    """What policy said of one request. Written whatever the answer, and never changed."""

    action = models.CharField(max_length=80)
    """Dotted and imperative: `incidents.resolve`."""
    allow = models.BooleanField()
    reasons = models.JSONField(default=list)
    """List of {"code": str, "message": str}; empty when allowed."""
    input = models.JSONField()
    """The input document as evaluated (conductor.policy.inputs), secrets masked."""
    input_digest = models.CharField(max_length=64)
    bundle_digest = models.CharField(max_length=64)
    path = models.CharField(max_length=120)
    """The queried rule, for example `data.conductor.incidents.declare`."""
    engine = models.CharField(max_length=40)
    engine_version = models.CharField(max_length=40)
    duration_us = models.PositiveIntegerField(help_text="Evaluation time in microseconds")
    decided_at = models.DateTimeField()
    actor = models.CharField(max_length=120)
    subject = models.CharField(max_length=120, blank=True)
    """Ref of what the request was about; empty when it does not exist yet."""

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant", "subject", "decided_at"], name="decision_subject"),
            models.Index(fields=["tenant", "decided_at"], name="decision_time"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {'allowed' if self.allow else 'denied'}"
