"""Invitation: somebody may become a member by the link that was mailed to them."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from conductor.lib.refs import Ref, ref
from conductor.tenancy.models import Membership, TenantModel
from conductor.tenancy.roles import Role

OPEN = Q(accepted_at=None, revoked_at=None)
"""Neither accepted nor revoked; it may have run out."""


class Invitation(TenantModel):
    """An offer of membership to an address. Only the SHA-256 of its link's secret is kept."""

    email = models.EmailField()
    """In lower case."""
    role = models.CharField(max_length=12, choices=Role.choices)
    digest = models.CharField(max_length=64, editable=False)
    invited_by = models.CharField(max_length=120)
    """Ref of the admin who invited or last renewed it."""
    invited_by_name = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    """When the mail server took the newest link; NULL while it did not."""
    accepted_at = models.DateTimeField(null=True)
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, null=True, related_name="+")
    """Whom it made a member."""
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "digest"], name="invitation_digest_unique"),
            models.UniqueConstraint(fields=["tenant", "email"], condition=OPEN, name="invitation_open_unique"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="invitation_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.email} as {self.role}"

    @property
    def ref(self) -> Ref:
        return ref("tenancy.invitation", self.id)

    def is_good(self, now: datetime) -> bool:
        """Whether its link makes a member at `now`."""
        return self.accepted_at is None and self.revoked_at is None and self.expires_at > now
