"""Who does what in an incident."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from conductor.tenancy.models import TenantModel
from incidents.models.incident import Incident
from incidents.models.words import Role


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
                fields=["tenant", "incident", "role"], condition=Q(ended_at__isnull=True), name="role_one_holder"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=models.F("assumed_at")), name="role_ends_after"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.user_name}"
