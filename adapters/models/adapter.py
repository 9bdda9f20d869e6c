"""AdapterConfig, Secret, DataKey, Delivery and NotaryRecord: how a tenant reaches the outside, and what it answered."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.db import models
from django.db.models import Q

from conductor.lib.refs import Ref, ref
from conductor.tenancy.models import Environment, TenantModel

REFERENCE_CHARACTERS = 300


class AdapterConfig(TenantModel):
    """One configured adapter of a tenant. Settings are plain; secrets are `Secret` rows."""

    port = models.CharField(max_length=20)
    """A value of adapters.ports.protocols.Port: what it is used for."""
    kind = models.CharField(max_length=40)
    """Key in adapters.registry.KINDS; never changes."""
    name = models.CharField(max_length=80)
    environment = models.ForeignKey(Environment, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    """NULL: for every environment."""
    settings = models.JSONField(default=dict, blank=True)
    """Validated by the kind's pydantic `Config`."""
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    tested_at = models.DateTimeField(null=True)
    """When somebody last pressed "Test"; NULL if nobody did since the settings or a secret changed."""
    test_passed = models.BooleanField(null=True)
    test_code = models.CharField(max_length=40, blank=True)
    """Stable name of what went wrong (docs/reference/adapters.md); empty when it passed."""
    test_detail = models.CharField(max_length=500, blank=True)
    """What the test found, in a sentence."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "name"], name="adapter_name_unique"),
            models.CheckConstraint(
                condition=Q(tested_at__isnull=True, test_passed__isnull=True)
                | Q(tested_at__isnull=False, test_passed__isnull=False),
                name="adapter_test_whole",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "port"], name="adapter_port")]
        verbose_name = "adapter"

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})"

    @classmethod
    def serving(cls, *, port: str, environment_id: UUID | None) -> list[AdapterConfig]:
        """Return the port's enabled adapters by name: those of the environment and those for every one."""
        here = Q(environment_id=environment_id) | Q(environment=None)
        return list(cls.objects.filter(here, port=port, enabled=True).order_by("name"))

    @property
    def ref(self) -> Ref:
        return ref("adapters.config", self.id)


class Secret(TenantModel):
    """A secret of an adapter: a reference to where it lives (`env:NAME`, `file:/path`, `vault:…`), or sealed in place.

    Never shown again once stored: the admin form shows only how old it is and the reference's scheme.
    """

    adapter = models.ForeignKey(AdapterConfig, on_delete=models.CASCADE, related_name="secrets")
    name = models.CharField(max_length=40)
    """Field of the kind's `Secrets`: password, signing_key, …"""
    reference = models.CharField(max_length=REFERENCE_CHARACTERS, blank=True)
    """`env:NAME` or `file:/run/secrets/x`; empty when the value is sealed below."""
    sealed = models.TextField(blank=True)
    """JWE compact serialisation (RFC 7516), its context bound to tenant, adapter and field."""
    set_at = models.DateTimeField()
    set_by = models.CharField(max_length=120)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "adapter", "name"], name="secret_unique"),
            models.CheckConstraint(
                condition=(Q(reference="") & ~Q(sealed="")) | (~Q(reference="") & Q(sealed="")),
                name="secret_reference_or_sealed",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def scheme(self) -> str:
        """What may be shown of where it is kept: the reference's scheme, or "sealed"."""
        return self.reference.partition(":")[0] if self.reference else "sealed"


class DataKey(TenantModel):
    """A key that seals a tenant's secrets, itself wrapped by a key-encryption key that the database does not hold.

    The one without `retired_at` seals; retired ones still open. A destroyed one has no `wrapped`: what it sealed is
    gone for good, in every copy of the database that has no copy of the wrapped key.
    """

    version = models.PositiveIntegerField()
    kek_id = models.CharField(max_length=120)
    """Name of the key-encryption key that wrapped it."""
    wrapped = models.TextField(blank=True)
    """JWE, or `vault:v1:…`; its context is the tenant and the version."""
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)
    destroyed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "version"], name="data_key_version"),
            models.UniqueConstraint(fields=["tenant"], condition=Q(retired_at=None), name="data_key_one_seals"),
            models.CheckConstraint(
                condition=(~Q(wrapped="") & Q(destroyed_at=None))
                | Q(wrapped="", destroyed_at__isnull=False, retired_at__isnull=False),
                name="data_key_destroyed_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"data key {self.version}"


class Delivery(TenantModel):
    """One message to one adapter. Once SENT it is not sent again under its `key`; the receiver sees the key too.

    PENDING: not sent yet, or sent and the answer was lost; tried again under the same key. FAILED: for good.
    """

    class Status(models.TextChoices):
        PENDING = "PENDING", "Pending"
        SENT = "SENT", "Sent"
        FAILED = "FAILED", "Failed"

    adapter = models.ForeignKey(AdapterConfig, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=160)
    """Idempotency key, handed to the receiver as well where its protocol has a place for it."""
    subject = models.CharField(max_length=120)
    """Ref of what the message is about."""
    event = models.CharField(max_length=80)
    message = models.JSONField(default=dict)
    """What was sent (adapters.ports.protocols.Message.as_json), so that it can be shown and sent again."""
    recipient = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    provider_id = models.CharField(max_length=200, blank=True)
    error = models.CharField(max_length=500, blank=True)
    """Why the last attempt failed; on a SENT row, what the receiver's side did not take (a refused recipient)."""
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "adapter", "key"], name="delivery_once"),
            models.CheckConstraint(
                condition=Q(status__in=["PENDING", "FAILED"], sent_at__isnull=True)
                | Q(status="SENT", sent_at__isnull=False),
                name="delivery_status_known",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant", "subject"], name="delivery_subject"),
            models.Index(fields=["tenant", "-created_at"], name="delivery_created"),
        ]
        verbose_name_plural = "deliveries"

    def __str__(self) -> str:
        return f"{self.event} {self.status}"


class NotaryRecord(TenantModel):
    """What a notary said of one digest, and how it was verified.

    PENDING: no usable answer yet. REJECTED: it answered, and the answer does not hold (`code` says why); a later
    attempt may still succeed. VERIFIED: checked before it was stored, and never changed again.
    """

    class State(models.TextChoices):
        PENDING = "PENDING", "Pending"
        VERIFIED = "VERIFIED", "Verified"
        REJECTED = "REJECTED", "Rejected"

    adapter = models.ForeignKey(AdapterConfig, on_delete=models.PROTECT, related_name="+")
    subject = models.CharField(max_length=120)
    """Ref of the bundle, pack or checkpoint."""
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    request = models.BinaryField(default=bytes)
    """The request as sent: DER for RFC 3161, empty for a local notary."""
    response = models.BinaryField(default=bytes)
    """The answer as received: DER for RFC 3161, canonical JSON for a local notary."""
    attested_at = models.DateTimeField(null=True)
    """The time that the notary vouches for."""
    verified_by = models.CharField(max_length=80, blank=True)
    trust_anchor = models.CharField(max_length=200, blank=True)
    """`sha256:<hex>` of the root certificate or key (DER) that the verification rests on."""
    trust_anchor_pem = models.TextField(blank=True)
    """That certificate or key itself, public, so that the answer can be checked without this installation."""
    attempts = models.PositiveSmallIntegerField(default=0)
    code = models.CharField(max_length=40, blank=True)
    """Stable name of the last failure (docs/reference/adapters.md); empty when VERIFIED."""
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    verified_at = models.DateTimeField(null=True)
    """When we verified it. `attested_at` is the notary's time, this is ours."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "adapter", "digest"], name="notary_once"),
            models.CheckConstraint(
                condition=Q(state__in=["PENDING", "REJECTED"], verified_at__isnull=True)
                | Q(state="VERIFIED", verified_at__isnull=False, attested_at__isnull=False),
                name="notary_verified_whole",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "subject"], name="notary_subject")]

    def __str__(self) -> str:
        return f"{self.digest[:12]} {self.state}"


class NotaryPolicy(TenantModel):
    """What a tenant demands of notaries, as of a moment. Rows are its history; the newest in force counts."""

    class Mode(models.TextChoices):
        """From the weakest to the strongest."""

        OFF = "OFF", "Off: nobody is asked"
        BEST_EFFORT = "BEST_EFFORT", "Best effort: asked, not waited for"
        REQUIRED = "REQUIRED", "Required: sealed at once, released once enough have vouched"

    mode = models.CharField(max_length=12, choices=Mode.choices)
    needed = models.PositiveSmallIntegerField(default=0)
    """How many independent notaries must vouch; 0 unless required."""
    proposed_by = models.CharField(max_length=120)
    proposed_by_name = models.CharField(max_length=160)
    proposed_at = models.DateTimeField()
    approved_by = models.CharField(max_length=120, blank=True)
    """The second person; empty where none was needed."""
    approved_by_name = models.CharField(max_length=160, blank=True)
    in_force_at = models.DateTimeField(null=True)
    """NULL: it waits for a second person, or was replaced before one came."""
    replaced_at = models.DateTimeField(null=True)
    """When another proposal took the place of this one while it waited."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant"], condition=Q(in_force_at=None, replaced_at=None), name="notary_policy_one_waits"
            ),
            models.CheckConstraint(
                condition=Q(mode="REQUIRED", needed__gte=1) | (~Q(mode="REQUIRED") & Q(needed=0)),
                name="notary_policy_needed",
            ),
            models.CheckConstraint(condition=~Q(approved_by=models.F("proposed_by")), name="notary_policy_four_eyes"),
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "-in_force_at"], name="notary_policy_newest")]
        verbose_name_plural = "notary policies"

    def __str__(self) -> str:
        return f"{self.needed} required" if self.needed else self.Mode(self.mode).label.split(":")[0]
