"""Run, Step and Try: the truth about every workflow. Celery only wakes it up (docs/decisions/0004)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from conductor.tenancy.models import Environment, TenantModel


class Run(TenantModel):
    """One execution of a workflow."""

    class Status(models.TextChoices):
        QUEUED = "QUEUED", "Queued"
        RUNNING = "RUNNING", "Running"
        WAITING = "WAITING", "Waiting"
        SUCCEEDED = "SUCCEEDED", "Succeeded"
        FAILED = "FAILED", "Failed"
        CANCELLED = "CANCELLED", "Cancelled"

    class Priority(models.IntegerChoices):
        INCIDENT = 10, "Incident"
        COMPLIANCE = 20, "Compliance"

    OVER = (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)

    number = models.PositiveBigIntegerField()
    workflow = models.CharField(max_length=80)
    workflow_version = models.PositiveIntegerField()
    workflow_digest = models.CharField(max_length=64)
    """SHA-256 of the workflow's definition as the run began with it."""
    title = models.CharField(max_length=200)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.COMPLIANCE)
    environment = models.ForeignKey(Environment, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    input = models.JSONField(default=dict)
    subject = models.CharField(max_length=120, blank=True)
    """Ref of what the run is for: an incident, a bundle, a control."""
    dedup_key = models.CharField(max_length=200, blank=True)
    started_by = models.CharField(max_length=120)
    started_by_name = models.CharField(max_length=200)
    error = models.JSONField(null=True)
    """{"code": str, "message": str, "step": str} once failed."""

    lease_owner = models.CharField(max_length=120, blank=True)
    lease_expires_at = models.DateTimeField(null=True)
    lease_epoch = models.PositiveIntegerField(default=0)
    """Grows with every claim: a write that names an older epoch is refused."""
    wake_at = models.DateTimeField(null=True)
    """When a queued or waiting run is due again; NULL while it waits for a decision."""
    woken_at = models.DateTimeField(null=True)
    """When the sweep last sent a wake-up, so that it does not flood the broker."""

    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "number"], name="run_number_unique"),
            models.UniqueConstraint(
                fields=["tenant", "workflow", "dedup_key"], condition=~Q(dedup_key=""), name="run_dedup_unique"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["QUEUED", "RUNNING", "WAITING", "SUCCEEDED", "FAILED", "CANCELLED"]),
                name="run_status_known",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["tenant", "priority", "wake_at"],
                condition=Q(status__in=["QUEUED", "WAITING", "RUNNING"]),
                name="run_due",
            ),
            models.Index(fields=["tenant", "subject"], name="run_subject"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def code(self) -> str:
        """`R-17`, as people say it."""
        return f"R-{self.number}"

    @property
    def is_over(self) -> bool:
        return self.status in self.OVER


class Step(TenantModel):
    """One step of a run: its recorded output or its error, never both."""

    class Status(models.TextChoices):
        PENDING = "PENDING", "Pending"
        RUNNING = "RUNNING", "Running"
        WAITING = "WAITING", "Waiting"
        SUCCEEDED = "SUCCEEDED", "Succeeded"
        FAILED = "FAILED", "Failed"
        SKIPPED = "SKIPPED", "Skipped"

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="steps")
    seq = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=80)
    """The registered name. A recorded name that differs from the workflow's stops the run."""
    is_cleanup = models.BooleanField(default=False)
    """Whether it belongs to the workflow's on_failure steps."""
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    output = models.JSONField(null=True)
    error = models.JSONField(null=True)
    wait = models.JSONField(null=True)
    """While waiting: {"kind": "until"|"decision", "reason": str, "until": RFC 3339, "permission": str}.
    After a decision also "decision": {"approve": bool, "by": Ref, "by_name": str, "reason": str, "at": RFC 3339}."""
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "run", "seq"], name="step_unique"),
            models.CheckConstraint(
                condition=Q(output__isnull=True) | Q(error__isnull=True), name="step_output_or_error"
            ),
        ]
        ordering: ClassVar = ["seq"]

    def __str__(self) -> str:
        return f"{self.seq} {self.name}"


class Try(TenantModel):
    """One attempt at a step."""

    class Outcome(models.TextChoices):
        RUNNING = "RUNNING", "Running"
        SUCCEEDED = "SUCCEEDED", "Succeeded"
        FAILED = "FAILED", "Failed"
        WAITING = "WAITING", "Went to wait"
        LOST = "LOST", "Worker lost"

    step = models.ForeignKey(Step, on_delete=models.PROTECT, related_name="tries")
    number = models.PositiveSmallIntegerField()
    worker = models.CharField(max_length=120)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.RUNNING)
    error = models.CharField(max_length=2000, blank=True)
    log = models.JSONField(default=list)
    """List of {"at": RFC 3339, "level": "info"|"error", "message": str, …fields}."""
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "step", "number"], name="try_unique")]
        ordering: ClassVar = ["number"]

    def __str__(self) -> str:
        return f"try {self.number}: {self.outcome}"
