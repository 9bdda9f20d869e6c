"""What happened to an incident: its moves and its timeline. Append-only, which the database holds."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from conductor.tenancy.models import TenantModel
from incidents.models.choices import MilestoneKey, Status
from incidents.models.incident import Incident


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
    """Facts of the entry, by kind (incidents.record.wording reads them): {"from", "to"} for changes, refs for links."""
    receipt_id = models.UUIDField(null=True)
    """The receipt written in the same transaction."""
    body_salt = models.CharField(max_length=32, blank=True)
    data_salt = models.CharField(max_length=32, blank=True)
    """Random; dropped with what it salts, so that nobody can guess what a redacted entry said."""
    body_digest = models.CharField(max_length=64, blank=True)
    data_digest = models.CharField(max_length=64, blank=True)
    chain_digest = models.CharField(max_length=64, blank=True)
    """SHA-256 over this entry's place, times, author and digests, and the entry before (incidents.record.chain)."""
    redacted_at = models.DateTimeField(null=True)
    """When its words were dropped. The digests stay, so the chain still holds."""
    supersedes = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "incident", "seq"], name="timeline_seq_unique")
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "incident", "-seq"], name="timeline_newest")]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"


class Redaction(TenantModel):
    """That an entry's words are to be dropped: one person asks, another one approves or refuses.

    What is answered never changes: the database refuses. An entry whose request was refused or withdrawn may be asked
    about again.
    """

    class State(models.TextChoices):
        WAITING = "WAITING", "Waits for a second person"
        APPROVED = "APPROVED", "Approved"
        REFUSED = "REFUSED", "Refused"
        WITHDRAWN = "WITHDRAWN", "Withdrawn"

    OVER: ClassVar = [State.REFUSED, State.WITHDRAWN]
    """After these the same entry may be asked about again."""
    ANSWER: ClassVar = ["state", "answered_by", "answered_by_name", "answered_at", "answer_reason"]
    """The fields that an answer fills."""

    event = models.ForeignKey(TimelineEvent, on_delete=models.PROTECT, related_name="redactions")
    reason = models.TextField()
    legal_basis = models.CharField(max_length=200)
    drops_data = models.BooleanField(default=False)
    """Whether the entry's facts go with its text."""
    requested_by = models.CharField(max_length=120)
    requested_by_name = models.CharField(max_length=200)
    requested_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    answered_by = models.CharField(max_length=120, blank=True)
    answered_by_name = models.CharField(max_length=200, blank=True)
    answered_at = models.DateTimeField(null=True)
    answer_reason = models.TextField(blank=True)
    """Why it was refused, or withdrawn."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "event"],
                condition=models.Q(state__in=["WAITING", "APPROVED"]),
                name="redaction_one_per_entry",
            ),
            # One person asks and another one answers; only whoever asked takes it back.
            models.CheckConstraint(
                condition=models.Q(state="WAITING", answered_at=None)
                | models.Q(
                    ~models.Q(answered_by=models.F("requested_by")),
                    state__in=["APPROVED", "REFUSED"],
                    answered_at__isnull=False,
                )
                | models.Q(state="WITHDRAWN", answered_at__isnull=False, answered_by=models.F("requested_by")),
                name="redaction_by_two_people",
            ),
        ]

    def __str__(self) -> str:
        return f"redaction of entry {self.event_id}"


class Milestone(TenantModel):
    """A moment that somebody asserted. Append-only: the newest of its key counts."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="milestones")
    key = models.CharField(max_length=20, choices=MilestoneKey.choices)
    at = models.DateTimeField()
    reason = models.TextField(blank=True)
    asserted_by = models.CharField(max_length=120)
    asserted_by_name = models.CharField(max_length=200)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(key__in=MilestoneKey.values), name="milestone_key_known")
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "incident", "key"], name="milestone_of_incident")]

    def __str__(self) -> str:
        return f"{self.key} at {self.at}"
