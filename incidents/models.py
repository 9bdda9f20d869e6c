"""Incident, its transitions, roles, timeline and postmortem. History is rows, never overwritten columns."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from conductor.tenancy.models import Environment, TenantModel


class Severity(models.TextChoices):
    SEV1 = "SEV1", "SEV1"
    SEV2 = "SEV2", "SEV2"
    SEV3 = "SEV3", "SEV3"
    SEV4 = "SEV4", "SEV4"


class Status(models.TextChoices):
    OPEN = "OPEN", "Open"
    MITIGATED = "MITIGATED", "Mitigated"
    MONITORING = "MONITORING", "Monitoring"
    RESOLVED = "RESOLVED", "Resolved"


class Kind(models.TextChoices):
    REAL = "REAL", "Real"
    IMPORTED = "IMPORTED", "Imported"
    PRACTICE = "PRACTICE", "Practice"


class Role(models.TextChoices):
    COMMANDER = "COMMANDER", "Commander"
    OPERATIONS = "OPERATIONS", "Operations"
    COMMUNICATIONS = "COMMUNICATIONS", "Communications"
    SCRIBE = "SCRIBE", "Scribe"


class EventKind(models.TextChoices):
    """What an entry of the timeline says. The list is closed: wording and filters answer for each."""

    DECLARED = "incident.declared", "Declared"
    ACKNOWLEDGED = "incident.acknowledged", "Acknowledged"
    STATUS_CHANGED = "status.changed", "Status changed"
    REOPENED = "status.reopened", "Reopened"
    SEVERITY_CHANGED = "severity.changed", "Severity changed"
    TYPE_CHANGED = "type.changed", "Type changed"
    SERVICE_CHANGED = "service.changed", "Service changed"
    ROLE_ASSIGNED = "role.assigned", "Role assigned"
    ROLE_RELEASED = "role.released", "Role released"
    UPDATE_POSTED = "comms.update_posted", "Update"
    NOTICE_SENT = "notice.sent", "Notices sent"
    DECISION_RECORDED = "decision.recorded", "Decision"
    ALERT_FIRED = "alert.fired", "Alert fired"
    ALERT_RESOLVED = "alert.resolved", "Alert resolved"
    RUN_FINISHED = "run.finished", "Run finished"
    EVIDENCE_ATTACHED = "evidence.attached", "Evidence attached"
    POSTMORTEM_DRAFTED = "postmortem.drafted", "Postmortem drafted"
    IMPORTED_UPDATE = "imported.update", "Imported update"


class IncidentQuerySet(models.QuerySet["Incident"]):
    def active(self) -> IncidentQuerySet:
        """Those that are not resolved."""
        return self.exclude(status=Status.RESOLVED)

    def live_for(self, dedup_key: str) -> Incident | None:
        """Return the unresolved incident with this key; None for an empty key."""
        return self.active().filter(dedup_key=dedup_key).first() if dedup_key else None

    def real(self) -> IncidentQuerySet:
        """Those that happened here: neither imported history nor practice."""
        return self.filter(kind=Kind.REAL)


class Incident(TenantModel):
    """Something is broken, and somebody has it."""

    number = models.PositiveBigIntegerField()
    title = models.CharField(max_length=200)
    summary = models.TextField(blank=True)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.REAL)
    origin = models.CharField(max_length=8)
    """The channel that it was declared through: console, api, slack, alert, cli, engine; or import."""
    severity = models.CharField(max_length=4, choices=Severity.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    incident_type = models.CharField(max_length=40, blank=True)
    environment = models.ForeignKey(Environment, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    service = models.CharField(max_length=200, blank=True)
    """Name of the chiefly affected resource; the graph has all of them."""
    dedup_key = models.CharField(max_length=300, blank=True)
    """While an incident with this key is not resolved, declaring again returns it."""
    declared_by = models.CharField(max_length=120)
    declared_by_name = models.CharField(max_length=200)

    source_key = models.CharField(max_length=120, blank=True)
    """For imported history: where it came from and its id there. Importing it again changes nothing."""

    # Milestones, projected from the history; NULL means: did not happen, or nobody said when.
    # Mitigated is the first time, monitoring and resolved the latest. Reopening clears resolved, and keeps the others.
    detected_at = models.DateTimeField(null=True, blank=True)
    declared_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    mitigated_at = models.DateTimeField(null=True, blank=True)
    monitoring_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "number"], name="incident_number_unique"),
            models.UniqueConstraint(
                fields=["tenant", "dedup_key"],
                condition=~Q(dedup_key="") & ~Q(status="RESOLVED"),
                name="incident_dedup_live",
            ),
            models.UniqueConstraint(
                fields=["tenant", "source_key"], condition=~Q(source_key=""), name="incident_source_unique"
            ),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="incident_kind_known"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="incident_status_known"),
            models.CheckConstraint(condition=Q(severity__in=Severity.values), name="incident_severity_known"),
            # Imported history may not say when it ended.
            models.CheckConstraint(
                condition=~Q(status="RESOLVED") | Q(resolved_at__isnull=False) | Q(kind="IMPORTED"),
                name="incident_resolved_has_time",
            ),
            models.CheckConstraint(
                condition=Q(status="RESOLVED") | Q(resolved_at__isnull=True), name="incident_unresolved_has_none"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant", "status", "severity"], name="incident_status"),
            models.Index(fields=["tenant", "kind", "-declared_at"], name="incident_declared"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"

    @property
    def code(self) -> str:
        """`INC-17`, as people say it."""
        return f"INC-{self.number}"

    @property
    def ref(self) -> str:
        return f"incidents.incident:{self.id}"

    @property
    def is_active(self) -> bool:
        return self.status != Status.RESOLVED

    @property
    def is_history(self) -> bool:
        """Whether it was imported, and is therefore only read."""
        return self.kind == Kind.IMPORTED


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

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["incident", "seq"], name="transition_seq_unique")]
        ordering: ClassVar = ["seq"]

    def __str__(self) -> str:
        return f"{self.from_status} to {self.to_status}"


class RoleAssignment(TenantModel):
    """Who held which role in an incident, from when to when."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="roles")
    role = models.CharField(max_length=16, choices=Role.choices)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    user_name = models.CharField(max_length=200)
    assigned_by = models.CharField(max_length=120)
    assumed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["incident", "role"], condition=Q(ended_at__isnull=True), name="role_one_holder"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=models.F("assumed_at")), name="role_ends_after"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.user_name}"


class TimelineEvent(TenantModel):
    """One entry of an incident's timeline. Append-only: a correction is another entry that supersedes."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="timeline")
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=40, choices=EventKind.choices)
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
        constraints: ClassVar = [models.UniqueConstraint(fields=["incident", "seq"], name="timeline_seq_unique")]
        indexes: ClassVar = [models.Index(fields=["tenant", "incident", "-seq"], name="timeline_newest")]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"


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
