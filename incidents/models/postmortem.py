"""What is learned from an incident afterwards."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from conductor.tenancy.models import TenantModel
from incidents.models.incident import Incident


class Postmortem(TenantModel):
    """A version of an incident's postmortem. A later version supersedes, it does not overwrite."""

    class Status(models.TextChoices):
        DRAFT = "DRAFT", "Draft"
        PUBLISHED = "PUBLISHED", "Published"

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="postmortems")
    version = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    sections = models.JSONField()
    """List of {"key", "title", "blocks": [{"text": str, "sources": [timeline seq], "at"?: RFC 3339, "by"?: str}]}, in
    reading order. Every block has at least one source."""
    metrics = models.JSONField(default=list)
    """List of {"key", "label", "seconds": int | null, "state": "ok"|"missing"|"invalid", "why": str}."""
    content_digest = models.CharField(max_length=64)
    """SHA-256 over the canonical JSON of {"sections", "metrics"}: what a reader approves, and the PDF prints."""
    through_seq = models.PositiveIntegerField()
    """The newest timeline entry that the draft has read."""
    idempotency_key = models.CharField(max_length=120, blank=True)
    """Of the workflow step that drafted it: the same step never drafts twice."""
    pdf_digest = models.CharField(max_length=64, blank=True)
    """SHA-256 of the rendered PDF in the blob store; empty until rendered."""
    pdf_size_bytes = models.PositiveBigIntegerField(null=True)
    drafted_at = models.DateTimeField()
    drafted_by = models.CharField(max_length=200)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["incident", "version"], name="postmortem_version_unique"),
            models.UniqueConstraint(
                fields=["tenant", "idempotency_key"], condition=~Q(idempotency_key=""), name="postmortem_drafted_once"
            ),
        ]

    def __str__(self) -> str:
        return f"postmortem {self.version}"
