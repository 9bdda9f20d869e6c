"""Every alert that came in, and what became of it. Nothing that was sent to Conductor is without an answer."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from conductor.tenancy.models import TenantModel
from incidents.models.incident import Incident


class Outcome(models.TextChoices):
    """What became of an alert."""

    DECLARED = "DECLARED", "Declared an incident"
    ATTACHED = "ATTACHED", "Joined an incident"
    ENDED = "ENDED", "Ended"
    REPEATED = "REPEATED", "Repeated"
    NO_INCIDENT = "NO_INCIDENT", "No incident"
    PENDING = "PENDING", "Waits for a person"


class AlertRecord(TenantModel):
    """One firing of one alert, from its start to its end."""

    source = models.CharField(max_length=40)
    """alertmanager, grafana, pagerduty, or the name of a signed webhook."""
    fingerprint = models.CharField(max_length=120)
    """What tells the alert from others of its source."""
    name = models.CharField(max_length=200)
    summary = models.TextField(blank=True)
    severity = models.CharField(max_length=4, blank=True)
    """As the alert asks for it; empty where it says that it is no incident."""
    service = models.CharField(max_length=200, blank=True)
    labels = models.JSONField(default=dict)
    url = models.CharField(max_length=500, blank=True)
    starts_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, default=Outcome.PENDING)
    reason = models.TextField(blank=True)
    incident = models.ForeignKey(Incident, null=True, on_delete=models.PROTECT, related_name="alerts")
    disposed_by_name = models.CharField(max_length=200, blank=True)
    disposed_at = models.DateTimeField(null=True)
    has_fired = models.BooleanField(default=True)
    """Whether a firing was seen; False while only its end has come."""
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    times_seen = models.PositiveIntegerField(default=1)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "source", "fingerprint", "starts_at"], name="alert_once"),
            models.CheckConstraint(
                condition=Q(outcome="PENDING") | (~Q(reason="") & Q(disposed_at__isnull=False)),
                name="alert_disposition_says_why",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "outcome", "-first_seen_at"], name="alert_by_outcome")]

    def __str__(self) -> str:
        return f"{self.source} {self.name}"


class AlertSource(TenantModel):
    """A sender of alerts: its name in the address, its shape, its secret, sealed, and what its words mean."""

    class Shape(models.TextChoices):
        GENERIC = "GENERIC", "Standard Webhooks"
        ALERTMANAGER = "ALERTMANAGER", "Alertmanager"
        GRAFANA = "GRAFANA", "Grafana"
        PAGERDUTY = "PAGERDUTY", "PagerDuty webhooks (v3)"
        EVENTS = "EVENTS", "PagerDuty events (v2)"

    name = models.SlugField(max_length=40)
    shape = models.CharField(max_length=12, choices=Shape.choices)
    sealed_secret = models.TextField()
    key_digest = models.CharField(max_length=64, blank=True)
    """SHA-256 of the routing key, by which events name their source; empty for other shapes."""
    previous_sealed_secret = models.TextField(blank=True)
    previous_key_digest = models.CharField(max_length=64, blank=True)
    previous_ends_at = models.DateTimeField(null=True)
    """Until then the secret before the last rotation is still taken."""
    severity_words = models.JSONField(default=dict)
    """The sender's severity words, folded (alerts.parsers.severity_words.key_of), to SEV1 to SEV4 or "none"."""
    created_by_name = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    disabled_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(null=True)
    """When it last sent something that was signed."""

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "name"], name="alert_source_name_unique")]

    def __str__(self) -> str:
        return self.name


class AlertDelivery(TenantModel):
    """A delivery that its sender gave an id, and the answer that it got: a repeat gets the same one."""

    source = models.ForeignKey(AlertSource, on_delete=models.CASCADE, related_name="deliveries")
    id_digest = models.CharField(max_length=64)
    """SHA-256 of the sender's id."""
    answer = models.JSONField(default=dict)
    expires_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "source", "id_digest"], name="alert_delivery_once")
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "source", "expires_at"], name="alert_delivery_expiry")]

    def __str__(self) -> str:
        return self.id_digest
