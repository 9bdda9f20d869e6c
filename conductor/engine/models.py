"""Run, Step, Try, Signal and Share: the truth about every workflow. Celery only wakes it up (docs/decisions/0004)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

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
    """SHA-256 of the workflow's definition and source as the run began with it."""
    code_digest = models.CharField(max_length=64, blank=True)
    """The same of the code that worked on the run last. Each change of it has a receipt (docs/decisions/0030)."""
    title = models.CharField(max_length=200)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.COMPLIANCE)
    environment = models.ForeignKey(Environment, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    input = models.JSONField(default=dict)
    output = models.JSONField(null=True)
    """Output of the last step, once succeeded."""
    subject = models.CharField(max_length=120, blank=True)
    """Ref of what the run is for: an incident, a bundle, a control."""
    dedup_key = models.CharField(max_length=200, blank=True)
    started_by = models.CharField(max_length=120)
    started_by_name = models.CharField(max_length=200)
    started_proof = models.JSONField(null=True)
    """How who started it was authenticated then (conductor.tenancy.sessions.proof); NULL in older runs."""
    error = models.JSONField(null=True)
    """{"code": str, "message": str, "step": str} once failed."""

    lease_owner = models.CharField(max_length=120, blank=True)
    lease_expires_at = models.DateTimeField(null=True)
    lease_epoch = models.PositiveIntegerField(default=0)
    """Grows with every claim: a write that names an older epoch is refused."""
    wake_at = models.DateTimeField(null=True)
    """When a queued or waiting run is due again; NULL while it waits for a person, a signal or a group's items."""

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
            models.Index(
                fields=["tenant", "priority", "lease_expires_at"], condition=Q(status="RUNNING"), name="run_at_work"
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
    """One step of a run: its recorded output or its error, never both.

    A group is a row without `item` (its head), and one row with `item` for each item once the group has begun.
    Items are claimed one by one, by any worker; until all are over the run itself waits.
    """

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
    """Whether it runs after a failure only: a compensation or one of the workflow's on_failure steps."""
    undoes = models.PositiveSmallIntegerField(null=True)
    """For a compensation: `seq` of the step that it undoes."""
    is_group = models.BooleanField(default=False)
    item = models.PositiveIntegerField(null=True)
    """Place in the group's list, from 0; NULL for steps and for heads of groups."""
    given = models.JSONField(null=True)
    """The item itself."""
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    output = models.JSONField(null=True)
    error = models.JSONField(null=True)
    wait = models.JSONField(null=True)
    """While waiting: {"kind": "until"|"decision"|"signal"|"items", "reason": str, "since": RFC 3339}, and
    "until": RFC 3339, "permission": str, "signal": str as the kind needs. A decision that needs a second person also
    has "four_eyes": true and "requested_by": Ref or "" (conductor.engine.lifecycle.four_eyes).
    After a decision also "decision": {"approve": bool, "by": Ref, "by_name": str, "reason": str, "at": RFC 3339}."""
    round = models.PositiveSmallIntegerField(default=1)
    """Grows when the step is done anew after it was undone: another effect, so another idempotency key."""
    counted_from = models.PositiveSmallIntegerField(default=1)
    """Number of the first try that counts against the retry policy: those before it a person has forgiven."""
    source_digest = models.CharField(max_length=64, blank=True)
    """SHA-256 of the source of the function whose result is recorded here."""
    lease_owner = models.CharField(max_length=120, blank=True)
    lease_expires_at = models.DateTimeField(null=True)
    lease_epoch = models.PositiveIntegerField(default=0)
    wake_at = models.DateTimeField(null=True)
    """These four, for items only: as for runs."""
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "run", "seq"], condition=Q(item=None), name="step_unique"),
            models.UniqueConstraint(fields=["tenant", "run", "seq", "item"], name="step_item_unique"),
            models.CheckConstraint(
                condition=Q(output__isnull=True) | Q(error__isnull=True), name="step_output_or_error"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["tenant", "wake_at"],
                condition=Q(item__isnull=False, status__in=["PENDING", "WAITING"]),
                name="item_due",
            ),
            models.Index(
                fields=["tenant", "lease_expires_at"],
                condition=Q(item__isnull=False, status="RUNNING"),
                name="item_at_work",
            ),
        ]
        ordering: ClassVar = ["seq", F("item").asc(nulls_first=True)]

    OVER = (Status.SUCCEEDED, Status.FAILED, Status.SKIPPED)

    def __str__(self) -> str:
        return f"{self.place} {self.name}"

    @property
    def place(self) -> str:
        """`3`, or `3.0` for the first item of the group at place 3."""
        return str(self.seq) if self.item is None else f"{self.seq}.{self.item}"

    @property
    def idempotency_key(self) -> str:
        """`<run id>:<seq>`: the same for every try, so that the step's effect happens once.

        An item adds `.<index>`. A step that was undone and is done anew adds `:<round>`: that is another effect.
        """
        return f"{self.run_id}:{self.place}" + (f":{self.round}" if self.round > 1 else "")

    @property
    def is_waiting_for_decision(self) -> bool:
        wait = self.wait or {}
        return self.status == self.Status.WAITING and wait.get("kind") == "decision" and "decision" not in wait


class Try(TenantModel):
    """One attempt at a step."""

    class Outcome(models.TextChoices):
        RUNNING = "RUNNING", "Running"
        SUCCEEDED = "SUCCEEDED", "Succeeded"
        FAILED = "FAILED", "Failed"
        WAITING = "WAITING", "Went to wait"
        LOST = "LOST", "Worker lost"
        CANCELLED = "CANCELLED", "Cancelled"

    step = models.ForeignKey(Step, on_delete=models.PROTECT, related_name="tries")
    number = models.PositiveSmallIntegerField()
    worker = models.CharField(max_length=120)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.RUNNING)
    error = models.CharField(max_length=2000, blank=True)
    log = models.JSONField(default=list)
    """List of {"at": RFC 3339, "level": "info"|"error", "message": str, …fields}."""
    decisions = models.JSONField(default=list)
    """Ids of the PolicyDecisions that were made while this try was at work."""
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "step", "number"], name="try_unique")]
        ordering: ClassVar = ["number"]

    def __str__(self) -> str:
        return f"try {self.number}: {self.outcome}"


class Signal(TenantModel):
    """A named message to a run. It is kept until a step that waits for its name takes it, once."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="signals")
    name = models.CharField(max_length=80)
    payload = models.JSONField(default=dict)
    dedup_key = models.CharField(max_length=200, blank=True)
    """A sender that may repeat itself names the same key; the repeat changes nothing."""
    sent_by = models.CharField(max_length=120)
    sent_by_name = models.CharField(max_length=200)
    sent_at = models.DateTimeField()
    taken_by = models.ForeignKey(Step, null=True, on_delete=models.PROTECT, related_name="signals")
    taken_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "run", "name", "dedup_key"],
                condition=~Q(dedup_key=""),
                name="signal_dedup_unique",
            )
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "run", "name"], name="signal_run")]
        ordering: ClassVar = ["sent_at", "id"]

    def __str__(self) -> str:
        return self.name


class Share(TenantModel):
    """A tenant's share of the workers: how many at once, and when it was served last."""

    run_limit = models.PositiveIntegerField(null=True)
    """Runs and items at work at once, for each priority; NULL takes the setting CONDUCTOR_TENANT_RUN_LIMIT."""
    served_at = models.DateTimeField(null=True)
    """When a worker last claimed something of this tenant: the tenant served longest ago is next."""

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant"], name="share_unique")]

    def __str__(self) -> str:
        return f"{self.run_limit or 'default'} at once"
