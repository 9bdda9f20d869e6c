"""The incident itself. What changes is history in rows of its own; here stands how it is now."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import apps
from django.db import models
from django.db.models import Exists, OuterRef, Q

from conductor.lib.refs import parse_ref
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.viewing import viewer
from conductor.tenancy.models import Environment, TenantModel
from incidents.models.choices import OVER, Closure, Impact, Kind, Severity, Status, Urgency, Visibility

SYSTEM = "system"


class IncidentQuerySet(models.QuerySet["Incident"]):
    def active(self) -> IncidentQuerySet:
        """Those that somebody works on: neither resolved nor declined, canceled or a duplicate."""
        return self.exclude(status__in=OVER)

    def live_for(self, dedup_key: str) -> Incident | None:
        """Return the active incident with this key; None for an empty key."""
        return self.active().filter(dedup_key=dedup_key).first() if dedup_key else None

    def visible_to(self, actor: Actor | None) -> IncidentQuerySet:
        """Those that the actor may read: of the private ones what they declared, hold a role in, or were let into."""
        if actor is None or "view_private" in actor.permissions or SYSTEM in actor.roles:
            return self
        kind, identifier = parse_ref(actor.ref)
        mine: Any = Q(visibility=Visibility.NORMAL) | Q(declared_by=actor.ref)
        if kind == "tenancy.user":
            for name in ("RoleAssignment", "AccessGrant"):
                held = apps.get_model("incidents", name).objects.filter(user_id=int(identifier), ended_at=None)
                mine |= Exists(held.filter(incident=OuterRef("pk")))
        return self.filter(mine)

    def real(self) -> IncidentQuerySet:
        """Those that happened here: neither imported history nor practice."""
        return self.filter(kind=Kind.REAL)


AllIncidents = models.Manager.from_queryset(IncidentQuerySet)


class VisibleIncidents(AllIncidents["Incident"]):
    """The incidents that whoever looks may see. Without anybody looking, as in a step, all of them."""

    def get_queryset(self) -> IncidentQuerySet:
        found: IncidentQuerySet = super().get_queryset()  # type: ignore[assignment]
        return found.visible_to(viewer())


class Incident(TenantModel):
    """Something is broken, and somebody has it."""

    number = models.PositiveBigIntegerField()
    title = models.CharField(max_length=200)
    summary = models.TextField(blank=True)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.REAL)
    origin = models.CharField(max_length=8)
    """The channel that it was declared through: console, api, slack, alert, cli, engine; or import."""
    severity = models.CharField(max_length=4, choices=Severity.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    closure = models.CharField(max_length=16, choices=Closure.choices, blank=True)
    """Why it was no incident, while it is declined or canceled."""
    duplicate_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="duplicates")
    """The incident that it was merged into, while it is a duplicate. Never a duplicate itself: no chains."""
    impact = models.CharField(max_length=8, choices=Impact.choices, blank=True)
    urgency = models.CharField(max_length=12, choices=Urgency.choices, blank=True)
    """With the impact it gives the severity, by the response policy's matrix; empty while nobody said."""
    answers = models.JSONField(default=dict)
    """Reply by Question, both as words; a question that is not in it has not been asked."""
    incident_type = models.CharField(max_length=40, blank=True)
    environment = models.ForeignKey(Environment, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    service = models.CharField(max_length=200, blank=True)
    """Name of the chiefly affected resource; the graph has all of them."""
    dedup_key = models.CharField(max_length=300, blank=True)
    """While an incident with this key is not resolved, declaring again returns it."""
    declared_by = models.CharField(max_length=120)
    declared_by_name = models.CharField(max_length=200)

    source_key = models.CharField(max_length=120, blank=True)
    """For imported history: where it came from and its id there. Importing it again changes nothing."""

    # Milestones, projected from the history; NULL means: did not happen, or nobody said when.
    # Mitigated is the first time, monitoring and resolved the latest. Reopening clears resolved, and keeps the others.
    detected_at = models.DateTimeField(null=True, blank=True)
    declared_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    mitigated_at = models.DateTimeField(null=True, blank=True)
    monitoring_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField()
    impact_started_at = models.DateTimeField(null=True, blank=True)
    impact_ended_at = models.DateTimeField(null=True, blank=True)
    visibility = models.CharField(max_length=7, choices=Visibility.choices, default=Visibility.NORMAL)
    version = models.PositiveIntegerField(default=1)

    objects = VisibleIncidents()
    everything = IncidentQuerySet.as_manager()
    """Private ones too, whoever looks: for counting, and for finding what is live for a key. Show no content of it."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "number"], name="incident_number_unique"),
            models.UniqueConstraint(
                fields=["tenant", "dedup_key"],
                condition=~Q(dedup_key="") & ~Q(status__in=OVER),
                name="incident_dedup_live",
            ),
            models.UniqueConstraint(
                fields=["tenant", "source_key"], condition=~Q(source_key=""), name="incident_source_unique"
            ),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="incident_kind_known"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="incident_status_known"),
            models.CheckConstraint(condition=Q(severity__in=Severity.values), name="incident_severity_known"),
            models.CheckConstraint(condition=Q(visibility__in=Visibility.values), name="incident_visibility_known"),
            models.CheckConstraint(condition=Q(closure__in=["", *Closure.values]), name="incident_closure_known"),
            models.CheckConstraint(
                condition=Q(status="DUPLICATE", duplicate_of__isnull=False)
                | (~Q(status="DUPLICATE") & Q(duplicate_of__isnull=True)),
                name="incident_duplicate_names_its_original",
            ),
            models.CheckConstraint(condition=~Q(duplicate_of=models.F("id")), name="incident_no_duplicate_of_itself"),
            # Imported history may not say when it ended.
            models.CheckConstraint(
                condition=~Q(status="RESOLVED") | Q(resolved_at__isnull=False) | Q(kind="IMPORTED"),
                name="incident_resolved_has_time",
            ),
            models.CheckConstraint(
                condition=Q(status="RESOLVED") | Q(resolved_at__isnull=True), name="incident_unresolved_has_none"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant", "status", "severity"], name="incident_status"),
            models.Index(fields=["tenant", "kind", "-declared_at"], name="incident_declared"),
        ]

    def __str__(self) -> str:
        return f"{self.code} (private)" if self.is_private else f"{self.code} {self.title}"

    @property
    def is_private(self) -> bool:
        """Whether its content stays with those who work on it. `str()` gives the code alone then."""
        return self.visibility == Visibility.PRIVATE

    @property
    def code(self) -> str:
        """`INC-17`, as people say it."""
        return f"INC-{self.number}"

    @property
    def ref(self) -> str:
        return f"incidents.incident:{self.id}"

    @property
    def is_active(self) -> bool:
        return self.status not in OVER

    @property
    def is_history(self) -> bool:
        """Whether it was imported, and is therefore only read."""
        return self.kind == Kind.IMPORTED
