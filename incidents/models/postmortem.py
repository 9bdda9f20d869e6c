"""What is learned from an incident afterwards."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from conductor.tenancy.models import TenantModel
from incidents.models.incident import Incident


class Postmortem(TenantModel):
    """A version of an incident's postmortem. A later version supersedes, it does not overwrite.

    Drafted from the record or edited by a person, its content never changes. What happens to a version is its review:
    DRAFT, IN_REVIEW, then APPROVED and PUBLISHED, or CHANGES where the reviewer sent it back. An edit makes a new
    version, whose review begins again.
    """

    class Status(models.TextChoices):
        DRAFT = "DRAFT", "Draft"
        IN_REVIEW = "IN_REVIEW", "In review"
        CHANGES = "CHANGES", "Changes requested"
        APPROVED = "APPROVED", "Approved"
        PUBLISHED = "PUBLISHED", "Published"

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="postmortems")
    version = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    sections = models.JSONField()
    """List of {"key", "title", "blocks": [{"text": str, "sources": [timeline seq], "at"?: RFC 3339, "by"?: str,
    "cells"?: [str], "mark"?: str}], "columns"?: [str], "edited"?: true}, in reading order. Every block has at least one
    source; a section without blocks says nothing and is not printed."""
    metrics = models.JSONField(default=list)
    """List of {"key", "label", "seconds": int | null, "state": "ok"|"missing"|"invalid", "why": str}."""
    charts = models.JSONField(default=list)
    """List of incidents.postmortem.measures.Chart: what the metrics sources said of the time around the impact."""
    content_digest = models.CharField(max_length=64)
    """SHA-256 over the canonical JSON of {"sections", "metrics", "charts"}: what a reader approves, and the PDF prints.
    Versions without charts leave the third out."""
    through_seq = models.PositiveIntegerField()
    """The newest timeline entry that the draft has read."""
    idempotency_key = models.CharField(max_length=120, blank=True)
    """Of the workflow step that drafted it: the same step never drafts twice."""
    pdf_digest = models.CharField(max_length=64, blank=True)
    """SHA-256 of the rendered PDF in the blob store; empty until rendered."""
    pdf_size_bytes = models.PositiveBigIntegerField(null=True)
    drafted_at = models.DateTimeField()
    drafted_by = models.CharField(max_length=200)
    authors = models.JSONField(default=list)
    """List of {"ref": Ref, "name": str}: the people whose words are in it. None of them may approve it."""
    is_final = models.BooleanField(default=False)
    """Whether it was drafted from a resolved incident, or edited from such a draft."""

    review_asked_at = models.DateTimeField(null=True)
    review_asked_by = models.CharField(max_length=200, blank=True)
    changes_asked_at = models.DateTimeField(null=True)
    """When a reviewer sent this version back, if one did."""
    changes_asked_by = models.CharField(max_length=200, blank=True)
    changes_comment = models.TextField(blank=True)
    approved_at = models.DateTimeField(null=True)
    approved_by = models.CharField(max_length=120, blank=True)
    approved_by_name = models.CharField(max_length=200, blank=True)
    waived = models.JSONField(default=list)
    """The keys of the required sections that were blank when it was approved; the approver named each."""
    waiver_reason = models.TextField(blank=True)
    published_at = models.DateTimeField(null=True)
    published_by = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "incident", "version"], name="postmortem_version_unique"),
            models.UniqueConstraint(
                fields=["tenant", "idempotency_key"], condition=~Q(idempotency_key=""), name="postmortem_drafted_once"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["DRAFT", "IN_REVIEW", "CHANGES", "APPROVED", "PUBLISHED"]),
                name="postmortem_status_known",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["DRAFT", "IN_REVIEW", "CHANGES"], approved_at__isnull=True)
                | Q(status__in=["APPROVED", "PUBLISHED"], approved_at__isnull=False),
                name="postmortem_approved_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(status="CHANGES") | (Q(changes_asked_at__isnull=False) & ~Q(changes_comment="")),
                name="postmortem_changes_say_what",
            ),
            models.CheckConstraint(condition=Q(waived=[]) | ~Q(waiver_reason=""), name="postmortem_waiver_has_reason"),
        ]

    def __str__(self) -> str:
        return f"postmortem {self.version}"
