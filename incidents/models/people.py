"""Who does what in an incident."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from conductor.tenancy.models import TenantModel
from incidents.models.choices import Role, TaskState
from incidents.models.incident import Incident


class RoleAssignment(TenantModel):
    """Who held which role in an incident, from when to when."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="roles")
    role = models.CharField(max_length=16, choices=Role.choices)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    user_name = models.CharField(max_length=200)
    assigned_by = models.CharField(max_length=120)
    assumed_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    """When the holder said yes; at once for whoever takes a role themselves."""
    handover_note = models.TextField(blank=True)
    """What the one before wrote down for this holder."""
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "incident", "role"], condition=Q(ended_at__isnull=True), name="role_one_holder"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=models.F("assumed_at")), name="role_ends_after"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.user_name}"


class RoleOffer(TenantModel):
    """A handover under way: the holder keeps the role until the other accepts."""

    class Answer(models.TextChoices):
        ACCEPTED = "ACCEPTED", "Accepted"
        DECLINED = "DECLINED", "Declined"
        WITHDRAWN = "WITHDRAWN", "Withdrawn"

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="role_offers")
    role = models.CharField(max_length=16, choices=Role.choices)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    user_name = models.CharField(max_length=200)
    note = models.TextField()
    """What the next holder must know."""
    offered_by = models.CharField(max_length=120)
    offered_by_name = models.CharField(max_length=200)
    offered_at = models.DateTimeField()
    answer = models.CharField(max_length=10, choices=Answer.choices, blank=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "incident", "role"], condition=Q(answered_at__isnull=True), name="role_one_open_offer"
            ),
            models.CheckConstraint(
                condition=Q(answer="", answered_at__isnull=True) | (~Q(answer="") & Q(answered_at__isnull=False)),
                name="role_offer_answered_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} offered to {self.user_name}"


class Task(TenantModel):
    """Something to be done while the incident lasts. What is to be done afterwards is an action item."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="tasks")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=8, choices=TaskState.choices, default=TaskState.OPEN)
    is_blocking = models.BooleanField(default=False)
    """Whether the incident may not be resolved before it is done or canceled."""
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    assignee_name = models.CharField(max_length=200, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    added_by = models.CharField(max_length=120)
    added_by_name = models.CharField(max_length=200)
    added_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    """When it was done or canceled."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "incident", "number"], name="task_number_unique"),
            models.CheckConstraint(condition=Q(state__in=TaskState.values), name="task_state_known"),
        ]
        ordering: ClassVar = ["number"]

    def __str__(self) -> str:
        return f"task {self.number}: {self.title}"

    @property
    def is_over(self) -> bool:
        return self.state in (TaskState.DONE, TaskState.CANCELED)


class AccessGrant(TenantModel):
    """That somebody may read a private incident, from when to when, and why."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="grants")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    user_name = models.CharField(max_length=200)
    reason = models.TextField()
    granted_by = models.CharField(max_length=120)
    granted_by_name = models.CharField(max_length=200)
    granted_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "incident", "user"], condition=Q(ended_at__isnull=True), name="grant_one_open"
            )
        ]

    def __str__(self) -> str:
        return f"access for {self.user_name}"
