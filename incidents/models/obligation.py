"""Reporting obligations an incident: what starts their clocks, where each stands, what was filed, and own rules."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from conductor.tenancy.models import TenantModel
from incidents.models.incident import Incident


class ObligationQuerySet(models.QuerySet["Obligation"]):
    def open(self) -> ObligationQuerySet:
        """Those that somebody still has to decide or to file."""
        return self.filter(state__in=["ASSESSING", "APPLICABLE"])


class Obligation(TenantModel):
    """One stage of one regime, for one incident: to be decided, running, or done."""

    class State(models.TextChoices):
        ASSESSING = "ASSESSING", "To be decided"
        APPLICABLE = "APPLICABLE", "Running"
        NOT_APPLICABLE = "NOT_APPLICABLE", "Not reportable"
        FILED = "FILED", "Filed"

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="obligations")
    rule_key = models.CharField(max_length=60)
    """`gdpr.authority`: the rule in incidents/data/obligation-rules.json, or one of the tenant's own."""
    rule = models.JSONField()
    """The rule as it was when it was armed: a later change of the rules does not move a clock that runs."""
    regime = models.CharField(max_length=40)
    state = models.CharField(max_length=14, choices=State.choices, default=State.ASSESSING)
    armed_at = models.DateTimeField()
    armed_because = models.CharField(max_length=200)
    due_at = models.DateTimeField(null=True)
    running_since = models.DateTimeField(null=True)
    """The moment from which the time until `due_at` is counted; None while it has none."""
    explanation = models.JSONField(default=list)
    """Sentences by which the due date is derived, in order."""

    decided_by = models.CharField(max_length=120, blank=True)
    decided_by_name = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.TextField(blank=True)
    decision_facts = models.JSONField(default=dict)
    """The facts that the decision rests on, as they were. When they change, it is asked again."""

    filed_by_name = models.CharField(max_length=200, blank=True)
    filed_at = models.DateTimeField(null=True)
    filing_reference = models.CharField(max_length=200, blank=True)
    """The receiver's own number for it."""
    filing_digest = models.CharField(max_length=64, blank=True)
    """SHA-256 of exactly what was submitted."""
    late_reason = models.TextField(blank=True)

    objects = ObligationQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "incident", "rule_key"], name="obligation_once"),
            models.CheckConstraint(
                condition=Q(state__in=["ASSESSING", "APPLICABLE", "NOT_APPLICABLE", "FILED"]),
                name="obligation_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="FILED") | Q(filed_at__isnull=False), name="obligation_filed_has_time"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "state", "due_at"], name="obligation_due")]

    def __str__(self) -> str:
        return self.rule_key


class ReportingMoment(TenantModel):
    """When something happened that starts a clock: a decision of its own, never taken from an alert's time.

    Append-only: the newest of its key counts.
    """

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="reporting_moments")
    key = models.CharField(max_length=30)
    """One of incidents.reporting.rules.ANCHORS."""
    at = models.DateTimeField()
    reason = models.TextField()
    asserted_by = models.CharField(max_length=120)
    asserted_by_name = models.CharField(max_length=200)
    recorded_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tenant", "incident", "key"], name="reporting_moment_of")]

    def __str__(self) -> str:
        return f"{self.key} at {self.at}"


class OwnRule(TenantModel):
    """A version of a rule of the tenant's own, as from a contract. Append-only: the highest version counts."""

    key = models.CharField(max_length=60)
    version = models.PositiveIntegerField()
    content = models.JSONField()
    """As incidents.reporting.rules.Rule describes it."""
    is_active = models.BooleanField(default=True)
    reason = models.TextField()
    changed_by = models.CharField(max_length=120)
    changed_by_name = models.CharField(max_length=200)
    changed_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "key", "version"], name="own_rule_version_unique")
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.version}"
