"""Framework, Control, ControlMapping (the same for every tenant) and WorkflowBinding (a tenant's own)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from conductor.lib.ids import uuid7
from conductor.tenancy.models import Environment, TenantModel


class Framework(models.Model):
    """One release of a framework: its identifiers, with titles where its terms allow and our own labels where not."""

    class Terms(models.TextChoices):
        OPEN = "OPEN", "Titles are the framework's own"
        IDS_ONLY = "IDS_ONLY", "Only identifiers are the framework's; labels are ours"

    key = models.CharField(max_length=40, primary_key=True)
    """SOC2_2017, ISO27001_2022, NIST80053_R5."""
    alias = models.CharField(max_length=40, unique=True)
    """The short prefix that people write: SOC2, ISO_27001, NIST_800_53."""
    name = models.CharField(max_length=80)
    release = models.CharField(max_length=40)
    authority = models.CharField(max_length=80)
    terms = models.CharField(max_length=8, choices=Terms.choices)
    """IDS_ONLY: the framework is somebody's property, so no word of it may be stored here."""
    source = models.CharField(max_length=300)
    """Where identifiers and titles come from."""
    content_digest = models.CharField(max_length=64)
    """SHA-256 of the data file that was loaded last: loading the same file again changes nothing."""

    def __str__(self) -> str:
        return f"{self.name} {self.release}"


class Control(models.Model):
    """A control of a framework's release."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    framework = models.ForeignKey(Framework, on_delete=models.PROTECT, related_name="controls")
    code = models.CharField(max_length=40)
    """As the framework writes it: CC2.1, A.8.2, CP-9."""
    key = models.CharField(max_length=80, unique=True)
    """SOC2_2017_CC2.1: framework release and code, the id that bundles cite."""
    alias = models.CharField(max_length=80, unique=True)
    """SOC2_CC2.1."""
    label = models.CharField(max_length=200)
    group = models.CharField(max_length=40)
    """CC6, A.8, CP: the family that the heat map groups by."""
    group_label = models.CharField(max_length=120)
    position = models.PositiveIntegerField()
    """Order within the framework."""
    is_withdrawn = models.BooleanField(default=False)
    """The framework keeps the number but asks nothing any more: not counted in coverage."""

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["framework", "code"], name="control_code_unique")]
        ordering: ClassVar = ["framework_id", "position"]

    def __str__(self) -> str:
        return self.alias


class ControlMapping(models.Model):
    """How a control relates to one of another framework (OSCAL mapping words)."""

    class Relationship(models.TextChoices):
        EQUAL = "EQUAL", "equal to"
        SUBSET = "SUBSET", "subset of"
        SUPERSET = "SUPERSET", "superset of"
        INTERSECTS = "INTERSECTS", "intersects with"

    source = models.ForeignKey(Control, on_delete=models.PROTECT, related_name="mappings_out")
    target = models.ForeignKey(Control, on_delete=models.PROTECT, related_name="mappings_in")
    relationship = models.CharField(max_length=10, choices=Relationship.choices)
    authority = models.CharField(max_length=80)
    """Who says so: "NIST OLIR 2023-10-12", "own"."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "target", "authority"], name="control_mapping_unique")
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.relationship} {self.target}"


class WorkflowBinding(TenantModel):
    """A tenant's statement that a workflow produces evidence for a control."""

    class Part(models.TextChoices):
        PRIMARY = "PRIMARY", "Primary"
        SUPPORTING = "SUPPORTING", "Supporting"

    control = models.ForeignKey(Control, on_delete=models.PROTECT, related_name="+")
    workflow = models.CharField(max_length=80)
    """Registered workflow name."""
    part = models.CharField(max_length=10, choices=Part.choices)
    environment = models.ForeignKey(Environment, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    frequency_days = models.PositiveIntegerField(default=90)
    """Evidence older than this no longer counts for the present (it still proves its own period)."""
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)
    """When it was ended; NULL while it is live."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "control", "workflow"],
                condition=models.Q(valid_to__isnull=True),
                name="binding_live_unique",
            ),
            models.CheckConstraint(condition=models.Q(part__in=["PRIMARY", "SUPPORTING"]), name="binding_part_known"),
            models.CheckConstraint(condition=models.Q(frequency_days__gte=1), name="binding_frequency_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.control} by {self.workflow}"
