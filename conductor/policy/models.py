"""PolicyBundle, TenantPolicy, PolicyDecision, PolicySimulation: rules, what they said, what others would have said."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from conductor.lib.refs import Ref, ref
from conductor.tenancy.models import TenantModel


class PolicyBundle(models.Model):
    """The built-in Rego files as one revision, kept so that an old decision can be read with its rules."""

    digest = models.CharField(max_length=64, primary_key=True)
    """SHA-256 over the sorted (name, content) of the files."""
    files = models.JSONField()
    """{file name: Rego text}."""
    loaded_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.digest[:12]


class PolicyDecision(TenantModel):
    """What policy said of one request. Written whatever the answer, and never changed."""

    action = models.CharField(max_length=80)
    """Dotted and imperative: `incidents.resolve`."""
    allow = models.BooleanField()
    reasons = models.JSONField(default=list)
    """List of {"code": str, "message": str}; empty when allowed."""
    input = models.JSONField()
    """The input document as evaluated (conductor.policy.inputs), secrets masked."""
    input_digest = models.CharField(max_length=64)
    bundle_digest = models.CharField(max_length=64)
    """Revision of the built-in rules."""
    tenant_digest = models.CharField(max_length=64, blank=True, default="")
    """Revision of the tenant's own rules that were in force; empty where there were none."""
    tenant_policies = models.JSONField(default=list)
    """Those rules: list of {"name", "version", "digest"}."""
    data_digest = models.CharField(max_length=64, blank=True, default="")
    """SHA-256 over the data that the rules could read (RFC 8785); empty for decisions before data existed."""
    path = models.CharField(max_length=120)
    """The queried rule, for example `data.conductor.incidents.declare`."""
    engine = models.CharField(max_length=40)
    engine_version = models.CharField(max_length=40)
    duration_us = models.PositiveIntegerField(help_text="Evaluation time in microseconds")
    decided_at = models.DateTimeField()
    actor = models.CharField(max_length=120)
    subject = models.CharField(max_length=120, blank=True)
    """Ref of what the request was about; empty when it does not exist yet."""

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant", "subject", "decided_at"], name="decision_subject"),
            models.Index(fields=["tenant", "decided_at"], name="decision_time"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {'allowed' if self.allow else 'denied'}"

    @property
    def ref(self) -> Ref:
        return ref("conductor.policy_decision", self.id)


class TenantPolicy(TenantModel):
    """Rules of a tenant's own, one version of them. Text and digest never change; only the state moves on."""

    class State(models.TextChoices):
        DRAFT = "DRAFT", "Draft"
        ACTIVE = "ACTIVE", "Active"
        RETIRED = "RETIRED", "Retired"

    name = models.CharField(max_length=40)
    """Snake case: the rules are the package `tenant.<name>`."""
    version = models.PositiveIntegerField()
    purpose = models.CharField(max_length=200)
    rego = models.TextField()
    data = models.JSONField(default=dict)
    """What the rules read as `data.tenant_data.<name>`."""
    digest = models.CharField(max_length=64)
    """SHA-256 over the RFC 8785 bytes of {"data", "rego"}."""
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    uploaded_at = models.DateTimeField()
    uploaded_by = models.CharField(max_length=120)
    uploaded_by_name = models.CharField(max_length=200)
    activated_at = models.DateTimeField(null=True)
    activated_by = models.CharField(max_length=120, blank=True)
    activated_by_name = models.CharField(max_length=200, blank=True)
    retired_at = models.DateTimeField(null=True)
    retired_by = models.CharField(max_length=120, blank=True)
    retired_by_name = models.CharField(max_length=200, blank=True)
    retired_reason = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "name", "version"], name="tenant_policy_version_unique"),
            models.UniqueConstraint(
                fields=["tenant", "name"], condition=Q(state="ACTIVE"), name="tenant_policy_one_active"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["DRAFT", "ACTIVE", "RETIRED"]), name="tenant_policy_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="ACTIVE") | Q(activated_at__isnull=False), name="tenant_policy_active_since"
            ),
            models.CheckConstraint(
                condition=Q(activated_by="") | ~Q(activated_by=F("uploaded_by")), name="tenant_policy_two_people"
            ),
            models.CheckConstraint(
                condition=~Q(state="RETIRED") | Q(retired_at__isnull=False), name="tenant_policy_retired_since"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "state"], name="tenant_policy_state")]

    def __str__(self) -> str:
        return self.code

    @property
    def code(self) -> str:
        """`change_freeze v3`, as people say it."""
        return f"{self.name} v{self.version}"

    @property
    def ref(self) -> Ref:
        return ref("conductor.tenant_policy", self.id)


class PolicySimulation(TenantModel):
    """Recorded decisions asked again of other rules. Enforces nothing."""

    number = models.PositiveBigIntegerField()
    title = models.CharField(max_length=200)
    candidate = models.JSONField()
    """The other rules (conductor.policy.candidate): built-in files, tenant rules with their data."""
    candidate_digest = models.CharField(max_length=64)
    selection = models.JSONField()
    """Which decisions: {"since", "until", "actions"}."""
    run = models.CharField(max_length=120, blank=True)
    """Ref of the run that replays them."""
    total = models.PositiveIntegerField()
    """Decisions to replay."""
    done = models.PositiveIntegerField(default=0)
    cursor = models.CharField(max_length=40, blank=True)
    """Id of the newest decision that was replayed."""
    result = models.JSONField(default=dict)
    """conductor.policy.simulation.Tally as JSON, as far as it went."""
    started_by = models.CharField(max_length=120)
    started_by_name = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "number"], name="policy_simulation_number_unique"),
            models.CheckConstraint(condition=Q(done__lte=F("total")), name="policy_simulation_done_within"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def code(self) -> str:
        """`S-4`, as people say it."""
        return f"S-{self.number}"

    @property
    def ref(self) -> Ref:
        return ref("conductor.policy_simulation", self.id)
