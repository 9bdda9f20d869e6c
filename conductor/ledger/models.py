"""Receipt, Checkpoint, Tile, SigningKey. Rows change only as the database permits (0002, 0006)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from conductor.lib.ids import uuid7
from conductor.tenancy.models import TenantModel
from conductor.tenancy.sessions.proof import in_words


class Receipt(TenantModel):
    """One key action, written in the transaction of the act; signed and numbered afterwards by the sequencer."""

    action = models.CharField(max_length=80)
    """Dotted and past: `incidents.incident.resolved`."""
    subject = models.CharField(max_length=120)
    """Ref of what was acted on."""
    subject_name = models.CharField(max_length=200)
    actor = models.CharField(max_length=120)
    """Ref of who acted."""
    actor_name = models.CharField(max_length=200)
    authentication = models.JSONField(null=True)
    """How the actor was authenticated (conductor.tenancy.sessions.proof); NULL in receipts of before that was kept."""
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    body = models.JSONField(default=dict)
    """What happened, as the action defines it. Numbers beyond 2^53 are strings (RFC 8785)."""
    subjects = models.JSONField(default=list)
    """in-toto subjects: list of {"name": str, "digest": 64 lower hex of SHA-256}; files that the act vouches for."""
    links = models.JSONField(default=list)
    """Refs of related rows: run, policy decision, resource, incident, control."""
    body_digest = models.CharField(max_length=64)
    """SHA-256 of the canonical body, set at insertion."""

    leaf_index = models.PositiveBigIntegerField(null=True)
    leaf_hash = models.CharField(max_length=64, null=True)  # noqa: DJ001 - NULL means: not yet sequenced
    envelope = models.JSONField(null=True)
    """DSSE envelope over the in-toto Statement, once sequenced."""
    sequenced_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "leaf_index"], name="receipt_leaf_unique"),
            models.CheckConstraint(
                condition=Q(
                    leaf_index__isnull=True, leaf_hash__isnull=True, envelope__isnull=True, sequenced_at__isnull=True
                )
                | Q(
                    leaf_index__isnull=False,
                    leaf_hash__isnull=False,
                    envelope__isnull=False,
                    sequenced_at__isnull=False,
                ),
                name="receipt_sequenced_whole",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant", "subject", "recorded_at"], name="receipt_subject"),
            models.Index(
                fields=["tenant", "recorded_at"], condition=Q(leaf_index__isnull=True), name="receipt_pending"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"

    @property
    def authenticated(self) -> str:
        """How the actor was authenticated, in words."""
        return in_words(self.authentication)


class Checkpoint(TenantModel):
    """A signed statement of the log's size and root (C2SP tlog-checkpoint), one per sequenced batch."""

    tree_size = models.PositiveBigIntegerField()
    root_hash = models.CharField(max_length=64)
    frontier = models.JSONField()
    """The compact range: hex hashes of the perfect subtrees, largest first; lets the log grow without its leaves."""
    note = models.TextField()
    """The signed note, exactly as published."""
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "tree_size"], name="checkpoint_size_unique")]

    def __str__(self) -> str:
        return f"{self.tree_size}:{self.root_hash[:12]}"


class Tile(TenantModel):
    """Up to 256 hashes of the log's Merkle tree (conductor.ledger.log.tiles). It only grows."""

    level = models.PositiveSmallIntegerField()
    number = models.PositiveBigIntegerField()
    hashes = models.BinaryField()
    """32 bytes each, in log order."""

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "level", "number"], name="tile_unique")]

    def __str__(self) -> str:
        return f"{self.level}/{self.number}"


class SigningKey(models.Model):
    """A key of this installation and when it was in force. One is in force at a time for each purpose.

    A key was in force from `valid_from` to `valid_to`. The first one has no beginning, the present one no end.
    """

    class Purpose(models.TextChoices):
        SEAL = "SEAL", "Seal"
        LOG = "LOG", "Log"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    purpose = models.CharField(max_length=4, choices=Purpose.choices)
    """SEAL signs receipts, LOG signs checkpoints."""
    fingerprint_digest = models.CharField(max_length=64)
    """SHA-256 of the public key in DER."""
    public_key = models.TextField()
    """PEM."""
    number = models.PositiveSmallIntegerField()
    """1 for the first key of its purpose; each rotation counts on."""
    valid_from = models.DateTimeField(null=True)
    valid_to = models.DateTimeField(null=True)
    compromised_from = models.DateTimeField(null=True)
    """Declared compromised: what it signed from this moment on is not believed."""
    endorsement = models.JSONField(null=True)
    """DSSE envelope over the rotation's statement, signed by the key before and by this one. None for the first."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["purpose", "fingerprint_digest"], name="signing_key_once"),
            models.UniqueConstraint(fields=["purpose", "number"], name="signing_key_in_order"),
            models.UniqueConstraint(fields=["purpose"], condition=Q(valid_to__isnull=True), name="signing_key_one"),
            models.CheckConstraint(
                condition=Q(number=1, valid_from__isnull=True, endorsement__isnull=True)
                | Q(number__gt=1, valid_from__isnull=False, endorsement__isnull=False),
                name="signing_key_endorsed",
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_from__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="signing_key_window",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.number}"
