"""EvidenceBundle, its artifacts and controls, and Pack. After sealing nothing is updated, only superseded."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from conductor.engine.models import Run
from conductor.tenancy.database.viewing import viewer
from conductor.tenancy.models import Environment, TenantModel
from controls.models import Control
from incidents.models.incident import Incident


class VisibleBundles(models.Manager["EvidenceBundle"]):
    """The bundles that whoever looks may see: none about an incident that is private to others by now."""

    def get_queryset(self) -> models.QuerySet[EvidenceBundle]:
        found = super().get_queryset()
        # Incident.objects hides what the viewer may not see; nobody looking, as in a step, sees all.
        return found if viewer() is None else found.filter(Q(incident=None) | Q(incident__in=Incident.objects.all()))


class VisiblePacks(models.Manager["Pack"]):
    """The packs of the bundles that whoever looks may see."""

    def get_queryset(self) -> models.QuerySet[Pack]:
        found = super().get_queryset()
        return found if viewer() is None else found.filter(bundle__in=EvidenceBundle.objects.all())


class EvidenceBundle(TenantModel):
    """What proves that a control operated: artifacts, the run that made them, and who decided."""

    class Status(models.TextChoices):
        DRAFT = "DRAFT", "Draft"
        COLLECTING = "COLLECTING", "Collecting"
        SEALED = "SEALED", "Sealed"
        ABANDONED = "ABANDONED", "Abandoned"

    class Conclusion(models.TextChoices):
        """What was found, in words that give no assurance: a person concludes from it."""

        NO_EXCEPTIONS = "NO_EXCEPTIONS", "No exceptions found"
        EXCEPTIONS = "EXCEPTIONS", "Exceptions found"
        INCONCLUSIVE = "INCONCLUSIVE", "Inconclusive"

    number = models.PositiveBigIntegerField()
    title = models.CharField(max_length=200)
    purpose = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    conclusion = models.CharField(max_length=14, choices=Conclusion.choices, blank=True)
    findings = models.JSONField(default=list)
    """List of evidence.bundles.findings.Finding as JSON: check, title, expected, actual, result, detail."""
    superseded_findings = models.JSONField(default=list)
    """What was recorded before and replaced, oldest first: {"findings", "reason", "at", "by": {"ref", "name"}}."""
    environment = models.ForeignKey(Environment, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    incident = models.ForeignKey(Incident, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    effective_from = models.DateTimeField()
    """Start of the period that it is evidence for."""
    effective_to = models.DateTimeField(null=True)
    """End of that period, exclusive; set at sealing."""
    opened_by = models.CharField(max_length=120)
    opened_by_name = models.CharField(max_length=200)
    opened_at = models.DateTimeField()
    manifest = models.JSONField(null=True)
    """The sealed manifest (evidence.bundles.manifest); NULL until sealed."""
    manifest_digest = models.CharField(max_length=64, blank=True)
    """SHA-256 of the manifest's canonical JSON: the one number that stands for all of it."""
    sealed_at = models.DateTimeField(null=True)
    sealed_by_name = models.CharField(max_length=200, blank=True)
    seal_receipt_id = models.UUIDField(null=True)
    decision_id = models.UUIDField(null=True)
    """The policy decision that allowed the sealing."""
    retain_until = models.DateField(null=True)
    supersedes = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="successors")
    """The sealed bundle that this one takes the place of, which itself stays as it is."""
    idempotency_key = models.CharField(max_length=160, blank=True)
    """Opening again with this key returns this bundle."""

    objects = VisibleBundles()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "number"], name="bundle_number_unique"),
            models.UniqueConstraint(
                fields=["tenant", "idempotency_key"], condition=~Q(idempotency_key=""), name="bundle_once"
            ),
            models.UniqueConstraint(
                fields=["tenant", "supersedes"],
                condition=Q(supersedes__isnull=False) & ~Q(status="ABANDONED"),
                name="bundle_superseded_once",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["DRAFT", "COLLECTING", "SEALED", "ABANDONED"]), name="bundle_status_known"
            ),
            models.CheckConstraint(
                condition=Q(effective_to__isnull=True) | Q(effective_to__gte=models.F("effective_from")),
                name="bundle_period_forward",
            ),
            models.CheckConstraint(
                condition=~Q(status="SEALED")
                | (
                    Q(sealed_at__isnull=False, manifest__isnull=False, seal_receipt_id__isnull=False)
                    & ~Q(manifest_digest="")
                    & ~Q(conclusion="")
                ),
                name="bundle_sealed_whole",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant", "-opened_at"], name="bundle_opened"),
            models.Index(fields=["tenant", "run"], name="bundle_run"),
            models.Index(fields=["tenant", "incident"], name="bundle_incident"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"

    @property
    def code(self) -> str:
        """`EVB-0017`, as people say it."""
        return f"EVB-{self.number:04d}"

    @property
    def ref(self) -> str:
        return f"evidence.bundle:{self.id}"

    @property
    def is_sealed(self) -> bool:
        return self.status == self.Status.SEALED


class BundleControl(TenantModel):
    """A control that the bundle is evidence for."""

    bundle = models.ForeignKey(EvidenceBundle, on_delete=models.PROTECT, related_name="covers")
    control = models.ForeignKey(Control, on_delete=models.PROTECT, related_name="+")
    part = models.CharField(max_length=10)
    """PRIMARY or SUPPORTING, as bound at the time."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "bundle", "control"], name="bundle_control_unique"),
            models.CheckConstraint(condition=Q(part__in=["PRIMARY", "SUPPORTING"]), name="bundle_control_part_known"),
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "control"], name="bundle_control_control")]

    def __str__(self) -> str:
        return str(self.control_id)


class Artifact(TenantModel):
    """A file of a bundle, kept by its digest. Append-only."""

    bundle = models.ForeignKey(EvidenceBundle, on_delete=models.PROTECT, related_name="artifacts")
    path = models.CharField(max_length=200)
    """Relative path within the pack's data folder: `restore/source_manifest.json`."""
    original_name = models.CharField(max_length=200, blank=True, default="")
    """The name that the file had, where it is not the path's: in any script."""
    stated_digest = models.CharField(max_length=64, blank=True, default="")
    """The SHA-256 that the sender stated, and that was found to be right; empty where none was."""
    role = models.CharField(max_length=20)
    """raw, config, log, result, report, decision, timeline, attestation, population, sample."""
    media_type = models.CharField(max_length=100)
    digest = models.CharField(max_length=64)
    size_bytes = models.PositiveBigIntegerField()
    uri = models.CharField(max_length=200)
    """`cas:sha256:<digest>`: where the bytes are, by what they are."""
    origin = models.CharField(max_length=300, blank=True)
    """Where they came from: a system, a command, a query."""
    collected_by = models.CharField(max_length=120)
    collected_by_name = models.CharField(max_length=200)
    collected_at = models.DateTimeField()
    idempotency_key = models.CharField(max_length=160, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "bundle", "path"], name="artifact_path_unique")
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "digest"], name="artifact_digest")]
        ordering: ClassVar = ["path"]

    def __str__(self) -> str:
        return self.path


class Pack(TenantModel):
    """A generated Evidence Pack: a PDF to read and a ZIP to verify."""

    class Status(models.TextChoices):
        RENDERING = "RENDERING", "Rendering"
        READY = "READY", "Ready"
        FAILED = "FAILED", "Failed"

    bundle = models.ForeignKey(EvidenceBundle, on_delete=models.PROTECT, related_name="packs")
    number = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RENDERING)
    run = models.ForeignKey(Run, null=True, on_delete=models.PROTECT, related_name="+")
    pdf_digest = models.CharField(max_length=64, blank=True)
    pdf_size_bytes = models.PositiveBigIntegerField(null=True)
    zip_digest = models.CharField(max_length=64, blank=True)
    zip_size_bytes = models.PositiveBigIntegerField(null=True)
    inputs = models.JSONField(default=dict)
    """{"notary": [ids of NotaryRecord]}: what could change while the pack is made, chosen when it is requested."""
    files = models.JSONField(default=list)
    """List of {"path", "digest", "size_bytes"} that the pack's receipt vouches for."""
    receipt_id = models.UUIDField(null=True)
    verdict = models.JSONField(null=True)
    """The stand-alone verifier's report on the finished ZIP (evidence.packs.verify)."""
    error = models.CharField(max_length=500, blank=True)
    """Why there is no pack, once it failed."""
    idempotency_key = models.CharField(max_length=160, blank=True)
    requested_by_name = models.CharField(max_length=200)
    requested_at = models.DateTimeField()
    ready_at = models.DateTimeField(null=True)

    objects = VisiblePacks()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "bundle", "number"], name="pack_number_unique"),
            models.UniqueConstraint(
                fields=["tenant", "idempotency_key"], condition=~Q(idempotency_key=""), name="pack_once"
            ),
            models.CheckConstraint(
                condition=~Q(status="READY")
                | (Q(ready_at__isnull=False, verdict__isnull=False) & ~Q(pdf_digest="") & ~Q(zip_digest="")),
                name="pack_ready_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"pack {self.number}"

    @property
    def ref(self) -> str:
        return f"evidence.pack:{self.id}"
