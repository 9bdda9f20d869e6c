"""What an organisation does after an incident, so that it does not happen again."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from conductor.tenancy.models import TenantModel
from incidents.models.incident import Incident


class ActionItem(TenantModel):
    """Something to be done after an incident. Its history is in the incident's timeline."""

    class Type(models.TextChoices):
        DETECT = "DETECT", "Detect"
        PREVENT = "PREVENT", "Prevent"
        CORRECT = "CORRECT", "Correct"

    class Status(models.TextChoices):
        OPEN = "OPEN", "Open"
        DONE = "DONE", "Done"
        DROPPED = "DROPPED", "Dropped"

    class Effect(models.TextChoices):
        UNKNOWN = "", "Not closed"
        UNVERIFIED = "UNVERIFIED", "Unverified"
        VERIFIED = "VERIFIED", "Verified"

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="action_items")
    number = models.PositiveBigIntegerField()
    title = models.CharField(max_length=200)
    detail = models.TextField(blank=True)
    type = models.CharField(max_length=8, choices=Type.choices)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    owner_name = models.CharField(max_length=200, blank=True)
    """Empty while nobody owns it."""
    due_date = models.DateField(null=True, blank=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    effect = models.CharField(max_length=10, choices=Effect.choices, blank=True, default=Effect.UNKNOWN)
    """Once done: whether somebody checked that it does what it was for."""
    effect_note = models.TextField(blank=True)
    """How that was checked, or why the item was dropped."""
    ticket = models.CharField(max_length=200, blank=True)
    """The ticket's name in the tenant's tracker: `OPS-17`."""
    ticket_url = models.CharField(max_length=500, blank=True)
    reminders = models.PositiveSmallIntegerField(default=0)
    """How many were sent."""
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=200, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "number"], name="action_item_number_unique"),
            models.CheckConstraint(
                condition=Q(status__in=["OPEN", "DONE", "DROPPED"]), name="action_item_status_known"
            ),
            models.CheckConstraint(
                condition=Q(type__in=["DETECT", "PREVENT", "CORRECT"]), name="action_item_type_known"
            ),
            models.CheckConstraint(
                condition=Q(status="OPEN", closed_at__isnull=True) | (~Q(status="OPEN") & Q(closed_at__isnull=False)),
                name="action_item_closed_has_time",
            ),
            models.CheckConstraint(
                condition=Q(status="DONE", effect__in=["UNVERIFIED", "VERIFIED"]) | (~Q(status="DONE") & Q(effect="")),
                name="action_item_done_has_effect",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "status", "due_date"], name="action_item_due")]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"

    @property
    def code(self) -> str:
        """`A-12`, as people say it."""
        return f"A-{self.number}"

    @property
    def ref(self) -> str:
        return f"incidents.action_item:{self.id}"

    @property
    def is_open(self) -> bool:
        return self.status == self.Status.OPEN
