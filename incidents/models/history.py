"""What happened to an incident: its moves and its timeline. Append-only, which the database holds."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from conductor.tenancy.models import TenantModel
from incidents.models.incident import Incident
from incidents.models.words import Status


class StatusTransition(TenantModel):
    """One move of an incident's status. Append-only."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="transitions")
    seq = models.PositiveIntegerField()
    from_status = models.CharField(max_length=10, blank=True)
    """Empty for the declaration."""
    to_status = models.CharField(max_length=10, choices=Status.choices)
    reason = models.TextField(blank=True)
    actor = models.CharField(max_length=120)
    actor_name = models.CharField(max_length=200)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    inferred = models.BooleanField(default=False)
    """Whether nobody said it and a later move implies it."""
    policy_version = models.PositiveIntegerField(default=0)
    """Version of the response policy whose guards were asked; 0 is the built-in one."""
    guards = models.JSONField(default=list)
    """The guards that were asked: list of {"guard": str, "met": bool, "why": str}."""
    override = models.JSONField(null=True)
    """{"by": Ref, "by_name": str, "reason": str} where unmet guards were overridden."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "incident", "seq"], name="transition_seq_unique")
        ]
        ordering: ClassVar = ["seq"]

    def __str__(self) -> str:
        return f"{self.from_status} to {self.to_status}"


class TimelineEvent(TenantModel):
    """One entry of an incident's timeline. Append-only: a correction is another entry that supersedes."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="timeline")
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=40)
    """An EventKind. The list grows with what the product records; the column need not know it."""
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    actor = models.CharField(max_length=120)
    actor_name = models.CharField(max_length=200)
    source = models.CharField(max_length=8)
    """The channel: console, api, slack, alert, engine, cli; or import."""
    body = models.TextField(blank=True)
    data = models.JSONField(default=dict)
    """Facts of the entry, by kind (incidents.wording reads them): {"from", "to"} for changes, refs for links."""
    receipt_id = models.UUIDField(null=True)
    """The receipt written in the same transaction."""
    supersedes = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "incident", "seq"], name="timeline_seq_unique")
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "incident", "-seq"], name="timeline_newest")]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"
