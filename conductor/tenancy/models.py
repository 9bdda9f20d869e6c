"""Tenant, Environment, Membership, ApiToken, and the abstract base of every tenant's row."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from conductor.lib.ids import uuid7
from conductor.lib.refs import Ref, ref
from conductor.tenancy.roles import PERMISSIONS, Role


class Tenant(models.Model):
    """An organisation. No row of one tenant is ever visible to another (docs/decisions/0003)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    created_at = models.DateTimeField()
    second_step_from = models.DateTimeField(null=True)
    """From when on members get into the console with a second step only; NULL: they need none."""
    is_staged = models.BooleanField(default=False)
    """Whether this is a demonstration, whose people and incidents are invented. Pages, documents and seals say so."""

    class Meta:
        permissions: ClassVar = list(PERMISSIONS.items())

    def __str__(self) -> str:
        return self.slug


class TenantModel(models.Model):
    """Base of every tenant-owned table. Its migration must call `row_level_security` (a test walks all models)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+", editable=False)

    class Meta:
        abstract = True

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        """Read the row again. Its tenant, if it is at hand, stays at hand: a row never moves to another."""
        tenant = self._state.fields_cache.get("tenant")
        super().refresh_from_db(*args, **kwargs)
        if tenant is not None:
            self.tenant = tenant


class NumberSeries(TenantModel):
    """The last number given out in one gapless series of a tenant, for example its incidents."""

    series = models.CharField(max_length=40)
    last = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "series"], name="number_series_unique")]

    def __str__(self) -> str:
        return f"{self.series}:{self.last}"


class Environment(TenantModel):
    """A place where the tenant's systems run."""

    class Kind(models.TextChoices):
        PRODUCTION = "PRODUCTION", "Production"
        STAGING = "STAGING", "Staging"
        DEVELOPMENT = "DEVELOPMENT", "Development"

    slug = models.SlugField(max_length=40)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=12, choices=Kind.choices)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "slug"], name="environment_slug_unique")]

    def __str__(self) -> str:
        return self.slug


class LiveMemberships(models.Manager["Membership"]):
    """Those of people who are members now."""

    def get_queryset(self) -> models.QuerySet[Membership]:
        return super().get_queryset().filter(removed_at=None)


class Membership(TenantModel):
    """A person's one role in a tenant. The role decides the permissions (conductor.tenancy.roles).

    The row stays when the person leaves: what they did refers to it, and `objects` no longer shows it.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=12, choices=Role.choices)
    created_at = models.DateTimeField()
    """When they joined, for the last time."""
    removed_at = models.DateTimeField(null=True)
    """When they left; NULL while they are a member."""
    given_by_groups = models.BooleanField(default=False, editable=False)
    """Whether the identity provider's groups made it; then it ends with them (conductor.access.identity)."""

    objects = LiveMemberships()
    ever = models.Manager["Membership"]()

    class Meta:
        base_manager_name = "ever"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "user"], name="membership_unique"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"

    @property
    def ref(self) -> Ref:
        return ref("tenancy.membership", self.id)


class ApiToken(TenantModel):
    """A program's key. Only the SHA-256 of its secret is kept; it acts as its member, within its scopes."""

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, editable=False)
    prefix = models.CharField(max_length=6, blank=True, editable=False)
    """The secret's first characters, by which people recognise a token; empty for tokens of before it was kept."""
    scopes = models.JSONField(default=list)
    """List of scope names, see conductor.tenancy.roles.SCOPES."""
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "digest"], name="token_digest_unique")]

    def __str__(self) -> str:
        return self.name

    @property
    def ref(self) -> Ref:
        return ref("tenancy.api_token", self.id)

    def is_live(self, now: datetime) -> bool:
        """Whether the token may be used at `now`."""
        return self.revoked_at is None and self.expires_at > now


class SignInLink(models.Model):
    """A one-time sign-in link of the demonstration. It belongs to a person, not to a tenant."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    nonce = models.CharField(max_length=32, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"link for {self.user}"
